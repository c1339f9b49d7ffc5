import { cut, type Html, type HtmlValue, html, noHtml } from '../../html/html.ts';
import { type TableColumn, table } from '../../html/table.ts';
import { amountText, countText, scaleOf, signedText } from '../../values/amount.ts';
import type { Entry } from '../resolve/discrepancy-store.ts';
import { minutePrice } from './rate-words.ts';
import type { ReconciliationReport } from './report.ts';
import type { KindDetail } from './report-store.ts';
import { moneyColumns } from './report-sums.ts';
import { counted, kindWords, reportOrder } from './report-words.ts';

/** More of a reason or a name than this is for `reconcile show`. */
const textMax = 240;

/** The differences one by one, kind by kind, from the largest on. */
export function kindSections(report: ReconciliationReport): Html {
  const { kinds, entries, hasAmounts } = report;
  if (kinds.length === 0) {
    return noHtml;
  }
  const details = reportOrder.flatMap((kind) => kinds.filter((one) => one.kind === kind));
  return html`<section><h2>The differences one by one</h2>
<p class="note">From the largest on; times are UTC, durations in seconds${hasAmounts ? ', differences as billed − logged' : ''}. The number in front is the one to resolve it with.</p>
${details.map((detail) =>
  kindSection(
    detail,
    entries.filter(({ kind }) => kind === detail.kind),
    report,
  ),
)}</section>
`;
}

function kindSection(detail: KindDetail, entries: readonly Entry[], report: ReconciliationReport): Html {
  const { kind, count, open, billed, logged, difference, rest } = detail;
  const { hasAmounts } = report;
  const { title, sentence } = kindWords[kind];
  const scale = scaleOf([billed, logged]);
  const openWords = open === 0 ? 'All are resolved.' : `${countText(open)} open.`;
  const money = hasAmounts
    ? ` Billed ${amountText(billed, scale)}, logged ${amountText(logged, scale)}.`
    : '';
  return html`<h3 id="${kind}">${title}: ${counted(countText(count), 'entry', 'entries')}${hasAmounts ? `, ${signedText(difference, scale)}` : ''}</h3>
<p>${sentence}${money} ${openWords}</p>
${entryTable(entries, title, report)}${rest.count === 0 ? noHtml : restLine(detail, report, scale)}
`;
}

/** What is not listed, and how to have it listed. */
function restLine(
  { kind, rest }: KindDetail,
  { stored: { provider, month }, hasAmounts }: ReconciliationReport,
  scale: number,
): Html {
  const sums = hasAmounts
    ? `: billed ${amountText(rest.billed, scale)}, logged ${amountText(rest.logged, scale)}, difference ${signedText(rest.difference, scale)}`
    : '';
  return html`<p class="note">${countText(rest.count)} more of this kind, each with a smaller or equal difference${sums}. All of them, for a spreadsheet:<br>
<code>quota reconcile show --month ${month} --provider ${provider} --kind ${kind} --output csv</code></p>`;
}

type EntryColumn = [TableColumn, (entry: Entry) => HtmlValue];

function entryTable(entries: readonly Entry[], title: string, report: ReconciliationReport): Html {
  const money = moneyColumns(report, entries);
  const hasUsers = entries.some(({ user, owner }) => (user ?? owner) !== null);
  const columns: EntryColumn[] = [
    [{ title: 'No.', kind: 'number' }, ({ id }) => id],
    [{ title: (entries[0]?.day ?? null) === null ? 'Call' : 'Sum of', kind: 'code' }, subjectCell],
    ...(hasUsers ? [[{ title: 'User' }, userCell] satisfies EntryColumn] : []),
    [{ title: 'Started' }, ({ day, startedAt }) => day ?? startedCell(startedAt)],
    ...quantities(entries, 'Billed s', ({ billedSeconds }) => billedSeconds),
    ...quantities(entries, 'Logged s', ({ loggedSeconds }) => loggedSeconds),
    ...quantities(entries, 'Billed no.', ({ billedQuantity }) => billedQuantity),
    ...quantities(entries, 'Logged no.', ({ loggedQuantity }) => loggedQuantity),
    ...money.columns.map(
      (column, place): EntryColumn => [
        column,
        (entry) =>
          place < money.columns.length - 1
            ? (money.cells(entry)[place] ?? '')
            : html`${money.cells(entry)[place] ?? ''}${pricesOf(entry)}`,
      ],
    ),
    [{ title: 'Resolution', kind: 'wide' }, resolutionCell],
  ];
  return table({
    caption: title,
    dense: true,
    columns: columns.map(([column]) => column),
    rows: entries.map((entry) => ({ cells: columns.map(([, cell]) => cell(entry)) })),
  });
}

/** A column of durations or numbers of requests, where any of the entries has one. */
function quantities(
  entries: readonly Entry[],
  title: string,
  quantityOf: (entry: Entry) => string | null,
): EntryColumn[] {
  const values = entries.map(quantityOf);
  const scale = scaleOf(values, 0);
  const cell = (value: string | null) => (value === null ? '' : amountText(value, scale));
  return values.some((value) => value !== null)
    ? [[{ title, kind: 'number' }, (entry) => cell(quantityOf(entry))]]
    : [];
}

/** The call's id, or the sum's model; and where it stands in the bill. */
function subjectCell({ externalId, day, model, source, line }: Entry): Html {
  const name = externalId ?? (day === null ? 'no id' : (model ?? 'all models'));
  const place =
    source === null
      ? noHtml
      : html`<small>${cut(fileName(source), 60)}${line === null ? '' : `, line ${line}`}</small>`;
  return html`${cut(name, textMax)}${place}`;
}

/** Of a call whose cost differs: what a minute of it was billed at, and logged at. */
function pricesOf({ kind, billed, logged, billedSeconds, loggedSeconds }: Entry): Html {
  const seconds = Number(billedSeconds ?? loggedSeconds ?? 0);
  if (kind !== 'cost_mismatch' || seconds === 0) {
    return noHtml;
  }
  const [one, other] = [billed, logged].map((cost) => minutePrice(cost, seconds));
  return html`<small>${one ?? ''} a minute, not ${other ?? ''}</small>`;
}

const fileName = (source: string) => source.slice(source.lastIndexOf('/') + 1);

/** Whose call it is; where log and assistant disagree, both. */
function userCell({ kind, user, owner }: Entry): HtmlValue {
  const name = cut(user ?? owner ?? 'unknown', 160);
  return kind === 'attribution_mismatch'
    ? html`${name}<small>assistant of ${cut(owner ?? '?', 160)}</small>`
    : name;
}

const startedCell = (startedAt: string | null): HtmlValue =>
  startedAt === null ? '' : html`${startedAt.slice(0, 10)} ${startedAt.slice(11, 19)}`;

function resolutionCell({ resolution, resolvedAt, resolvedBy, reason }: Entry): HtmlValue {
  if (resolution === null) {
    return html`<span class="open">open</span>`;
  }
  const why = reason === null || reason === '' ? noHtml : html`<small>${cut(reason, textMax)}</small>`;
  return html`${resolution} by ${cut(resolvedBy ?? '?', 80)}, ${resolvedAt?.slice(0, 10) ?? ''}${why}`;
}

/** What was resolved and agrees by now. */
export function settledSection(report: ReconciliationReport): Html {
  const { settled, states, stored } = report;
  const count = states.reduce((sum, state) => sum + state.settled, 0);
  if (count === 0) {
    return noHtml;
  }
  const more = count - settled.length;
  return html`<section><h2>Resolved, and in agreement since</h2>
<p>${counted(countText(count), 'entry was', 'entries were')} found to differ and resolved; bill and records agree by now, as after calls were added to our records or corrected in them. They are listed as they were found, and count nowhere above.</p>
${entryTable(settled, 'Resolved, and in agreement since', report)}${
  more === 0
    ? noHtml
    : html`<p class="note">${countText(more)} more: <code>quota reconcile show --month ${stored.month} --provider ${stored.provider}</code></p>`
}</section>
`;
}
