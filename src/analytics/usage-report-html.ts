import { bar, rangeOf } from '../html/bars.ts';
import { columnChart } from '../html/column-chart.ts';
import { cut, type Html, type HtmlValue, html, noHtml } from '../html/html.ts';
import { page } from '../html/page.ts';
import { type TableColumn, table } from '../html/table.ts';
import { costText, hoursText, quantityText, shareText } from '../text/sum-text.ts';
import { countText } from '../values/amount.ts';
import { counted } from '../values/counted.ts';
import { minuteText } from '../values/instant.ts';
import {
  type CostForecast,
  type DayUsage,
  type UsageReport,
  type UsageSums,
  usageRowName,
} from './usage-report.ts';

const nameMax = 120;

/** The report as one page that needs nothing else, headed by the name of the company where there is one. */
export function usageReportHtml(report: UsageReport, company: string | undefined): string {
  const title = `Usage from ${report.from} to ${report.to}`;
  const body = html`<h1>${title}</h1>
<p class="note">Days are UTC. ${report.service ?? 'All services'}. As of ${report.asOf}.</p>
${table({ caption: 'Totals', columns: sumColumns('', report), rows: [{ cells: sumCells('All', report.totals, report) }] })}
${dayChart(report.days)}
${
  report.by === 'refusal'
    ? noHtml
    : html`<h2>By ${report.by}</h2>
${rowTable(report)}`
}
<h2>Refused</h2>
${refusalTable(report)}
<h2>Cost of ${report.costs.month}, at the present pace</h2>
${costTable(report)}
<h2>Plans, running periods</h2>
${planTable(report)}
<h2>Will run out before their reset, at the present pace</h2>
${forecastTable(report)}
`;
  return page({ title, company, body }).text;
}

const numbers = (...titles: string[]): TableColumn[] => titles.map((title) => ({ title, kind: 'number' }));

/** Tokens and bytes have a column where there are any. */
const sumColumns = (first: string, { totals }: UsageReport): TableColumn[] => [
  { title: first, kind: 'name' },
  ...numbers('Calls', 'Errors', 'Users', 'Time', 'Messages', 'Premium'),
  ...numbers(...(totals.tokens === '0' ? [] : ['Tokens']), ...(totals.bytes === '0' ? [] : ['Data'])),
  ...numbers('Cost'),
];

const sumCells = (key: string, sums: UsageSums, { totals }: UsageReport): HtmlValue[] => [
  cut(key, nameMax),
  countText(sums.calls),
  `${sums.errors} (${shareText(sums.errors, sums.calls)})`,
  countText(sums.activeUsers),
  hoursText(sums.seconds),
  sums.messages,
  sums.premiumMessages,
  ...(totals.tokens === '0' ? [] : [sums.tokens]),
  ...(totals.bytes === '0' ? [] : [quantityText(sums.bytes, 'byte')]),
  costText(sums.cost),
];

/** Each column tells its figures when pointed at. */
function dayChart(days: readonly DayUsage[]): Html {
  const most = days.reduce((one, other) => (other.calls > one.calls ? other : one), days[0] ?? noDay);
  return columnChart({
    id: 'per-day',
    title: 'Calls per day',
    description: `One column for each of ${days.length} days. The most calls were on ${most.day}: ${most.calls}.`,
    labels: days.map(({ day }) => (days.length > 31 ? day : String(Number(day.slice(8))))),
    hints: days.map(({ day, calls, cost }) => `${day}: ${counted(calls, 'call')}, cost ${costText(cost)}`),
    series: [{ name: 'calls', style: 'first', values: days.map(({ calls }) => calls) }],
  });
}

const noDay = { day: 'no day', calls: 0 };

function rowTable(report: UsageReport): Html {
  const { by, rows } = report;
  const measure = rows.some(({ cost }) => Number(cost) > 0) ? 'cost' : 'calls';
  const range = rangeOf(rows.map((row) => Number(row[measure])));
  return table({
    caption: `Usage by ${by}`,
    columns: [...sumColumns(by, report), { title: '', kind: 'bar' }],
    rows: rows.map((row) => ({
      cells: [...sumCells(usageRowName(by, row), row, report), bar(Number(row[measure]), range, 'plain')],
    })),
  });
}

const noPlan = 'no plan';

function refusalTable({ refusals: { total, rows } }: UsageReport): Html {
  const range = rangeOf(rows.map(({ refused }) => refused));
  const days = rows.some(({ day }) => day !== null);
  return table({
    caption: 'How often users were refused, and why',
    columns: [
      ...(days ? [{ title: 'Day' }] : []),
      { title: 'Service' },
      { title: 'Plan' },
      { title: 'Reason' },
      ...numbers('Refused'),
      { title: '', kind: 'bar' },
    ],
    rows: [
      ...rows.map(({ day, service, plan, reason, refused }) => ({
        cells: [
          ...(days ? [day ?? ''] : []),
          service,
          plan || noPlan,
          reason,
          countText(refused),
          bar(refused, range, 'plain'),
        ],
      })),
      { cells: [...(days ? [''] : []), 'All', '', '', countText(total), ''], style: 'total' as const },
    ],
  });
}

const costTable = ({ costs: { total, plans } }: UsageReport): Html =>
  table({
    caption: 'Cost of the running month, so far and at its end',
    columns: [{ title: 'Service' }, { title: 'Plan' }, ...numbers('Calls', 'Cost so far', 'At its end')],
    rows: [
      ...plans.map((plan) => ({ cells: [plan.service, plan.plan || noPlan, ...costCells(plan)] })),
      { cells: ['All', '', ...costCells(total)], style: 'total' as const },
    ],
  });

const costCells = ({ calls, cost, forecast }: CostForecast): HtmlValue[] => [
  countText(calls),
  costText(cost),
  forecast === null ? 'too few calls' : costText(forecast),
];

const wholeRange = { min: 0, max: 100 };

const planTable = ({ plans }: UsageReport): Html =>
  table({
    caption: 'Plans in their running periods',
    dense: true,
    columns: [
      { title: 'Plan' },
      { title: 'Meter' },
      ...numbers('Subscribers', 'Active', 'Warned', 'Used up', 'Used', 'Allowance', '%'),
      { title: '', kind: 'bar' },
      ...numbers('Cost', 'of at most'),
    ],
    rows: plans
      .filter(({ subscribers }) => subscribers > 0)
      .map((plan) => ({
        cells: [
          plan.plan,
          plan.meter,
          countText(plan.subscribers),
          countText(plan.active),
          countText(plan.warned),
          countText(plan.exceeded),
          quantityText(plan.used, plan.unit),
          plan.allowance === null ? 'no limit' : quantityText(plan.allowance, plan.unit),
          plan.percent ?? '',
          bar(Math.min(Number(plan.percent ?? 0), wholeRange.max), wholeRange, 'plain'),
          costText(plan.cost),
          plan.costAllowance === null ? '' : costText(plan.costAllowance),
        ],
      })),
  });

const forecastTable = ({ forecasts: { total, first } }: UsageReport): Html =>
  html`${table({
    caption: 'Who will run out before their reset',
    columns: [
      { title: 'User', kind: 'name' },
      { title: 'Meter' },
      ...numbers('Used', 'of', '%'),
      { title: 'Runs out' },
      { title: 'Reset' },
    ],
    rows: first.map((forecast) => ({
      cells: [
        cut(forecast.user, nameMax),
        forecast.meter,
        forecast.limit === 'cost' ? costText(forecast.cost) : quantityText(forecast.used, forecast.unit),
        forecast.limit === 'cost'
          ? costText(forecast.costLimit ?? '0')
          : quantityText(forecast.allowance ?? '0', forecast.unit),
        forecast.percent,
        minuteText(forecast.runsOutAt),
        forecast.resetsAt === null ? 'never' : minuteText(forecast.resetsAt),
      ],
    })),
  })}<p class="note">${first.length} of ${total}.</p>`;
