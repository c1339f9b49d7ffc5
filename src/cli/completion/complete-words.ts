import type { Command, Option } from 'commander';
import { choicesOf, repeats } from '../global-options.ts';

export interface Completion {
  value: string;
  description: string;
}

export interface Completions {
  completions: Completion[];
  /** Whether the word can be the name of a file, which the shell completes itself. */
  files: boolean;
}

/** What has been typed before the word that is to be completed. */
interface Typed {
  command: Command;
  /** How many arguments of the command are there already. */
  argumentCount: number;
  /** The option whose value comes next. */
  awaiting: Option | undefined;
  /** Long flags that are there already. */
  given: Set<string>;
  /** After `--` nothing is an option any more. */
  optionsEnded: boolean;
}

/** What can follow on a command line: `words` after the name of the program, the last of which is being typed. */
export function completeWords(program: Command, words: readonly string[]): Completions {
  const current = words.at(-1) ?? '';
  const typed = readWords(program, words.slice(0, -1));
  const [flag = '', value] = splitFlag(current);
  if (typed.awaiting !== undefined) {
    return startingWith(current, valuesOf(typed.awaiting));
  }
  if (value !== undefined && !typed.optionsEnded) {
    const option = findOption(typed.command, flag);
    const values = option === undefined ? nothing : valuesOf(option);
    const withFlag = values.completions.map((one) => ({ ...one, value: `${flag}=${one.value}` }));
    return startingWith(current, { ...values, completions: withFlag });
  }
  if (current.startsWith('-') && !typed.optionsEnded) {
    return startingWith(current, { completions: flagsOf(typed), files: false });
  }
  return startingWith(current, argumentsOf(typed));
}

const nothing: Completions = { completions: [], files: false };

function startingWith(start: string, { completions, files }: Completions): Completions {
  return { completions: completions.filter(({ value }) => value.startsWith(start)), files };
}

const splitFlag = (word: string): readonly string[] => /^(--[^=]+)=(.*)$/s.exec(word)?.slice(1) ?? [word];

function readWords(program: Command, words: readonly string[]): Typed {
  const typed: Typed = {
    command: program,
    argumentCount: 0,
    awaiting: undefined,
    given: new Set(),
    optionsEnded: false,
  };
  for (const word of words) {
    if (typed.awaiting !== undefined) {
      typed.awaiting = undefined;
    } else if (word === '--') {
      typed.optionsEnded = true;
    } else if (word.startsWith('-') && word !== '-' && !typed.optionsEnded) {
      readFlag(typed, word);
    } else {
      readArgument(typed, word);
    }
  }
  return typed;
}

function readFlag(typed: Typed, word: string): void {
  const [flag = '', value] = splitFlag(word);
  const option = findOption(typed.command, flag);
  if (option?.long) {
    typed.given.add(option.long);
  }
  typed.awaiting = option?.required && value === undefined ? option : undefined;
}

function readArgument(typed: Typed, word: string): void {
  const isFirst = typed.argumentCount === 0;
  const child = isFirst ? findCommand(typed.command, word) : undefined;
  if (child !== undefined) {
    typed.command = child;
  } else if (!isFirst || word !== 'help' || typed.command.commands.length === 0) {
    typed.argumentCount += 1; // "help" stands before the name of a command, and counts for nothing.
  }
}

const findCommand = (command: Command, word: string) =>
  command.commands.find((child) => child.name() === word || child.aliases().includes(word));

/** The command of a group that runs when none is named; commander tells it to nobody. */
const defaultCommand = (command: Command): Command | undefined =>
  findCommand(command, (command as { _defaultCommandName?: string })._defaultCommandName ?? '');

/** Options of the commands above count as well: those of the program stand anywhere. */
function findOption(command: Command, flag: string): Option | undefined {
  const options = [...command.options, ...(defaultCommand(command)?.options ?? [])];
  const own = options.find((option) => option.long === flag || option.short === flag);
  return own ?? (command.parent === null ? undefined : findOption(command.parent, flag));
}

function flagsOf({ command, given }: Typed): Completion[] {
  const help = command.createHelp();
  const options = [
    ...help.visibleOptions(command),
    ...(defaultCommand(command)?.options ?? []),
    ...help.visibleGlobalOptions(command),
  ];
  return options.flatMap((option) =>
    option.long && (!given.has(option.long) || repeats(option))
      ? [{ value: option.long, description: option.description }]
      : [],
  );
}

function argumentsOf({ command, argumentCount }: Typed): Completions {
  const children = argumentCount > 0 ? [] : command.createHelp().visibleCommands(command);
  const commands = children.map((child) => ({
    value: child.name(),
    description: child.summary() || child.description(),
  }));
  const argument = (defaultCommand(command) ?? command).registeredArguments[argumentCount];
  if (argument === undefined) {
    return { completions: commands, files: false };
  }
  const { choices = [] } = choicesOf(argument.parseArg);
  const words = choices.map((value) => ({ value, description: '' }));
  return { completions: [...commands, ...words], files: isFile(argument.name()) };
}

function valuesOf(option: Option): Completions {
  const { choices = [] } = choicesOf(option.parseArg);
  const name = /[<[](.+?)[\]>]/.exec(option.flags)?.[1] ?? '';
  return { completions: choices.map((value) => ({ value, description: '' })), files: isFile(name) };
}

const isFile = (name: string) => /^(?:file|path)(?:\.\.\.)?$/.test(name);
