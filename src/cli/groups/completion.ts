import type { Command } from 'commander';
import { parseChoice } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import type { Run } from '../run-command.ts';

export function addCompletionCommands(program: Command, run: Run): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish', parseChoice('bash', 'zsh', 'fish'))
    .description('print a script that completes commands and options in a shell')
    .addHelpText(
      'after',
      examples(
        ['source <(quota completion bash)', 'in ~/.bashrc'],
        ['source <(quota completion zsh)', 'in ~/.zshrc, after compinit'],
        ['quota completion fish > ~/.config/fish/completions/quota.fish', 'once'],
      ),
    )
    .action(run(async () => (await import('../completion/handlers.ts')).printScript));

  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'the words after the name of the program, the last of which is being typed')
    .description('what can follow on a command line; the scripts of quota completion ask this')
    .addHelpText(
      'after',
      examples(
        ["quota complete -- user ''", 'the commands of a group'],
        ['quota complete -- jobs run --', 'options'],
      ),
    )
    .action(run(async () => (await import('../completion/handlers.ts')).printCompletions(program)));
}
