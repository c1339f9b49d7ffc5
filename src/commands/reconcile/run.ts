import type pg from 'pg';
import { agreeToUnusualRun } from '../../changes/unusual-run.ts';
import type { Context, Database } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { flag, repeated, requiredValue, value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { openRejectsFile } from '../../files/rejects-file.ts';
import { saveMapping } from '../../reconcile/exports/mapping-store.ts';
import { selectExpectedCosts } from '../../reconcile/match/rate-store.ts';
import {
  hasDiscrepancies,
  type ReconcileRequest,
  type Reconciliation,
  reconcileMonth,
} from '../../reconcile/months/reconcile-month.ts';
import type { Tolerances } from '../../reconcile/months/reconciliation-store.ts';
import { parseInteger, parseMonth, parseRate } from '../../values/option-values.ts';
import { askingForColumns } from './ask-for-columns.ts';
import { commandWith } from './command-with.ts';
import { every, fetchMonth, openFetchSource } from './fetch.ts';
import { kindColumns, kindRows } from './kind-table.ts';
import { lowerCase, readerOptions, toleranceOptions } from './options.ts';
import { reconciliationText } from './reconcile-text.ts';
import { withReport } from './report.ts';
import { mappingOf, withMapping } from './saved-mapping.ts';

/** Lines between two reports of progress. */
const progressLines = 100_000;

const declaration = declareCommand({
  options: {
    month: requiredValue('month', 'the month of the bill: 2026-10', parseMonth),
    provider: value('provider', 'whose bill (default: what the export says)', lowerCase),
    export: repeated('file', 'a billing export, gzip too; - is stdin; can be repeated'),
    fromApi: flag('fetch the calls of the month from VAPI instead; goes on where it was interrupted'),
    rate: value('n', 'with --from-api: requests to VAPI per second (default: 5)', parseRate),
    attempts: value(
      'n',
      'with --from-api: how often a request is sent at most (default: 5)',
      parseInteger({ max: 10 }),
    ),
    nothingBilled: flag('there is no bill, since nothing was billed; needs --provider'),
    replace: flag('the exports take the place of those that the month has'),
    ...readerOptions,
    ...toleranceOptions,
    report: value('file', 'also write the month as a page (HTML) that needs nothing else'),
    ...changeOptions,
  },
  examples: [
    ['quota reconcile --month 2026-10 --export vapi-calls.jsonl', 'the month as a table'],
    ['quota reconcile --month 2026-10 --from-api', "from VAPI, beside VAPI's own count; needs VAPI_API_KEY"],
    ['quota reconcile --month 2026-10', 'the same exports against the logs as they are now'],
    ['quota reconcile --month 2026-10 --export a.csv.gz --export b.csv.gz --json', 'in several files'],
    [
      'quota reconcile run --month 2026-10 --export new.jsonl --replace',
      'a newer export; run can be left out',
    ],
    ['quota reconcile --month 2026-10 --report october.html', 'and a page to send round'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/** `quota reconcile`: a `Reconciliation`; exit 3 if anything differs, resolved or not, 0 if all matched. */
export const reconcileRun = defineCommand(declaration, async (context, options) => {
  const data = await askingForColumns(context, options, (told) => reconcile(context, told));
  await context.output.write({
    data,
    rows: kindRows(data),
    columns: kindColumns,
    text: reconciliationText,
  });
  return hasDiscrepancies(data) ? exitCodes.differences : exitCodes.ok;
});

async function reconcile(context: Context, options: Options): Promise<Reconciliation> {
  const source = await openFetchSource(context, options);
  return withReport(context, options, (finish) =>
    withRejects(options, (onReject) =>
      context.withDatabase(async (database) => {
        const { client } = database;
        const parsed = parseOptions(context, await withMapping(client, options), onReject);
        await agreeToReconcile(context, database, options);
        const fetched = source === undefined ? undefined : await fetchMonth(context, client, source, options);
        const request = { ...parsed, provider: source?.provider ?? parsed.provider, fetched };
        const answer = await runWithProgress(context, client, request);
        if (options.saveMapping !== undefined && !request.dryRun) {
          await saveMapping(client, options.saveMapping, mappingOf(options));
        }
        await finish(client, answer.id);
        // A second over a million lines, for who reads them: programs ask reconcile show.
        const rates =
          context.output.format === 'table' ? await selectExpectedCosts(client, answer.id) : undefined;
        return rates === undefined || request.dryRun ? answer : { ...answer, rates };
      }),
    ),
  );
}

/** Reconciling adds and compares: outside production the command itself is the yes. */
async function agreeToReconcile(context: Context, database: Database, options: Options): Promise<void> {
  const name = `${options.provider ?? ''} ${options.month}`.trim();
  if (options.replace) {
    const action = `Put other exports in place of those of ${name}`;
    await context.confirm({ action, name }, { ...options, yes: true }, database);
  } else {
    await agreeToUnusualRun(context, database, { action: `Reconcile ${name}`, name }, options);
  }
}

function runWithProgress(
  { talk }: Context,
  client: pg.ClientBase,
  request: ReconcileRequest,
): Promise<Reconciliation> {
  return talk.withProgress('lines', null, (progress) => {
    const onProgress = every(progressLines, progress);
    return reconcileMonth({ client, onStep: talk.verbose, onNotice: talk.warn, onProgress }, request);
  });
}

type OnReject = NonNullable<ReconcileRequest['reader']['onReject']>;

/** The file of the lines that were left out; it is made when there is one. */
async function withRejects(
  { skipInvalid, rejects, dryRun, export: files = [] }: Options,
  use: (onReject: OnReject | undefined) => Promise<Reconciliation>,
): Promise<Reconciliation> {
  if (!skipInvalid) {
    if (rejects !== undefined) {
      throw usageError('--rejects needs --skip-invalid', { suggestion: 'add --skip-invalid' });
    }
    return use(undefined);
  }
  if (dryRun) {
    return use(undefined);
  }
  const [first = '-'] = files;
  if (first === '-' && rejects === undefined) {
    throw usageError('--skip-invalid needs a place for bad lines that come from no file', {
      suggestion: 'name a file: --rejects FILE',
    });
  }
  const file = openRejectsFile(rejects ?? `${first}.rejects.ndjson`);
  try {
    const result = await use(file.onReject);
    file.close();
    return result;
  } catch (error) {
    file.discard();
    throw error;
  }
}

function parseOptions(context: Context, options: Options, onReject: OnReject | undefined): ReconcileRequest {
  const files = options.export ?? [];
  if (files.filter((file) => file === '-').length > 1) {
    throw usageError('stdin can be one export only', { suggestion: 'give --export - once' });
  }
  if (options.nothingBilled && (files.length > 0 || options.fromApi)) {
    throw usageError('--nothing-billed stands in place of a bill', {
      suggestion: 'leave out --export and --from-api',
    });
  }
  return {
    month: options.month,
    provider: options.provider,
    nothingBilled: options.nothingBilled,
    sources: files.map((path) => (path === '-' ? { path, stdin: context.stdin } : { path })),
    reader: {
      format: options.format,
      mapping: options.map,
      dateOrder: options.dateOrder,
      assumeUtc: options.assumeUtc,
      decimal: options.decimal,
      currency: options.currency,
      feesWithoutDate: options.feesWithoutDate,
      commandWith: (file, args) => commandWith(options, file, args),
      skipInvalid: options.skipInvalid,
      ...(onReject === undefined ? {} : { onReject }),
    },
    tolerances: parseTolerances(options),
    replace: options.replace === true,
    dryRun: options.dryRun === true,
    reason: options.reason,
  };
}

function parseTolerances(options: Options): Partial<Tolerances> {
  const given: [keyof Tolerances, string | undefined][] = [
    ['durationSeconds', options.durationTolerance],
    ['cost', options.costTolerance],
    ['matchSeconds', options.matchWithin],
    ['aggregatePercent', options.dayTolerancePercent],
    ['aggregateAmount', options.dayToleranceAmount],
  ];
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
