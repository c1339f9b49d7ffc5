import { Command } from 'commander';
import { version } from '../../package.json';
import { commandTree } from '../commands/command-tree.ts';
import type { Group } from '../declarations/command.ts';
import { CommandTree, type Run } from './command-tree.ts';
import { addExplanation, addOptions } from './declare-command.ts';
import { globalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';
import { topicList } from './topics/topics.ts';
import { wrappedFor } from './wrap-text.ts';

/** The program with its tree, of which nothing is loaded but the names and summaries of the groups. */
export function createProgram(process: ProcessLike, run: Run): CommandTree {
  const program = new Command('quota')
    .description('Allowances of metered AI services: look, reset, limit, reconcile.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => process.stdout.write(wrappedFor(process.stdout, text)),
      writeErr: (text) => process.stderr.write(text),
      outputError: () => {}, // Reported with all other errors, in one place.
      getOutHelpWidth: () => process.stdout.columns ?? 100,
      // commander would open both streams to see; help has no colours to leave out.
      getOutHasColors: () => true,
      getErrHasColors: () => true,
      getErrHelpWidth: () => process.stderr.columns ?? 100,
    })
    .exitOverride()
    .showSuggestionAfterError(true);
  addOptions(program, globalOptions);
  addExplanation(program, { details: `Topics: quota help ${topicList}`, examples });
  const tree: CommandTree = new CommandTree(
    program,
    { ...commandTree, ...shellCommands(() => tree, process), help: helpCommand },
    run,
  );
  return tree;
}

const examples = [
  ['quota db migrate', 'create or update the tables'],
  ['quota db status --json', 'which database, which version, what is to be done'],
  ['quota help db', 'the commands of a group'],
] as const;

/** The commands that are about the tree itself. */
const shellCommands = (tree: () => CommandTree, process: ProcessLike): Group['commands'] => ({
  completion: {
    summary: 'print a script that completes commands and options in a shell',
    load: async () => (await import('./completion/completion.ts')).completion,
    onShards: 'nowhere',
  },
  complete: {
    summary: 'what can follow on a command line; the scripts of quota completion ask this',
    load: async () => (await import('./completion/complete.ts')).complete(tree(), process),
    isHidden: true,
    onShards: 'nowhere',
  },
});

/** For lists only: wherever the word stands, `main` answers it. */
const helpCommand = {
  summary: 'explain a command or a topic: quota help user show, quota help cron',
  load: async () => (await import('./help.ts')).help,
};
