import { Argument, type Command, Option } from 'commander';
import type { CommandDeclaration, Example } from '../declarations/command.ts';
import type {
  ArgumentDeclaration,
  ArgumentDeclarations,
  OptionDeclaration,
  OptionDeclarations,
  Parse,
} from '../declarations/option.ts';
import { QuotaError, usageError } from '../errors.ts';
import { parseOrKeep, timesOf } from './spoken-times.ts';

/**
 * Takes a declaration to commander: its words, its flags, and below them its details and examples.
 * @throws usageError later, from the parsers, when a command line is read
 */
export function declare(command: Command, declaration: CommandDeclaration): void {
  const { arguments: words = {}, options = {}, details, examples } = declaration;
  for (const [name, argument] of Object.entries(words)) {
    command.addArgument(commanderArgument(name, argument));
  }
  addOptions(command, options);
  addExplanation(command, { details, examples });
}

/** @throws usageError later, as `declare` */
export function addOptions(command: Command, options: OptionDeclarations): void {
  for (const [name, option] of Object.entries(options)) {
    command.addOption(commanderOption(name, option));
  }
}

/** The details and examples under a command's help. */
export function addExplanation(
  command: Command,
  { details, examples }: { details: string | undefined; examples: readonly Example[] },
): void {
  if (details !== undefined) {
    command.addHelpText('after', `\n${details}`);
  }
  const width = Math.max(...examples.map(([commandLine]) => commandLine.length));
  const lines = examples.map(([commandLine, purpose]) =>
    `  $ ${commandLine.padEnd(width)}  ${purpose}`.trimEnd(),
  );
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** What was given for the arguments of a command, under the names of their declarations. */
export function givenArguments(command: Command, declarations: ArgumentDeclarations = {}) {
  const values = Object.keys(declarations).map(
    (name, index) => [name, command.processedArgs[index]] as const,
  );
  return Object.fromEntries(values.filter(([, given]) => given !== undefined));
}

const kebabCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function commanderOption(name: string, declaration: OptionDeclaration): Option {
  const { kind, description, placeholder, parse, isRequired = false, short } = declaration;
  const long = `--${kind === 'negated' ? 'no-' : ''}${kebabCase(name)}`;
  const flags = `${short === undefined ? '' : `-${short}, `}${long}`;
  const option = new Option(
    placeholder === undefined ? flags : `${flags} <${placeholder}>`,
    description,
  ).makeOptionMandatory(isRequired);
  if (parse === undefined) {
    return option;
  }
  const named = Object.assign((text: string) => naming(long, () => parse(text)), timesOf(parse));
  const parseNamed = (text: string) => parseOrKeep(text, named);
  return kind === 'repeated'
    ? option.argParser<unknown[]>(
        Object.assign((text: string, before: unknown[] = []) => [...before, parseNamed(text)], {
          ...choicesOf(parse),
          repeats: true,
        }),
      )
    : option.argParser(Object.assign(parseNamed, choicesOf(parse)));
}

function commanderArgument(name: string, { kind, description, parse }: ArgumentDeclaration): Argument {
  const word = kebabCase(name);
  const words = { required: `<${word}>`, optional: `[${word}]`, rest: `[${word}...]` };
  const argument = new Argument(words[kind], description);
  return parse === undefined ? argument : argument.argParser(parse);
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
export const choicesOf = (parse: Parse<unknown> | unknown): { choices?: readonly string[] } =>
  typeof parse === 'function' && 'choices' in parse && isWords(parse.choices)
    ? { choices: parse.choices }
    : {};

const isWords = (words: unknown): words is readonly string[] =>
  Array.isArray(words) && words.every((word) => typeof word === 'string');
