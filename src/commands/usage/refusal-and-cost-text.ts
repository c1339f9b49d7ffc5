import type { CostForecast, UsageReport } from '../../analytics/usage-report.ts';
import type { Style } from '../../context.ts';
import { centsText } from '../../text/sum-text.ts';
import { counted } from '../../values/counted.ts';

const rowsMax = 30;

export function refusalLines({ refusals: { total, rows } }: UsageReport, style: Style): string[] {
  const shown = rows.slice(0, rowsMax);
  const names = shown.map(({ day, service, plan, reason }) =>
    [...(day === null ? [] : [day]), service, plan || 'no plan', reason].join('  '),
  );
  const width = Math.max(...names.map(({ length }) => length), 0);
  return [
    '',
    style.bold(total === 0 ? 'Refused' : `Refused, ${counted(total, 'time')}`),
    ...(total === 0 ? [style.dim('  nobody')] : []),
    ...shown.map(({ refused }, index) => `  ${(names[index] ?? '').padEnd(width)}  ${refused}`),
    ...(rows.length > rowsMax
      ? [style.dim(`  … and ${rows.length - rowsMax} more (--by refusal --output csv)`)]
      : []),
  ];
}

export function costLines({ month, total, plans }: UsageReport['costs'], style: Style): string[] {
  const paid = plans.filter(({ cost }) => Number(cost) > 0);
  const width = Math.max(...paid.map(({ plan }) => (plan || 'no plan').length), 'all'.length);
  return [
    '',
    style.bold(`Cost of ${month}, at the present pace`),
    `  ${'all'.padEnd(width)}  ${forecastText(total, style)}`,
    ...paid.map(
      ({ plan, ...sums }) => `  ${(plan || 'no plan').padEnd(width)}  ${forecastText(sums, style)}`,
    ),
  ];
}

const forecastText = ({ cost, forecast }: CostForecast, style: Style) =>
  `${centsText(cost, style)} so far, ${forecast === null ? 'too few calls to tell more' : `${centsText(forecast, style)} at its end`}`;
