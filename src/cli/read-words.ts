import type { Command, Option } from 'commander';
import type { CommandTree } from './command-tree.ts';

/** What the words of a command line say, as far as they go. */
export interface ReadWords {
  /** The command that they name, or the group, if no command of it is named. Opened, and so are those above it. */
  command: Command;
  /** The same, or the command of the group that runs when none is named. */
  target: Command;
  /** To be explained, not run. */
  isExplained: boolean;
  /** The word `help` stands before or between the names. */
  isHelp: boolean;
  /** A word in the place of a name that is none, and where it stands. */
  unknown: { word: string; parent: Command } | undefined;
  /** How many arguments of the command there are. */
  argumentCount: number;
  /** The option whose value comes next. */
  awaiting: Option | undefined;
  /** Long flags that are there. */
  given: Set<string>;
  /** After `--` nothing is an option any more. */
  optionsEnded: boolean;
  /** The same command line as commander wants it: its names first, letters of flags written out. */
  ordered: string[];
}

interface Reading extends ReadWords {
  names: string[];
  others: string[];
  /** Amounts below nothing, `-5m`, which are no flags: commander is told so by a `--` in front of them. */
  negative: string[];
  /** Of an option that may have a value: where it stands among the others, and the word behind it. */
  bare: { option: Option; at: number; word: string | undefined; wordAt: number } | undefined;
  asksForHelp: boolean;
  /** Nobody knows whether a word behind it is its value: commander will refuse it. */
  hasUnknownOption: boolean;
}

/** Reads the words after the name of the program and loads what they name. */
export async function readWords(tree: CommandTree, words: readonly string[]): Promise<ReadWords> {
  const reading: Reading = {
    command: tree.root,
    target: tree.root,
    isExplained: false,
    isHelp: false,
    unknown: undefined,
    argumentCount: 0,
    awaiting: undefined,
    given: new Set(),
    optionsEnded: false,
    ordered: [],
    names: [],
    others: [],
    negative: [],
    bare: undefined,
    asksForHelp: false,
    hasUnknownOption: false,
  };
  for (const word of words) {
    if (reading.awaiting !== undefined) {
      reading.awaiting = undefined;
      reading.others.push(word);
    } else if (word === '--') {
      reading.optionsEnded = true;
      reading.others.push(word);
    } else if (/^-\d/.test(word) && !reading.optionsEnded) {
      await settleBare(tree, reading);
      reading.argumentCount += 1;
      reading.negative.push(word);
    } else if (word.startsWith('-') && word !== '-' && !reading.optionsEnded) {
      await readFlag(tree, reading, word);
    } else {
      await readName(tree, reading, word);
    }
  }
  await settleBare(tree, reading);
  placeNegative(reading);
  const { command, names, others, asksForHelp, isHelp, hasUnknownOption } = reading;
  if (isHelp) {
    // Without a word of help, commander refuses an option that it does not know.
    const ordered = [...names, ...(hasUnknownOption ? [] : ['--help']), ...others];
    return { ...reading, target: command, isExplained: true, ordered };
  }
  const byDefault = asksForHelp ? undefined : tree.defaultOf(command);
  return {
    ...reading,
    target: byDefault ?? command,
    isExplained: asksForHelp,
    ordered: [...names, ...(byDefault === undefined ? [] : [byDefault.name()]), ...others],
  };
}

/** A long flag, and the value behind its equals sign if there is one. */
export const splitFlag = (word: string): readonly [flag: string, value: string | undefined] => {
  const [, flag = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  return [flag, value];
};

async function readFlag(tree: CommandTree, reading: Reading, word: string): Promise<void> {
  if (word === '--help' || word === '-h') {
    reading.others.push(word);
    reading.asksForHelp = true;
    return;
  }
  const isShort = /^-[A-Za-z]/.test(word);
  const [flag, value] = isShort ? splitLetter(word) : splitFlag(word);
  const option =
    (await findOption(tree, reading.command, flag)) ?? (await findOptionBelow(tree, reading, flag));
  if (option === undefined) {
    reading.others.push(word);
    reading.hasUnknownOption = true;
    return;
  }
  const long = option.long ?? flag;
  reading.given.add(long);
  if (option.optional && value === undefined) {
    await settleBare(tree, reading);
    reading.bare = { option, at: reading.others.length, word: undefined, wordAt: 0 };
    reading.others.push(`${long}=`);
  } else if (!isShort) {
    reading.others.push(word);
  } else if (value === undefined || !option.required) {
    reading.others.push(long);
  } else {
    reading.others.push(`${long}=${value.replace(/^=/, '')}`);
  }
  reading.awaiting = option.required && value === undefined ? option : undefined;
  if (isShort && value !== undefined && !option.required) {
    await readFlag(tree, reading, `-${value}`); // The next letter of several: -qy
  }
}

/** A letter, and what stands behind it in the same word: the value of `-ojson`, the other letters of `-qy`. */
const splitLetter = (word: string): readonly [flag: string, rest: string | undefined] => [
  word.slice(0, 2),
  word.length > 2 ? word.slice(2) : undefined,
];

async function readName(tree: CommandTree, reading: Reading, word: string): Promise<void> {
  const { command, argumentCount } = reading;
  const isGroup = command.commands.length > 0;
  if (isGroup && word === 'help' && argumentCount === 0 && !reading.isHelp) {
    reading.isHelp = true;
    return;
  }
  const child = argumentCount === 0 ? tree.find(command, word) : undefined;
  if (child !== undefined) {
    await tree.open(child);
    reading.command = child;
    reading.names.push(word);
    return;
  }
  if (mayBelongToOption(tree, reading, word)) {
    return;
  }
  if ((isGroup || reading.isHelp) && !reading.hasUnknownOption) {
    reading.unknown ??= { word, parent: command };
  }
  reading.argumentCount += 1;
  reading.others.push(word);
}

/** Behind everything that may be a flag. */
function placeNegative({ negative, others }: Reading): void {
  const end = others.indexOf('--');
  if (negative.length > 0) {
    others.splice(end === -1 ? others.length : end, end === -1 ? 0 : 1, '--', ...negative);
  }
}

/** Whether a word can be the value of the option that it stands behind; what it is, is known when all are read. */
function mayBelongToOption(
  tree: CommandTree,
  { command, bare, others, isHelp }: Reading,
  word: string,
): boolean {
  const isBehind = bare !== undefined && bare.word === undefined && bare.at === others.length - 1;
  const takesWords = command.commands.length === 0 || tree.defaultOf(command) !== undefined;
  if (bare === undefined || !isBehind || !takesWords || isHelp) {
    return false;
  }
  bare.word = word;
  bare.wordAt = others.length;
  return true;
}

/**
 * `--json externalId` where an option may have a value: the word is that of the option where the command has no place
 * for it, and, with a comma in it, where the command can do without; else it is an argument.
 */
async function settleBare(tree: CommandTree, reading: Reading): Promise<void> {
  const { bare, command, others, argumentCount } = reading;
  reading.bare = undefined;
  if (bare?.word === undefined) {
    return;
  }
  const target = tree.defaultOf(command) ?? command;
  await tree.open(target);
  const places = target.registeredArguments;
  const isFull = !places.some(({ variadic }) => variadic) && argumentCount >= places.length;
  const canDoWithout = argumentCount >= places.filter(({ required }) => required).length;
  if (isFull || (canDoWithout && bare.word.includes(','))) {
    others[bare.at] = `${bare.option.long}=${bare.word}`;
  } else {
    others.splice(bare.wordAt, 0, bare.word);
    reading.argumentCount += 1;
  }
}

/** Options of the commands above count as well: those of the program stand anywhere. */
export async function findOption(
  tree: CommandTree,
  command: Command,
  flag: string,
): Promise<Option | undefined> {
  const own = (await optionsOf(tree, command)).find(
    (option) => option.long === flag || option.short === flag,
  );
  return own ?? (command.parent === null ? undefined : findOption(tree, command.parent, flag));
}

/** The options of a command; behind the name of a group those of the command that runs when none is named. */
export async function optionsOf(tree: CommandTree, command: Command): Promise<readonly Option[]> {
  const byDefault = tree.defaultOf(command);
  if (byDefault === undefined) {
    return command.options;
  }
  await tree.open(byDefault);
  return [...command.options, ...byDefault.options];
}

/** An option that stands before the name of its command: `jobs run --dry-run reset-months`. */
async function findOptionBelow(
  tree: CommandTree,
  { command }: Reading,
  flag: string,
): Promise<Option | undefined> {
  if (command === tree.root || command.commands.length === 0) {
    return undefined;
  }
  await tree.openAll(command);
  const found = command.commands.flatMap((child) =>
    child.options.filter(({ long, short }) => long === flag || short === flag),
  );
  const [first] = found;
  const takeSame = found.every(({ required, long }) => required === first?.required && long === first?.long);
  return takeSame ? first : undefined;
}
