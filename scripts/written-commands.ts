import type { Command } from 'commander';
import type { CommandTree } from '../src/cli/command-tree.ts';
import { nameOf } from '../src/cli/command-tree.ts';
import { createProgram } from '../src/cli/program.ts';
import { type WrittenCommand, type WrittenCommands, writtenCommand } from '../src/cli/written-commands.ts';

/** What every command can be given and how it is explained, for the build to write down. */
export async function writtenCommands(): Promise<WrittenCommands> {
  const tree = createProgram(process, async () => {});
  return Object.fromEntries(await writtenBelow(tree, tree.root));
}

async function writtenBelow(tree: CommandTree, command: Command): Promise<[string, WrittenCommand][]> {
  await tree.openAll(command);
  await tree.describe(command);
  const below = await Promise.all(command.commands.map((child) => writtenBelow(tree, child)));
  const entry = tree.entryOf(command);
  return entry === undefined || 'loadGroup' in entry
    ? below.flat()
    : [[nameOf(command), writtenCommand(command.description(), await entry.load())], ...below.flat()];
}
