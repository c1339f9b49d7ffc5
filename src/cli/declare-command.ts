import { Argument, type Command, Option } from 'commander';
import type { CommandDeclaration, Example } from '../declarations/command.ts';
import type {
  ArgumentDeclaration,
  ArgumentDeclarations,
  OptionDeclaration,
  OptionDeclarations,
} from '../declarations/option.ts';
import { QuotaError, usageError } from '../errors.ts';
import { parseOrKeep, timesOf } from './spoken-times.ts';
import { wrapText } from './wrap-text.ts';

/**
 * Takes a declaration to commander: its words, its flags, and below them its details and examples.
 * @throws usageError later, from the parsers, when a command line is read
 */
export function declare(command: Command, declaration: CommandDeclaration): void {
  for (const [name, { kind, description }] of Object.entries(declaration.arguments ?? {})) {
    const word = kebabCase(name);
    const words = { required: `<${word}>`, optional: `[${word}]`, rest: `[${word}...]` };
    command.addArgument(new Argument(words[kind], description));
  }
  addOptions(command, declaration.options ?? {});
  setArgumentParsers(command, declaration.arguments ?? {});
  addExplanation(command, declaration);
}

/** @throws usageError later, as `declare` */
export function addOptions(command: Command, options: OptionDeclarations): void {
  for (const [name, option] of Object.entries(options)) {
    command.addOption(commanderOption(name, option));
  }
  setOptionParsers(command, options);
}

/**
 * Gives a command that was declared without its parsers those of its definition.
 * @throws usageError for a value that its option does not take
 */
export function setParsers(command: Command, declaration: CommandDeclaration): void {
  setArgumentParsers(command, declaration.arguments ?? {});
  setOptionParsers(command, declaration.options ?? {});
}

function setArgumentParsers(command: Command, declarations: ArgumentDeclarations): void {
  for (const [index, declaration] of Object.values(declarations).entries()) {
    if (declaration.parse !== undefined || declaration.choices !== undefined) {
      const { parse = asTyped } = declaration;
      command.registeredArguments[index]?.argParser(
        Object.assign((text: string) => parse(text), choicesOfDeclaration(declaration)),
      );
    }
  }
}

function setOptionParsers(command: Command, declarations: OptionDeclarations): void {
  for (const [name, declaration] of Object.entries(declarations)) {
    const long = longFlag(name, declaration);
    const option = command.options.find((candidate) => candidate.long === long);
    if (option !== undefined && declaration.placeholder !== undefined) {
      setOptionParser(option, long, declaration);
    }
  }
}

function setOptionParser(option: Option, long: string, declaration: OptionDeclaration): void {
  const { kind, parse = asTyped } = declaration;
  const named = Object.assign((text: string) => naming(long, () => parse(text)), timesOf(parse));
  const parseOne = (text: string) => parseOrKeep(text, named);
  const marks = choicesOfDeclaration(declaration);
  if (kind === 'repeated') {
    const parseNext = (text: string, before: unknown[] = []) => [...before, parseOne(text)];
    option.argParser<unknown[]>(Object.assign(parseNext, marks, { repeats: true }));
  } else {
    option.argParser(Object.assign(parseOne, marks));
  }
}

const asTyped = (text: string): unknown => text;

/** The details and examples under a command's help. */
export function addExplanation(
  command: Command,
  { details, examples }: { details?: string | undefined; examples: readonly Example[] },
): void {
  if (details !== undefined) {
    const paragraphs = details.split('\n\n').map((paragraph) => paragraph.replaceAll('\n', ' '));
    const width = command.configureOutput().getOutHelpWidth?.() ?? Number.POSITIVE_INFINITY;
    command.addHelpText('after', `\n${wrapText(paragraphs.join('\n\n'), width)}`);
  }
  const width = Math.max(...examples.map(([commandLine]) => commandLine.length));
  const lines = examples.map(([commandLine, purpose]) =>
    `  $ ${commandLine.padEnd(width)}  ${purpose}`.trimEnd(),
  );
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Leaves it to the handler, who can ask, to miss what a person is asked for. */
export function letMiss(command: Command, declaration: CommandDeclaration): void {
  for (const [index, { isAsked }] of Object.values(declaration.arguments ?? {}).entries()) {
    const argument = command.registeredArguments[index];
    if (isAsked && argument !== undefined) {
      argument.required = false;
    }
  }
  for (const [name, option] of Object.entries(declaration.options ?? {})) {
    const long = longFlag(name, option);
    if (option.isAsked) {
      command.options.find((candidate) => candidate.long === long)?.makeOptionMandatory(false);
    }
  }
}

/** What was given for the arguments of a command, under the names of their declarations. */
export function givenArguments(command: Command, declarations: ArgumentDeclarations = {}) {
  const values = Object.keys(declarations).map(
    (name, index) => [name, command.processedArgs[index]] as const,
  );
  return Object.fromEntries(values.filter(([, given]) => given !== undefined));
}

const kebabCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const longFlag = (name: string, { kind }: OptionDeclaration): string =>
  `--${kind === 'negated' ? 'no-' : ''}${kebabCase(name)}`;

function commanderOption(name: string, declaration: OptionDeclaration): Option {
  const { description, placeholder, isRequired = false, short } = declaration;
  const long = longFlag(name, declaration);
  const flags = `${short === undefined ? '' : `-${short}, `}${long}`;
  const value = declaration.kind === 'bareOrValue' ? `[${placeholder}]` : `<${placeholder}>`;
  return new Option(placeholder === undefined ? flags : `${flags} ${value}`, description).makeOptionMandatory(
    isRequired,
  );
}

/** What a parser throws is said with the name of the flag. */
function naming<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof QuotaError) {
      throw usageError(`${flag}: ${error.message}`, { detail: error.detail, suggestion: error.suggestion });
    }
    throw error;
  }
}

/** Whether an option can be given more than once. */
export const repeats = ({ parseArg }: Option): boolean =>
  typeof parseArg === 'function' && 'repeats' in parseArg;

/** The words that a parser takes, where they are few. */
export const choicesOf = (parse: unknown): { choices?: readonly string[] } =>
  typeof parse === 'function' && 'choices' in parse && isWords(parse.choices)
    ? { choices: parse.choices }
    : {};

const choicesOfDeclaration = ({ choices, parse }: OptionDeclaration | ArgumentDeclaration) =>
  choices === undefined ? choicesOf(parse) : { choices };

const isWords = (words: unknown): words is readonly string[] =>
  Array.isArray(words) && words.every((word) => typeof word === 'string');
