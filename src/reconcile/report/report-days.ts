import { columnChart } from '../../html/column-chart.ts';
import { type Html, html } from '../../html/html.ts';
import { table } from '../../html/table.ts';
import { amountText, countText, isZero, signedText } from '../../values/amount.ts';
import { daysOfMonth } from '../../values/month.ts';
import type { ReconciliationReport } from './report.ts';
import type { DaySums } from './report-store.ts';
import { moneyColumns } from './report-sums.ts';

/** What is counted per day: money, or seconds where the bill states no amounts. */
const unitOf = ({ hasAmounts, currency }: ReconciliationReport): string =>
  hasAmounts ? (currency ?? '') : 'seconds';

/** Billed beside logged for every day of the month, and below it what one is more than the other. */
export function dayCharts(report: ReconciliationReport): Html {
  const { stored, days } = report;
  const sums = new Map(days.map((day) => [day.day, day]));
  const all = daysOfMonth(stored.month).map((day): DaySums => sums.get(day) ?? emptyDay(day));
  const unit = unitOf(report) === '' ? '' : `, ${unitOf(report)}`;
  const pairs = columnChart({
    ...placesOf(all),
    id: 'per-day',
    title: `Billed and logged per day${unit}`,
    description: pairWords(all),
    series: [
      { name: 'billed', style: 'first', values: all.map(({ billed }) => Number(billed)) },
      { name: 'logged', style: 'second', values: all.map(({ logged }) => Number(logged)) },
    ],
  });
  if (days.every(({ difference }) => isZero(difference))) {
    return pairs;
  }
  const values = all.map(({ difference }) => Number(difference));
  return html`${pairs}${columnChart({
    ...placesOf(all),
    id: 'difference-per-day',
    title: `Difference per day${unit}`,
    description: differenceWords(all),
    series: [{ name: 'billed than logged', style: 'signed', values }],
    heightPx: 100,
  })}`;
}

const placesOf = (days: readonly DaySums[]) => ({
  labels: days.map(({ day }) => String(Number(day?.slice(8)))),
  hints: days.map(
    ({ day, billed, logged, difference }) =>
      `${day}: billed ${amountText(billed)}, logged ${amountText(logged)}, difference ${signedText(difference)}`,
  ),
});

const largestOf = (days: readonly DaySums[], size: (day: DaySums) => number): DaySums =>
  days.reduce((one, other) => (size(other) > size(one) ? other : one));

const tableWords = 'The table at the end of this page has the figures.';

function pairWords(days: readonly DaySums[]): string {
  const { day, billed, logged } = largestOf(days, (one) => Number(one.billed));
  return `Two columns for each of ${days.length} days. Most was billed on ${day}: ${amountText(billed)}, logged ${amountText(logged)}. ${tableWords}`;
}

function differenceWords(days: readonly DaySums[]): string {
  const { day, difference } = largestOf(days, (one) => Math.abs(Number(one.difference)));
  return `One column for each of ${days.length} days, up where more was billed than logged. The largest is that of ${day}: ${signedText(difference)}. ${tableWords}`;
}

/** The figures behind the chart; their sum is that of the month. */
export function dayTable(report: ReconciliationReport): Html {
  const { days, monthSums } = report;
  const unit = unitOf(report);
  const money = moneyColumns({ hasAmounts: true, currency: unit || null }, [...days, monthSums]);
  return html`<section><h2>Day by day</h2>
<p class="note">By the day on which a call began, in UTC.</p>
${table({
  caption: 'Billed and logged per day',
  dense: true,
  columns: [{ title: 'Day' }, { title: 'Entries', kind: 'number' }, ...money.columns],
  rows: [
    ...days.map((day) => ({
      cells: [day.day ?? 'Without a day', countText(day.count), ...money.cells(day)],
    })),
    {
      style: 'total',
      cells: [
        'This month',
        countText(days.reduce((sum, { count }) => sum + count, 0)),
        ...money.cells(monthSums),
      ],
    },
  ],
})}</section>
`;
}

const emptyDay = (day: string): DaySums => ({ day, count: 0, billed: '0', logged: '0', difference: '0' });
