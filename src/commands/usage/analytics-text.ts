import {
  type Forecast,
  type PlanUtilization,
  type UsageReport,
  type UsageRow,
  type UsageSums,
  usageRowName,
} from '../../analytics/usage-report.ts';
import type { Style } from '../../context.ts';
import { bar, sparkline, squeeze } from '../../text/charts.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { centsText, hoursText, moneyText, quantityText, shareText } from '../../text/sum-text.ts';
import { nearText } from '../../text/time-text.ts';
import { counted } from '../../values/counted.ts';
import { minuteText } from '../../values/instant.ts';
import { costLines, refusalLines } from './refusal-and-cost-text.ts';

const barWidth = 16;

/** The report on a terminal: totals, a line of days, bars, plans, and who runs out. */
export function usageReportText(report: UsageReport, now: Date, style: Style): string {
  return [
    style.bold(`Usage from ${report.from} to ${report.to} (UTC), ${report.service ?? 'all services'}`),
    ...totalLines(report, style),
    ...(isWithoutRows(report, style) ? [] : rowLines(report, style)),
    ...refusalLines(report, style),
    ...costLines(report.costs, style),
    ...planLines(report.plans, style),
    ...forecastLines(report.forecasts, now, style),
    ...(report.daysToRollUp > 0
      ? [
          '',
          style.dim(
            `${counted(report.daysToRollUp, 'day is', 'days are')} not rolled up yet: quota jobs roll-up-analytics`,
          ),
        ]
      : []),
  ].join('\n');
}

const isWithoutRows = ({ by, rows }: UsageReport, style: Style) =>
  by === 'refusal' || (by === 'day' && rows.length > 62 && style.isTerminal);

function totalLines({ totals, days }: UsageReport, style: Style): string[] {
  const calls = days.map((day) => day.calls);
  const busiest = days.reduce(
    (most, day) => (day.calls > most.calls ? day : most),
    days[0] ?? { calls: 0, day: '' },
  );
  return [
    `${sumsText(totals, style)}, ${counted(totals.activeUsers, 'active user')}${
      totals.errors > 0
        ? style.red(`, ${counted(totals.errors, 'error')} (${shareText(totals.errors, totals.calls)})`)
        : ''
    }`,
    ...(busiest.calls > 0
      ? [
          `${style.cyan(sparkline(squeeze(calls, style.width - 30)))}  ${style.dim(`most on ${busiest.day}: ${counted(busiest.calls, 'call')}`)}`,
        ]
      : []),
  ];
}

function rowLines({ by, rows }: UsageReport, style: Style): string[] {
  const measure = rows.some((row) => Number(row.cost) > 0) ? 'cost' : 'calls';
  const largest = Math.max(...rows.map((row) => Number(row[measure])), 0);
  const width = keyWidth(rows.map((row) => usageRowName(by, row)));
  return [
    '',
    style.bold(`By ${by}`),
    ...(rows.length === 0 ? [style.dim('  nothing was used')] : []),
    ...rows.map((row) =>
      `  ${cut(usageRowName(by, row), width)}  ${style.cyan(bar(Number(row[measure]), largest, barWidth))}  ${sumsText(row, style)}${usersOf(by, row)}`.trimEnd(),
    ),
  ];
}

const usersOf = (by: UsageReport['by'], { activeUsers }: UsageRow) =>
  by === 'user' ? '' : `, ${counted(activeUsers, 'user')}`;

function planLines(plans: readonly PlanUtilization[], style: Style): string[] {
  const used = plans.filter(({ subscribers }) => subscribers > 0);
  const width = keyWidth(used.map(planKey));
  return [
    '',
    style.bold('Plans, running periods'),
    ...(used.length === 0 ? [style.dim('  nobody has subscribed')] : []),
    ...used.map((plan) => {
      const percent = Number(plan.percent ?? 0);
      const color = percent >= 90 ? style.red : percent >= 80 ? style.yellow : style.green;
      return [
        `  ${cut(planKey(plan), width)}  ${color(bar(percent, 100, barWidth))}  ${plan.percent === null ? 'no limit' : `${plan.percent} %`}`,
        `${plan.active} of ${plan.subscribers} active`,
        ...(plan.warned > 0 ? [style.yellow(`${plan.warned} warned`)] : []),
        ...(plan.exceeded > 0 ? [style.red(`${plan.exceeded} used up`)] : []),
        ...(Number(plan.cost) > 0 || plan.costAllowance !== null
          ? [
              `cost ${centsText(plan.cost, style)}${plan.costAllowance === null ? '' : ` of ${centsText(plan.costAllowance, style)}`}`,
            ]
          : []),
      ].join(', ');
    }),
  ];
}

function forecastLines({ total, first }: UsageReport['forecasts'], now: Date, style: Style): string[] {
  const width = keyWidth(first.map(({ user }) => user));
  return [
    '',
    style.bold('Will run out before their reset, at the present pace'),
    ...(total === 0 ? [style.dim('  nobody')] : []),
    ...first.map((forecast) => `  ${cut(forecast.user, width)}  ${forecastText(forecast, now, style)}`),
    ...(total > first.length ? [style.dim(`  … and ${total - first.length} more (--top)`)] : []),
  ];
}

function forecastText(forecast: Forecast, now: Date, style: Style): string {
  const allowance = forecast.allowance ?? '0';
  const format = quantityFormat(forecast.unit, allowance);
  const of =
    forecast.limit === 'cost'
      ? `${moneyText(forecast.cost, style)} of ${moneyText(forecast.costLimit ?? '0', style)}`
      : `${format.text(forecast.used)} of ${format.text(allowance)} ${format.unit}`;
  const resets = forecast.resetsAt === null ? 'never reset' : `reset ${minuteText(forecast.resetsAt)}`;
  return `${style.yellow(nearText(forecast.runsOutAt, now))}  ${forecast.meter}: ${of} (${forecast.percent} %), ${resets}`;
}

const planKey = ({ plan, meter }: PlanUtilization) => `${plan} ${meter}`;

function sumsText(sums: UsageSums, style: Style): string {
  return [
    counted(sums.calls, 'call'),
    ...(Number(sums.seconds) > 0 ? [hoursText(sums.seconds)] : []),
    ...(Number(sums.messages) > 0
      ? [
          `${counted(sums.messages, 'message')}${Number(sums.premiumMessages) > 0 ? ` (${sums.premiumMessages} premium)` : ''}`,
        ]
      : []),
    ...(Number(sums.tokens) > 0 ? [counted(sums.tokens, 'token')] : []),
    ...(Number(sums.bytes) > 0 ? [quantityText(sums.bytes, 'byte')] : []),
    ...(Number(sums.cost) > 0 ? [`cost ${centsText(sums.cost, style)}`] : []),
  ].join(', ');
}

const keyWidth = (keys: readonly string[]) => Math.min(Math.max(...keys.map(({ length }) => length), 0), 44);

const cut = (text: string, width: number) =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
