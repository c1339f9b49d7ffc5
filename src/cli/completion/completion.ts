import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { parseChoice } from '../../values/option-values.ts';
import { completionScript, shells } from './shell-scripts.ts';

/** `quota completion SHELL`: the script; as JSON `{shell, script}`. */
export const completion = defineCommand(
  {
    arguments: { shell: argument('bash, zsh, fish or powershell', parseChoice(...shells)) },
    examples: [
      ['source <(quota completion bash)', 'in ~/.bashrc'],
      ['source <(quota completion zsh)', 'in ~/.zshrc, after compinit'],
      ['quota completion fish > ~/.config/fish/completions/quota.fish', 'once'],
      ['quota completion powershell | Out-String | Invoke-Expression', 'in $PROFILE'],
    ],
  },
  async ({ output }, { shell }) => {
    const script = completionScript(shell);
    await output.write({ data: { shell, script }, text: () => script, isVerbatim: true });
    return exitCodes.ok;
  },
);
