import { amountCell, signedCell } from '../../html/amount-cell.ts';
import { cut, type Html, html, noHtml } from '../../html/html.ts';
import { table } from '../../html/table.ts';
import { secondText } from '../../text/time-text.ts';
import { amountText, countText, scaleOf, signedText } from '../../values/amount.ts';
import { isOtherPrice, rateSentence } from './rate-words.ts';
import type { ReconciliationReport } from './report.ts';
import type { ReportEvent } from './report-store.ts';
import { moneyTitle } from './report-sums.ts';
import { counted } from './report-words.ts';

const textMax = 240;

/** What the calls should have cost by the provider's price list, beside what was billed. */
export function rateSection({ rates }: ReconciliationReport): Html {
  if (rates.length === 0) {
    return noHtml;
  }
  const scale = scaleOf(
    rates.flatMap(({ expected, byBillDurations, billed }) => [expected, byBillDurations, billed]),
  );
  const amount = (value: string | null) => (value === null ? '–' : amountCell(value, scale));
  const signed = (value: string | null) => (value === null ? '–' : signedCell(value, scale));
  return html`<section><h2>What it should have cost</h2>
<p>By the provider's price list: from our own records, from the durations on the bill, and as billed. A difference in price means another rate or rounding than that of the list; a difference in usage means other calls or durations than we logged.</p>
${table({
  caption: 'Expected cost by rate card beside the billed cost',
  columns: [
    { title: 'Rate card', kind: 'wide' },
    { title: 'Unit' },
    { title: 'From our records', kind: 'number' },
    { title: "From the bill's durations", kind: 'number' },
    { title: 'As billed', kind: 'number' },
    { title: 'Price', kind: 'number' },
    { title: 'Usage', kind: 'number' },
  ],
  rows: rates.map((rate) => ({
    cells: [
      html`${rate.name}${rate.note === null ? noHtml : html`<small>${rate.note}</small>`}`,
      rate.unit,
      amount(rate.expected),
      amount(rate.byBillDurations),
      amount(rate.billed),
      signed(rate.rateDifference),
      signed(rate.usageDifference),
    ],
  })),
})}
${rates.map((rate) => html`<p>${isOtherPrice(rate) ? html`<strong class="open">Another price.</strong> ` : noHtml}${rateSentence(rate)}</p>`)}</section>
`;
}

/** Which files were reconciled: whoever has them can prove it by their sha256. */
export function sourceSection({ exports, exportsBilled, currency }: ReconciliationReport): Html {
  const scale = scaleOf(exports.map(({ billed }) => billed));
  const lines = exports.reduce((sum, one) => sum + one.lines, 0);
  return html`<section><h2>The files of the bill</h2>
${table({
  caption: 'The exported files',
  columns: [
    { title: 'File', kind: 'wide' },
    { title: 'Loaded' },
    { title: 'Lines', kind: 'number' },
    { title: moneyTitle('Billed', currency), kind: 'number' },
  ],
  rows: [
    ...exports.map((one) => ({
      cells: [
        html`${cut(one.source, textMax)}<small>${one.format}; sha256 <code>${one.sha256}</code></small>`,
        html`${secondText(one.loadedAt)}<small>by ${cut(one.loadedBy, 80)}</small>`,
        countText(one.lines),
        one.currency === null ? '–' : amountCell(one.billed, scale),
      ],
    })),
    ...(exports.length > 1
      ? [
          {
            style: 'total' as const,
            cells: ['All files', '', countText(lines), amountCell(exportsBilled, scale)],
          },
        ]
      : []),
  ],
})}</section>
`;
}

/** Who did what to this month, the latest first. */
export function historySection({ events, hasAmounts }: ReconciliationReport): Html {
  if (events.length === 0) {
    return noHtml;
  }
  return html`<section><h2>Who did what</h2>
${table({
  caption: 'What was done to this month, the latest first',
  columns: [{ title: 'When' }, { title: 'Who' }, { title: 'What', kind: 'wide' }],
  rows: events.map((event) => ({
    cells: [
      secondText(event.at),
      cut(event.actor, 80),
      html`${eventText(event, hasAmounts)}${event.reason === null ? noHtml : html`<small>${cut(event.reason, textMax)}</small>`}`,
    ],
  })),
})}</section>
`;
}

interface EventDetail {
  totals?: { billed: string; difference: string };
  as?: string;
  ids?: unknown[];
  logs?: { added: number; changed: number };
  forced?: boolean;
}

function eventText({ action, after }: ReportEvent, hasAmounts: boolean): string {
  const { totals, as, ids = [], logs, forced }: EventDetail = after ?? {};
  const sums =
    totals === undefined || !hasAmounts
      ? ''
      : `: billed ${amountText(totals.billed)}, difference ${signedText(totals.difference)}`;
  switch (action) {
    case 'reconciliation.run':
      return `Reconciled${sums}`;
    case 'reconciliation.close':
      return `Closed${forced === true ? ' by force' : ''}${sums}`;
    case 'reconciliation.reopen':
      return 'Opened again';
    default: {
      const changed = (logs?.added ?? 0) + (logs?.changed ?? 0);
      const words = changed === 0 ? '' : `; ${counted(countText(changed), 'log', 'logs')} added or changed`;
      return `Resolved ${counted(countText(ids.length), 'difference', 'differences')} as ${as ?? '?'}${words}`;
    }
  }
}

/** How far apart bill and records may be and still agree. */
export function ruleSection({ stored: { tolerances } }: ReconciliationReport): Html {
  const { durationSeconds, cost, matchSeconds, aggregatePercent, aggregateAmount } = tolerances;
  return html`<section><h2>The rules</h2>
<p>A line of the bill and a call of our records belong together if the provider's id says so; calls that we logged without an id are found by their assistant and a start within ${amountText(matchSeconds, 0)} s. Such a pair agrees if its durations differ by at most ${amountText(durationSeconds, 0)} s and its costs by at most ${amountText(cost, 0)}. Sums of days agree within ${amountText(aggregatePercent, 0)} % or ${amountText(aggregateAmount, 0)}. A line counts in the month in which its call began, in UTC.</p></section>
`;
}
