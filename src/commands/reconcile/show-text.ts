import type { Style } from '../../context.ts';
import type { Bill } from '../../reconcile/match/bill-store.ts';
import type { Differences } from '../../reconcile/match/claim.ts';
import { kindMeanings } from '../../reconcile/match/kinds.ts';
import type { Quantities } from '../../reconcile/match/quantity-store.ts';
import type { ExpectedCost } from '../../reconcile/match/rate-store.ts';
import type { StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import type { HeadlineMonth } from '../../reconcile/report/headline.ts';
import { rateSentence } from '../../reconcile/report/rate-words.ts';
import type { Entry } from '../../reconcile/resolve/discrepancy-store.ts';
import { textTable } from '../../text/text-table.ts';
import { secondText } from '../../text/time-text.ts';
import { amountColumns } from '../../values/amount.ts';
import { kindTable } from './kind-table.ts';
import { countAll } from './list.ts';
import { billLines, controlLines, exportLines } from './reconcile-text.ts';
import { differenceLines, headlineLines, roundingNote, sumsText } from './sums-text.ts';

/** The month for a person, with what is still to be done. */
export function summaryText(
  data: StoredReconciliation &
    Bill & { quantities: Quantities | null; differences: Differences | null; rates: ExpectedCost[] },
  style: Style,
): string {
  const { provider, month, closedAt, closedBy, closeReason, open, resolved } = data;
  const state =
    closedAt === null
      ? `${countAll(open)} open, ${countAll(resolved)} resolved`
      : `closed by ${closedBy} at ${closedAt}${closeReason === null ? '' : `: ${closeReason}`}`;
  const lines = [
    `${style.bold(`${provider} ${month}`)}  ${closedAt === null ? style.yellow(state) : style.green(state)}`,
    '',
    ...kindTable(data, style),
    '',
    sumsText(data),
    ...differenceLines(data, style),
    ...ratesTable(data.rates, style),
    '',
    ...exportLines(data, style),
    ...controlLines(data, style),
    ...billLines(data, style),
    '',
    ...headlineLines(headlineMonth(data), style),
  ];
  return [...lines, ...roundingNote(lines, style)].join('\n');
}

const headlineMonth = (month: Parameters<typeof summaryText>[0]): HeadlineMonth => ({
  ...month,
  openCount: countAll(month.open),
  closed: month.closedAt === null ? undefined : { at: month.closedAt, by: month.closedBy },
});

function ratesTable(rates: readonly ExpectedCost[], style: Style): string[] {
  if (rates.length === 0) {
    return [];
  }
  const head = ['rate card', 'unit', 'expected', 'by bill durations', 'billed', 'rate diff.', 'usage diff.'];
  const columns = amountColumns([
    rates.map(({ expected }) => expected),
    rates.map(({ byBillDurations }) => byBillDurations ?? ''),
    rates.map(({ billed }) => billed ?? ''),
    rates.map(({ rateDifference }) => rateDifference ?? ''),
    rates.map(({ usageDifference }) => usageDifference ?? ''),
  ]);
  const rows = rates.map(({ name, unit }, row) => [name, unit, ...columns.map((cells) => cells[row] || '-')]);
  return [
    '',
    ...textTable(
      rows,
      { head, left: ['rate card', 'unit'], dispensable: ['usage diff.', 'expected'] },
      style,
    ),
    '',
    ...rates.map(rateSentence),
  ];
}

interface Entries {
  provider: string;
  month: string;
  /** Of the amounts; null where the bill states none. */
  currency: string | null;
  entries: Entry[];
  next: string | null;
}

/** Calls, one per line. */
export function entriesText({ currency, entries, next }: Entries, style: Style): string {
  if (entries.length === 0) {
    return 'No such calls.';
  }
  const kinds = new Set(entries.map(({ kind }) => kind));
  const [only] = kinds;
  const amounts = ['billed', 'logged', 'difference'].map((title) =>
    currency === null ? title : `${title} ${currency}`,
  );
  const [billedAmount = '', loggedAmount = ''] = amounts;
  const head = [
    ...['id', 'kind', 'call', 'user', 'started', 'billed s', 'logged s'],
    ...amounts,
    'resolution',
  ];
  const seconds = amountColumns(
    [
      entries.map(({ billedSeconds }) => billedSeconds ?? ''),
      entries.map(({ loggedSeconds }) => loggedSeconds ?? ''),
    ],
    0,
  );
  const money = amountColumns([
    entries.map(({ billed }) => billed),
    entries.map(({ logged }) => logged),
    entries.map(({ difference }) => difference),
  ]);
  const rows = entries.map((entry, row) => [
    entry.id ?? '',
    entry.kind,
    entry.externalId ?? entry.model ?? '',
    userText(entry),
    entry.day ?? (entry.startedAt === null ? '' : secondText(entry.startedAt)),
    ...seconds.map((column) => column[row] ?? ''),
    ...money.map((column) => column[row] ?? ''),
    entry.resolution === null
      ? ''
      : `${entry.resolution}: ${entry.reason}${entry.isCurrent ? '' : ' (gone)'}`,
  ]);
  const left = ['id', 'kind', 'call', 'user', 'started', 'resolution'];
  const dispensable = ['resolution', 'logged s', 'billed s', loggedAmount, billedAmount, 'started', 'kind'];
  const lines = [
    ...(kinds.size === 1 && only !== undefined ? [`${style.bold(only)}: ${kindMeanings[only]}`, ''] : []),
    ...textTable(rows, { head, left, dispensable }, style),
    ...(next === null ? [] : ['', style.dim(`More: --after ${next}`)]),
  ];
  return [...lines, ...roundingNote(lines, style)].join('\n');
}

/** Whose call it is; where log and assistant disagree, both. */
function userText({ kind, user, owner }: Entry): string {
  return kind === 'attribution_mismatch' ? `${user} (assistant of ${owner})` : (user ?? owner ?? '?');
}
