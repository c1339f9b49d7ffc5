import type { Style } from '../../context.ts';
import type { Bill } from '../../reconcile/match/bill-store.ts';
import { kindMeanings } from '../../reconcile/match/kinds.ts';
import type { Quantities } from '../../reconcile/match/quantity-store.ts';
import type { ExpectedCost } from '../../reconcile/match/rate-store.ts';
import type { StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import type { Entry } from '../../reconcile/resolve/discrepancy-store.ts';
import { countAll } from './list.ts';
import { billLines, controlLines, exportLines, kindTable, sumsText } from './reconcile-text.ts';
import { textTable } from './text-table.ts';

/** The month for a person, with what is still to be done. */
export function summaryText(
  data: StoredReconciliation & Bill & { quantities: Quantities | null; rates: ExpectedCost[] },
  style: Style,
): string {
  const { provider, month, closedAt, closedBy, closeReason, open, resolved } = data;
  const state =
    closedAt === null
      ? `${countAll(open)} open, ${countAll(resolved)} resolved`
      : `closed by ${closedBy} at ${closedAt}${closeReason === null ? '' : `: ${closeReason}`}`;
  return [
    `${style.bold(`${provider} ${month}`)}  ${closedAt === null ? style.yellow(state) : style.green(state)}`,
    '',
    ...kindTable(data, style),
    ...(data.quantities === null ? [] : ['', sumsText(data)]),
    ...ratesTable(data.rates, style),
    '',
    ...exportLines(data, style),
    ...controlLines(data, style),
    ...billLines(data, style),
  ].join('\n');
}

function ratesTable(rates: readonly ExpectedCost[], style: Style): string[] {
  if (rates.length === 0) {
    return [];
  }
  const head = ['rate card', 'unit', 'expected', 'by bill durations', 'billed', 'rate diff.', 'usage diff.'];
  const rows = rates.map((rate) => [
    rate.name,
    rate.unit,
    rate.expected,
    rate.byBillDurations ?? '-',
    rate.billed ?? '-',
    rate.rateDifference ?? '-',
    rate.usageDifference ?? '-',
  ]);
  return ['', ...textTable(rows, { head, left: ['rate card', 'unit'] }, style)];
}

interface Entries {
  provider: string;
  month: string;
  entries: Entry[];
  next: string | null;
}

/** Calls, one per line. */
export function entriesText({ entries, next }: Entries, style: Style): string {
  if (entries.length === 0) {
    return 'No such calls.';
  }
  const kinds = new Set(entries.map(({ kind }) => kind));
  const [only] = kinds;
  const head = [
    'id',
    'kind',
    'call',
    'user',
    'started',
    'billed s',
    'logged s',
    'billed',
    'logged',
    'resolution',
  ];
  const rows = entries.map((entry) => [
    entry.id ?? '',
    entry.kind,
    entry.externalId ?? entry.model ?? '',
    userText(entry),
    (entry.day ?? entry.startedAt ?? '').replace(/\.\d+Z$/, 'Z'),
    entry.billedSeconds ?? '',
    entry.loggedSeconds ?? '',
    entry.billed,
    entry.logged,
    entry.resolution === null
      ? ''
      : `${entry.resolution}: ${entry.reason}${entry.isCurrent ? '' : ' (gone)'}`,
  ]);
  const left = ['id', 'kind', 'call', 'user', 'started', 'resolution'];
  return [
    ...(kinds.size === 1 && only !== undefined ? [`${style.bold(only)}: ${kindMeanings[only]}`, ''] : []),
    ...textTable(rows, { head, left }, style),
    ...(next === null ? [] : ['', style.dim(`More: --after ${next}`)]),
  ].join('\n');
}

/** Whose call it is; where log and assistant disagree, both. */
function userText({ kind, user, owner }: Entry): string {
  return kind === 'attribution_mismatch' ? `${user} (assistant of ${owner})` : (user ?? owner ?? '?');
}
