import type pg from 'pg';
import type { ChangeOptions, Context } from '../../context.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import type { CellFormat } from '../../files/cells.ts';
import { openRejectsFile } from '../../files/rejects-file.ts';
import type { ExportFormat } from '../../providers/exports/export-reader.ts';
import { type SavedMapping, saveMapping, selectMapping } from '../../reconcile/exports/mapping-store.ts';
import {
  hasDiscrepancies,
  type ReconcileRequest,
  type Reconciliation,
  reconcileMonth,
} from '../../reconcile/months/reconcile-month.ts';
import type { Tolerances } from '../../reconcile/months/reconciliation-store.ts';
import { every, fetchMonth, openFetchSource } from './fetch.ts';
import { kindColumns, kindRows, reconciliationText } from './reconcile-text.ts';
import { withReport } from './report.ts';

export interface ReconcileRunOptions extends ChangeOptions {
  month: string;
  provider?: string;
  export?: string[];
  /** Fetch the calls from VAPI instead. */
  fromApi?: boolean;
  /** Requests to VAPI per second. */
  rate?: number;
  /** How often one request is sent at most. */
  attempts?: number;
  replace?: boolean;
  format?: ExportFormat;
  map?: string[];
  /** The name of a saved mapping. */
  mapping?: string;
  saveMapping?: string;
  dateOrder?: CellFormat['dateOrder'];
  assumeUtc?: boolean;
  decimal?: CellFormat['decimal'];
  currency?: string;
  feesWithoutDate?: boolean;
  skipInvalid?: boolean;
  rejects?: string;
  durationTolerance?: string;
  costTolerance?: string;
  matchWithin?: string;
  dayTolerancePercent?: string;
  dayToleranceAmount?: string;
  /** Where to write the report as a page. */
  report?: string;
}

/** Lines between two reports of progress. */
const progressLines = 100_000;

/** `quota reconcile`: a `Reconciliation`; exit 3 if anything differs, resolved or not, 0 if all matched. */
export async function reconcileRun(context: Context, options: ReconcileRunOptions): Promise<ExitCode> {
  const source = await openFetchSource(context, options);
  const data = await withReport(context, options, (finish) =>
    withRejects(options, (onReject) =>
      context.withDatabase(async ({ client }) => {
        const parsed = parseOptions(context, await withMapping(client, options), onReject);
        await confirmReplacing(context, options);
        const fetched = source === undefined ? undefined : await fetchMonth(context, client, source, options);
        const request = { ...parsed, provider: source?.provider ?? parsed.provider, fetched };
        const answer = await runWithProgress(context, client, request);
        if (options.saveMapping !== undefined && !request.dryRun) {
          await saveMapping(client, options.saveMapping, mappingOf(options));
        }
        await finish(client, answer.id);
        return answer;
      }),
    ),
  );
  await context.output.write({
    data,
    rows: kindRows(data),
    columns: kindColumns,
    text: reconciliationText,
  });
  return hasDiscrepancies(data) ? exitCodes.differences : exitCodes.ok;
}

/** Reconciling adds and compares: outside production the command itself is the yes. */
async function confirmReplacing(context: Context, options: ReconcileRunOptions): Promise<void> {
  if (options.replace) {
    const name = `${options.provider ?? ''} ${options.month}`.trim();
    const action = `Put other exports in place of those of ${name}`;
    await context.confirm({ action, name }, { ...options, yes: true });
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

const mappingOf = ({ map = [], provider, dateOrder, assumeUtc }: ReconcileRunOptions): SavedMapping => ({
  columns: map,
  provider: provider ?? null,
  dateOrder: dateOrder ?? null,
  assumeUtc: assumeUtc === true,
});

/** What is given wins over what was saved; columns are added to it. */
async function withMapping(
  client: pg.ClientBase,
  options: ReconcileRunOptions,
): Promise<ReconcileRunOptions> {
  if (options.mapping === undefined) {
    return options;
  }
  const saved = await selectMapping(client, options.mapping);
  const given = new Set(options.map?.map(oursOf));
  return {
    ...options,
    map: [...saved.columns.filter((pair) => !given.has(oursOf(pair))), ...(options.map ?? [])],
    ...(saved.provider === null ? {} : { provider: options.provider ?? saved.provider }),
    ...(saved.dateOrder === null ? {} : { dateOrder: options.dateOrder ?? saved.dateOrder }),
    assumeUtc: options.assumeUtc ?? saved.assumeUtc,
  };
}

const oursOf = (pair: string) => pair.slice(pair.lastIndexOf('=') + 1).trim();

type OnReject = NonNullable<ReconcileRequest['reader']['onReject']>;

/** The file of the lines that were left out; it is made when there is one. */
async function withRejects(
  { skipInvalid, rejects, dryRun, export: files = [] }: ReconcileRunOptions,
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

function parseOptions(
  context: Context,
  options: ReconcileRunOptions,
  onReject: OnReject | undefined,
): ReconcileRequest {
  const files = options.export ?? [];
  if (files.filter((file) => file === '-').length > 1) {
    throw usageError('stdin can be one export only', { suggestion: 'give --export - once' });
  }
  return {
    month: options.month,
    provider: options.provider,
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

/** This command for one file, with further arguments: what a hint says can be pasted. */
function commandWith(
  {
    month,
    provider,
    format,
    map = [],
    dateOrder,
    assumeUtc,
    decimal,
    currency,
    feesWithoutDate,
  }: ReconcileRunOptions,
  file: string,
  args: readonly string[],
): string[] {
  const valued: [flag: string, value: string | undefined][] = [
    ['--provider', args.includes('--provider') ? undefined : provider],
    ['--format', args.includes('--format') ? undefined : format],
    ['--date-order', dateOrder],
    ['--decimal', decimal],
    ['--currency', currency],
    ...map.map((pair): [string, string] => ['--map', pair]),
  ];
  return [
    ...['quota', 'reconcile', '--month', month, '--export', file === 'stdin' ? '-' : file],
    ...valued.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
    ...(assumeUtc ? ['--assume-utc'] : []),
    ...(feesWithoutDate ? ['--fees-without-date'] : []),
    ...args,
  ];
}

function parseTolerances(options: ReconcileRunOptions): Partial<Tolerances> {
  const given: [keyof Tolerances, string | undefined][] = [
    ['durationSeconds', options.durationTolerance],
    ['cost', options.costTolerance],
    ['matchSeconds', options.matchWithin],
    ['aggregatePercent', options.dayTolerancePercent],
    ['aggregateAmount', options.dayToleranceAmount],
  ];
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
