import type { OutputFormat } from '../context.ts';
import { bareOrValue, flag, type Given, negated, value } from '../declarations/option.ts';
import { usageError } from '../errors.ts';
import { parseChoice, parseInstant } from '../values/option-values.ts';

const formats: OutputFormat[] = ['table', 'json', 'ndjson', 'csv'];

/** The options that every command has; they are taken before and after its name. */
export const globalOptions = {
  output: value('format', 'table, json, ndjson or csv (default: table)', parseChoice(...formats), {
    short: 'o',
  }),
  json: bareOrValue(
    'fields',
    'short for --output json; with names only these fields: --json externalId,percent',
    parseFields,
  ),
  jq: value('expression', "what jq makes of the JSON: --jq '.users[].externalId'"),
  template: value(
    'template',
    "lines made of the JSON: --template '{{#each users}}{{externalId}}\\n{{/each}}'",
  ),
  wide: flag('tables with all columns, however wide the terminal is'),
  asOf: value('instant', 'act as if it were this instant', parseInstant),
  databaseUrl: value('url', 'PostgreSQL to use (default: DATABASE_URL, else embedded)'),
  shard: value('name', 'one of the databases of QUOTA_SHARDS'),
  allShards: flag('all databases of QUOTA_SHARDS: one report, the worst exit code'),
  envFile: value('file', 'read settings from a file of NAME=value lines'),
  color: negated('no colours'),
  pager: negated('long lists straight to the terminal, without a pager'),
  input: negated('ask nothing: what is not given is missing'),
  logFormat: value('format', 'text or json: one object per line on stderr', parseChoice('text', 'json')),
  quiet: flag('only results, warnings and errors', { short: 'q' }),
  verbose: flag('say what is being done', { short: 'v' }),
};

/** Names with commas between them; none where `--json` stands alone. @throws usageError */
function parseFields(text: string): string[] {
  const fields = text.split(',').map((field) => field.trim());
  const wrong = fields.find((field) => field !== '' && !/^[A-Za-z]\w*$/.test(field));
  if (wrong !== undefined) {
    throw usageError(`"${wrong}" is not the name of a field`, {
      suggestion: 'write it like --json externalId,percent',
    });
  }
  return fields.filter((field) => field !== '');
}

export type GlobalOptions = Given<typeof globalOptions>;

/** What makes JSON of the result, or something of the JSON. */
const jsonFlags = ['json', 'jq', 'template'] as const;

/** @throws usageError where flags contradict each other. */
export function checkGlobalOptions(options: GlobalOptions): GlobalOptions {
  const given = jsonFlags.find((name) => options[name] !== undefined);
  if (given !== undefined && options.output !== undefined && options.output !== 'json') {
    throw contradiction(`--${given}`, `--output ${options.output}`);
  }
  if (options.jq !== undefined && options.template !== undefined) {
    throw contradiction('--jq', '--template');
  }
  if (options.allShards && options.shard !== undefined) {
    throw contradiction('--all-shards', '--shard');
  }
  if (options.databaseUrl !== undefined && (options.allShards || options.shard !== undefined)) {
    throw contradiction('--database-url', options.allShards ? '--all-shards' : '--shard');
  }
  if (options.quiet && options.verbose) {
    throw contradiction('--quiet', '--verbose');
  }
  return given === undefined ? options : { ...options, output: 'json' };
}

const contradiction = (one: string, other: string) =>
  usageError(`${one} and ${other} contradict each other`, { suggestion: 'give one of them' });

/** Whether errors are to be JSON, known before, and even if not, argv can be parsed. */
export const wantsJsonErrors = (argv: readonly string[]): boolean =>
  /^(nd)?json$/i.test(wordAfter(argv, '--output', '-o') ?? '') ||
  argv.some((arg) => /^--json(?:=|$)/.test(arg));

/** Whether what is said on stderr is to be a log of JSON lines, likewise. */
export const wantsJsonLog = (argv: readonly string[]): boolean => wordAfter(argv, '--log-format') === 'json';

/** What stands last behind an option, in the same word or in the next. */
function wordAfter(argv: readonly string[], long: string, short = long): string | undefined {
  const found = argv.flatMap((arg, index) => {
    if (arg === long || arg === short) {
      return argv[index + 1] ?? [];
    }
    const isShort = short !== long && arg.startsWith(short) && !arg.startsWith('--');
    return isShort
      ? arg.slice(short.length).replace(/^=/, '')
      : arg.startsWith(`${long}=`)
        ? arg.slice(long.length + 1)
        : [];
  });
  return found.at(-1);
}
