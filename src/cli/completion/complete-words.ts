import type { Command, Option } from 'commander';
import { type CommandTree, nameOf } from '../command-tree.ts';
import { choicesOf, repeats } from '../declare-command.ts';
import { findOption, optionsOf, type ReadWords, readWords, splitFlag } from '../read-words.ts';
import { type NameKind, nameKindOf } from './name-kinds.ts';

export interface Completion {
  value: string;
  description: string;
}

export interface Completions {
  completions: Completion[];
  /** Whether the word can be the name of a file, which the shell completes itself. */
  files: boolean;
  /** What the database has names of that fit, too. */
  names?: WantedNames;
}

export interface WantedNames {
  kind: NameKind;
  /** How they begin. */
  start: string;
  /** What stands before them in the word that is typed: `--user=`. */
  before: string;
}

/** What can follow on a command line: `words` after the name of the program, the last of which is being typed. */
export async function completeWords(tree: CommandTree, words: readonly string[]): Promise<Completions> {
  const current = words.at(-1) ?? '';
  const typed = await readWords(tree, words.slice(0, -1));
  const [flag, value] = splitFlag(current);
  if (typed.awaiting !== undefined) {
    return startingWith(current, valuesOf(typed.awaiting, current));
  }
  if (value !== undefined && !typed.optionsEnded) {
    const option = await findOption(tree, typed.command, flag);
    const values = option === undefined ? nothing : valuesOf(option, value, `${flag}=`);
    const withFlag = values.completions.map((one) => ({ ...one, value: `${flag}=${one.value}` }));
    return startingWith(current, { ...values, completions: withFlag });
  }
  if (current.startsWith('-') && !typed.optionsEnded) {
    return startingWith(current, { completions: await flagsOf(tree, typed), files: false });
  }
  return startingWith(current, await argumentsOf(tree, typed, current));
}

const nothing: Completions = { completions: [], files: false };

function startingWith(start: string, { completions, ...rest }: Completions): Completions {
  return { completions: completions.filter(({ value }) => value.startsWith(start)), ...rest };
}

async function flagsOf(tree: CommandTree, { command, given }: ReadWords): Promise<Completion[]> {
  const help = command.createHelp();
  const options = new Set([
    ...help.visibleOptions(command),
    ...(await optionsOf(tree, command)),
    ...help.visibleGlobalOptions(command),
  ]);
  return [...options].flatMap((option) =>
    option.long && (!given.has(option.long) || repeats(option))
      ? [{ value: option.long, description: option.description }]
      : [],
  );
}

async function argumentsOf(
  tree: CommandTree,
  { command, argumentCount }: ReadWords,
  start: string,
): Promise<Completions> {
  await tree.describe(command);
  const children = argumentCount > 0 ? [] : command.createHelp().visibleCommands(command);
  const commands = children.map((child) => ({
    value: child.name(),
    description: child.summary() || child.description(),
  }));
  const byDefault = tree.defaultOf(command) ?? command;
  await tree.open(byDefault);
  const own = byDefault.registeredArguments;
  // The last one may take all words that are left.
  const argument = own[argumentCount] ?? (own.at(-1)?.variadic === true ? own.at(-1) : undefined);
  if (argument === undefined) {
    return { completions: commands, files: false };
  }
  const { choices = [] } = choicesOf(argument.parseArg);
  const words = choices.map((value) => ({ value, description: '' }));
  const isMoved = nameOf(byDefault) === 'plan move';
  const names = isMoved ? 'plan' : argument.name();
  return {
    completions: [...commands, ...words],
    files: isFile(argument.name()),
    ...(choices.length === 0 && !isNew(byDefault) && wanted(names, start)),
  };
}

/** Its user is one that there is not yet. */
const isNew = (command: Command) => nameOf(command) === 'user add';

function wanted(name: string, start: string, before = ''): { names?: WantedNames } {
  const kind = nameKindOf(name);
  return kind === undefined ? {} : { names: { kind, start, before } };
}

function valuesOf(option: Option, start: string, before = ''): Completions {
  const { choices = [] } = choicesOf(option.parseArg);
  const name = /[<[](.+?)[\]>]/.exec(option.flags)?.[1] ?? '';
  return {
    completions: choices.map((value) => ({ value, description: '' })),
    files: isFile(name),
    // Said by what stands for the value, or by the flag: --assistant <id>.
    ...(choices.length === 0 &&
      wanted(nameKindOf(name) === undefined ? option.attributeName() : name, start, before)),
  };
}

const isFile = (name: string) => /^(?:file|path)(?:\.\.\.)?$/.test(name);
