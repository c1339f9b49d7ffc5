import { type Command, Option } from 'commander';
import type { OutputFormat } from '../context.ts';
import { QuotaError, usageError } from '../errors.ts';
import { parseChoice, parseInstant } from '../values/option-values.ts';
import type { GlobalOptions } from './create-context.ts';

/** An option whose value is parsed; what the parser throws is said with the name of the flag. */
export function valueOption<T>(flags: string, description: string, parse: (value: string) => T): Option {
  const option = new Option(flags, description);
  return option.argParser(
    Object.assign((value: string) => named(option.long ?? flags, () => parse(value)), choicesOf(parse)),
  );
}

/** The same for an option that can be repeated; the result is an array. */
export function repeatedOption<T>(flags: string, description: string, parse: (value: string) => T): Option {
  const option = new Option(flags, description);
  const parseNext = (value: string, previous: T[] = []) => [
    ...previous,
    named(option.long ?? flags, () => parse(value)),
  ];
  return option.argParser<T[]>(Object.assign(parseNext, choicesOf(parse), { repeats: true }));
}

/** Whether an option can be given more than once. */
export const repeats = ({ parseArg }: Option): boolean =>
  typeof parseArg === 'function' && 'repeats' in parseArg;

/** The words that a parser takes, where they are few; of an option's or an argument's parser. */
export const choicesOf = (parse: unknown): { choices?: readonly string[] } =>
  typeof parse === 'function' && 'choices' in parse ? { choices: parse.choices as readonly string[] } : {};

function named<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof QuotaError) {
      throw usageError(`${name}: ${error.message}`, { detail: error.detail, suggestion: error.suggestion });
    }
    throw error;
  }
}

const formats: OutputFormat[] = ['table', 'json', 'ndjson', 'csv'];

/** On the program itself; commander takes them before and after the command. */
export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(
      valueOption(
        '--output <format>',
        'table, json, ndjson or csv (default: table)',
        parseChoice(...formats),
      ),
    )
    .addOption(new Option('--json', 'short for --output json'))
    .addOption(valueOption('--as-of <instant>', 'act as if it were this instant', parseInstant))
    .addOption(new Option('--database-url <url>', 'PostgreSQL to use (default: DATABASE_URL, else embedded)'))
    .addOption(new Option('--env-file <file>', 'read settings from a file of NAME=value lines'))
    .addOption(new Option('--no-color', 'no colours'))
    .addOption(new Option('--quiet', 'only results, warnings and errors'))
    .addOption(new Option('--verbose', 'say what is being done'));
}

/** What a changing command has in addition. */
export function addChangeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would be changed, change nothing')
    .option('--reason <text>', 'why, for the audit log')
    .option('--yes', 'do not ask (production asks all the same)')
    .option('--confirm <name>', 'the name that production asks for');
}

/** @throws usageError where flags contradict each other. */
export function checkGlobalOptions(options: GlobalOptions): GlobalOptions {
  if (options.json && options.output !== undefined && options.output !== 'json') {
    throw usageError(`--json and --output ${options.output} contradict each other`, {
      suggestion: 'give one of them',
    });
  }
  if (options.quiet && options.verbose) {
    throw usageError('--quiet and --verbose contradict each other', { suggestion: 'give one of them' });
  }
  return options.json ? { ...options, output: 'json' } : options;
}

/** Whether errors are to be JSON, known before, and even if not, argv can be parsed. */
export const wantsJsonErrors = (argv: readonly string[]): boolean =>
  argv.some((arg, index) => {
    const format = arg === '--output' ? argv[index + 1] : arg.replace(/^--output=/, '');
    return arg === '--json' || (arg.startsWith('--output') && /^(nd)?json$/i.test(format ?? ''));
  });
