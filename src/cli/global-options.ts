import type { OutputFormat } from '../context.ts';
import { flag, type Given, negated, value } from '../declarations/option.ts';
import { usageError } from '../errors.ts';
import { parseChoice, parseInstant } from '../values/option-values.ts';

const formats: OutputFormat[] = ['table', 'json', 'ndjson', 'csv'];

/** The options that every command has; they are taken before and after its name. */
export const globalOptions = {
  output: value('format', 'table, json, ndjson or csv (default: table)', parseChoice(...formats), {
    short: 'o',
  }),
  json: flag('short for --output json'),
  asOf: value('instant', 'act as if it were this instant', parseInstant),
  databaseUrl: value('url', 'PostgreSQL to use (default: DATABASE_URL, else embedded)'),
  envFile: value('file', 'read settings from a file of NAME=value lines'),
  color: negated('no colours'),
  input: negated('ask nothing: what is not given is missing'),
  quiet: flag('only results, warnings and errors', { short: 'q' }),
  verbose: flag('say what is being done', { short: 'v' }),
};

export type GlobalOptions = Given<typeof globalOptions>;

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
    const [, inOne] = /^(?:--output=|-o=?)(.+)$/.exec(arg) ?? [];
    const format = inOne ?? (arg === '--output' || arg === '-o' ? argv[index + 1] : undefined);
    return arg === '--json' || /^(nd)?json$/i.test(format ?? '');
  });
