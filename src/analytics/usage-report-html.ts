import { costText, durationText, quantityText, shareText } from './quantities.ts';
import type { DayUsage, UsageReport, UsageSums } from './usage-report.ts';

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const htmlText = (text: string) => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');

const css = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}h2{margin-top:2rem}svg{width:100%;height:12rem}rect{fill:#3673b5}.bar{background:#3673b5;height:.6rem;min-width:1px}
p.note{color:#666}@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e6e6}th,td{border-color:#333}}`;

/** The report as one page that needs nothing else: no script, no font, no picture from elsewhere. */
export function usageReportHtml(report: UsageReport): string {
  const title = `Usage from ${report.from} to ${report.to}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${htmlText(title)}</title><style>${css}</style></head>
<body><h1>${htmlText(title)}</h1>
<p class="note">Days are UTC. ${htmlText(report.service ?? 'All services')}. As of ${htmlText(report.asOf)}.</p>
${table(sumHeads('Total'), [sumCells('All', report.totals)])}
<h2>Calls per day</h2>
${dayChart(report.days)}
<h2>By ${report.by}</h2>
${rowTable(report)}
<h2>Plans, running periods</h2>
${planTable(report)}
<h2>Will run out before their reset, at the present pace</h2>
${forecastTable(report)}
</body></html>
`;
}

/** Cells are HTML already. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${line(heads, 'th')}</thead><tbody>\n${rows.map((row) => line(row, 'td')).join('\n')}\n</tbody></table>`;
}

const sumHeads = (first: string) => [
  first,
  'Calls',
  'Errors',
  'Users',
  'Time',
  'Messages',
  'Premium',
  'Cost',
];

const sumCells = (key: string, sums: UsageSums) => [
  htmlText(key),
  `${sums.calls}`,
  `${sums.errors} (${shareText(sums.errors, sums.calls)})`,
  `${sums.activeUsers}`,
  durationText(sums.seconds),
  sums.messages,
  sums.premiumMessages,
  costText(sums.cost),
];

/** Each bar tells its figures when pointed at. */
function dayChart(days: readonly DayUsage[]): string {
  const largest = Math.max(...days.map(({ calls }) => calls), 1);
  const bars = days.map(({ day, calls, cost }, index) => {
    const height = (100 * calls) / largest;
    return `<rect x="${index * 10}" y="${(100 - height).toFixed(2)}" width="8" height="${height.toFixed(2)}"><title>${day}: ${calls} calls, cost ${costText(cost)}</title></rect>`;
  });
  return `<svg viewBox="0 0 ${days.length * 10} 100" preserveAspectRatio="none" role="img" aria-label="calls per day, at most ${largest}">${bars.join('')}</svg>`;
}

function rowTable({ by, rows }: UsageReport): string {
  const measure = rows.some(({ cost }) => Number(cost) > 0) ? 'cost' : 'calls';
  const largest = Math.max(...rows.map((row) => Number(row[measure])), 0);
  return table(
    [...sumHeads(by), ''],
    rows.map((row) => [...sumCells(row.key, row), barCell(Number(row[measure]), largest)]),
  );
}

const barCell = (value: number, largest: number) =>
  `<div class="bar" style="width:${(largest > 0 ? Math.min(value / largest, 1) * 8 : 0).toFixed(2)}rem"></div>`;

const planTable = ({ plans }: UsageReport) =>
  table(
    [
      'Plan',
      'Meter',
      'Subscribers',
      'Active',
      'Warned',
      'Used up',
      'Used',
      'Allowance',
      '%',
      '',
      'Cost',
      'of at most',
    ],
    plans
      .filter(({ subscribers }) => subscribers > 0)
      .map((plan) => [
        htmlText(plan.plan),
        htmlText(plan.meter),
        `${plan.subscribers}`,
        `${plan.active}`,
        `${plan.warned}`,
        `${plan.exceeded}`,
        quantityText(plan.used, plan.unit),
        plan.allowance === null ? 'no limit' : quantityText(plan.allowance, plan.unit),
        plan.percent ?? '',
        barCell(Number(plan.percent ?? 0), 100),
        costText(plan.cost),
        plan.costAllowance === null ? '' : costText(plan.costAllowance),
      ]),
  );

const forecastTable = ({ forecasts: { total, first } }: UsageReport) =>
  `${table(
    ['User', 'Meter', 'Used', 'of', '%', 'Runs out', 'Reset'],
    first.map((forecast) => [
      htmlText(forecast.user),
      htmlText(forecast.meter),
      forecast.limit === 'cost' ? costText(forecast.cost) : quantityText(forecast.used, forecast.unit),
      forecast.limit === 'cost'
        ? costText(forecast.costLimit ?? '0')
        : quantityText(forecast.allowance ?? '0', forecast.unit),
      forecast.percent,
      forecast.runsOutAt.slice(0, 16).replace('T', ' '),
      forecast.resetsAt?.slice(0, 16).replace('T', ' ') ?? 'never',
    ]),
  )}<p class="note">${first.length} of ${total}.</p>`;
