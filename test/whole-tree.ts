import type { Command } from 'commander';
import type { CommandTree } from '../src/cli/command-tree.ts';
import { createProgram } from '../src/cli/program.ts';
import { fakeProcess } from './run-cli.ts';

/** The command tree with every group and every command loaded. */
export async function wholeTree(): Promise<CommandTree> {
  const tree = createProgram(fakeProcess([], {}).process, async () => {});
  const openBelow = async (command: Command): Promise<void> => {
    await tree.openAll(command);
    await tree.describe(command);
    await Promise.all(command.commands.map(openBelow));
  };
  await openBelow(tree.root);
  return tree;
}
