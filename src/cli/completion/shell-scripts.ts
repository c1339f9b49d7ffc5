/**
 * What a shell runs to complete a command line: each asks `quota complete`, which answers one candidate a line
 * with its description after a tab, and `:files` where names of files fit.
 */
export const shells = ['bash', 'zsh', 'fish', 'powershell', 'pwsh'] as const;
export type Shell = (typeof shells)[number];

/** Runs on bash 3.2, which macOS has. Readline splits words at "=": they are put together again. */
const bash = `# quota completion for bash. Once: source <(quota completion bash)
_quota() {
  local words=() count=0 glue='' word value rest index
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if [[ $count -gt 0 && ( $word == '=' || -n $glue ) ]]; then
      words[count - 1]+="$word"
      if [[ $word == '=' ]]; then glue=yes; else glue=''; fi
    else
      words[count]="$word"
      count=$((count + 1))
    fi
  done
  COMPREPLY=()
  word="\${words[count - 1]}"
  while IFS=$'\\t' read -r value rest; do
    if [[ $value == ':files' ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "\${word#--*=}")
    elif [[ $word == --*=* ]]; then
      COMPREPLY+=("\${value#--*=}")
    else
      COMPREPLY+=("$value")
    fi
  done < <(quota complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _quota quota
`;

const zsh = `#compdef quota
# quota completion for zsh. Once: source <(quota completion zsh), or as a file named _quota in $fpath
_quota() {
  local -a candidates
  local line description files=''
  for line in "\${(@f)$(quota complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ':files' ]]; then
      files=yes
    elif [[ -n $line ]]; then
      description="\${line#*$'\\t'}"
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${description:+:$description}")
    fi
  done
  (( \${#candidates} )) && _describe -V quota candidates
  if [[ -n $files ]]; then
    compset -P '--*='
    _files
  fi
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _quota "$@"
else
  compdef _quota quota
fi
`;

const fish = `# quota completion for fish. Once: quota completion fish > ~/.config/fish/completions/quota.fish
function __quota_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (quota complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = ':files'
            set -l flag (string match -r '^--[^=]+=' -- (commandline -ct))
            for path in (__fish_complete_path (string replace -r '^--[^=]+=' '' -- (commandline -ct)))
                echo "$flag$path"
            end
        else
            echo $line
        end
    end
end
complete -c quota -f -a '(__quota_complete)'
`;

/** PowerShell 5.1 and later, whose parser hands over the words; an empty last word it leaves out. */
const powershell = `# quota completion for PowerShell. In $PROFILE: quota completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName quota -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @()
  foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
    if ($element.Extent.StartOffset -lt $cursorPosition -and $element.Extent.EndOffset -lt $cursorPosition) {
      if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
        $words += $element.Value
      } else {
        $words += $element.Extent.Text
      }
    }
  }
  # An empty argument is lost on the way to a program in PowerShell before 7.3: a space stands for it.
  if ($wordToComplete) { $words += $wordToComplete } else { $words += ' ' }
  foreach ($line in (& quota complete '--' $words 2>$null)) {
    $value, $description = $line -split "\`t", 2
    if ($value -eq ':files') {
      foreach ($path in (Get-ChildItem -Path "$wordToComplete*" -ErrorAction SilentlyContinue)) {
        # What is completed is the whole word: the folder that was typed stays in front.
        $name = ($wordToComplete -replace '[^/\\\\]*$', '') + $path.Name
        if ($name -match "[\\s'()]") { $name = "'" + ($name -replace "'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($name, $path.Name, 'ProviderItem', $path.FullName)
      }
    } elseif ($value) {
      if (-not $description) { $description = $value }
      [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
  }
}
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish, powershell, pwsh: powershell };

export const completionScript = (shell: Shell): string => scripts[shell];
