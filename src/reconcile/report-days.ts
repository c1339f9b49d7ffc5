import { amountText, countText, isZero, scaleOf, signedText } from '../html/amounts.ts';
import { columnChart } from '../html/column-chart.ts';
import { type Html, html } from '../html/html.ts';
import { type TableRow, table } from '../html/table.ts';
import { daysOfMonth } from './days-of-month.ts';
import type { ReconciliationReport } from './report.ts';
import type { DaySums } from './report-store.ts';

/** Billed beside logged for every day of the month, and below it what one is more than the other. */
export function dayCharts({ stored, days, currency }: ReconciliationReport): Html {
  const sums = new Map(days.map((day) => [day.day, day]));
  const all = daysOfMonth(stored.month).map((day): DaySums => sums.get(day) ?? emptyDay(day));
  const unit = currency === null ? '' : `, ${currency}`;
  const largest = (size: (day: DaySums) => number) =>
    all.reduce((one, other) => (size(other) > size(one) ? other : one));
  const most = largest(({ billed }) => Number(billed));
  const worst = largest(({ difference }) => Math.abs(Number(difference)));
  const table = 'The table at the end of this page has the figures.';
  const places = {
    labels: all.map(({ day }) => String(Number(day?.slice(8)))),
    hints: all.map(
      ({ day, billed, logged, difference }) =>
        `${day}: billed ${amountText(billed)}, logged ${amountText(logged)}, difference ${signedText(difference)}`,
    ),
  };
  const pairs = columnChart({
    ...places,
    id: 'per-day',
    title: `Billed and logged per day${unit}`,
    description: `Two columns for each of ${all.length} days. Most was billed on ${most.day}: ${amountText(most.billed)}, logged ${amountText(most.logged)}. ${table}`,
    series: [
      { name: 'billed', style: 'first', values: all.map(({ billed }) => Number(billed)) },
      { name: 'logged', style: 'second', values: all.map(({ logged }) => Number(logged)) },
    ],
  });
  if (days.every(({ difference }) => isZero(difference))) {
    return pairs;
  }
  const differences = columnChart({
    ...places,
    id: 'difference-per-day',
    title: `Difference per day${unit}`,
    description: `One column for each of ${all.length} days, up where more was billed than logged. The largest is that of ${worst.day}: ${signedText(worst.difference)}. ${table}`,
    series: [
      {
        name: 'billed than logged',
        style: 'signed',
        values: all.map(({ difference }) => Number(difference)),
      },
    ],
    heightPx: 100,
  });
  return html`${pairs}${differences}`;
}

/** The figures behind the chart; their sum is that of the month. */
export function dayTable({ stored, days, currency }: ReconciliationReport): Html {
  const { totals } = stored;
  const scale = scaleOf([
    ...days.flatMap(({ billed, logged }) => [billed, logged]),
    ...Object.values(totals),
  ]);
  const row = (title: string, { count, billed, logged, difference }: Omit<DaySums, 'day'>): TableRow => ({
    cells: [
      title,
      countText(count),
      amountText(billed, scale),
      amountText(logged, scale),
      signedText(difference, scale),
    ],
  });
  const count = days.reduce((sum, day) => sum + day.count, 0);
  return html`<section><h2>Day by day</h2>
<p class="note">By the day on which a call began, in UTC${currency === null ? '' : `; amounts in ${currency}`}.</p>
${table({
  caption: 'Billed and logged per day',
  dense: true,
  columns: [
    { title: 'Day' },
    { title: 'Entries', kind: 'number' },
    { title: 'Billed', kind: 'number' },
    { title: 'Logged', kind: 'number' },
    { title: 'Difference', kind: 'number' },
  ],
  rows: [
    ...days.map((day) => row(day.day ?? 'Without a day', day)),
    { ...row('This month', { ...totals, count }), style: 'total' },
  ],
})}</section>
`;
}

const emptyDay = (day: string): DaySums => ({ day, count: 0, billed: '0', logged: '0', difference: '0' });
