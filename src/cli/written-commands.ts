import { readFile } from 'node:fs/promises';
import type { CommandDeclaration } from '../declarations/command.ts';
import type { ArgumentDeclaration, OptionDeclaration } from '../declarations/option.ts';
import { choicesOf } from './declare-command.ts';

/** A command as it is explained: its declaration as JSON, without what only a run needs. */
export interface WrittenCommand extends CommandDeclaration {
  summary: string;
}

/** By path: `user show`. */
export type WrittenCommands = Readonly<Record<string, WrittenCommand>>;

/** Where the build has written it: beside the folder of the file that this is bundled into. */
const file = new URL('../commands.json', import.meta.url);

/** What the build has written down of all commands, so that help and completion load none; nothing where it did not. */
export async function readWrittenCommands(): Promise<WrittenCommands> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as WrittenCommands;
  } catch {
    return {}; // The sources run as they are: each command is asked itself.
  }
}

/** A declaration for the build to write down. */
export const writtenCommand = (summary: string, declaration: CommandDeclaration): WrittenCommand => ({
  summary,
  arguments: withoutParsers(declaration.arguments ?? {}),
  options: withoutParsers(declaration.options ?? {}),
  ...(declaration.details !== undefined && { details: declaration.details }),
  examples: declaration.examples,
});

const withoutParsers = <Declaration extends OptionDeclaration | ArgumentDeclaration>(
  declarations: Readonly<Record<string, Declaration>>,
): Record<string, Omit<Declaration, 'parse'>> =>
  Object.fromEntries(
    Object.entries(declarations).map(([name, { parse, ...rest }]) => [
      name,
      { ...rest, ...choicesOf(parse) },
    ]),
  );
