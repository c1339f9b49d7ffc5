import type { Style } from '../../context.ts';
import { leftOutWords } from '../../reconcile/exports/left-out.ts';
import type { Bill } from '../../reconcile/match/bill-store.ts';
import { differenceOf } from '../../reconcile/match/difference.ts';
import { isDiscrepancy, kinds } from '../../reconcile/match/kinds.ts';
import type { ExpectedCost } from '../../reconcile/match/rate-store.ts';
import type { Reconciliation } from '../../reconcile/months/reconcile-month.ts';
import { rateSentence } from '../../reconcile/report/rate-words.ts';
import { counted } from '../../values/counted.ts';
import { kindTable } from './kind-table.ts';
import { differenceLines, headlineLines, roundingNote, sumsText } from './sums-text.ts';

/** The month for a person: its kinds with what they mean, its totals, its exports, what to do next, what to claim back. */
export function reconciliationText(data: Reconciliation & { rates?: ExpectedCost[] }, style: Style): string {
  const { provider, month, rates = [], differences } = data;
  const openCount = differences?.open ?? discrepancyCount(data);
  const lines = [
    style.bold(`${provider} ${month}`),
    '',
    ...kindTable(data, style),
    '',
    ...exportLines(data, style),
    ...controlLines(data, style),
    ...billLines(data, style),
    ...rates.map(rateSentence),
    nextStep(data, style),
    ...(data.dryRun ? [style.dim('Dry run: nothing was changed.')] : []),
    style.bold(sumsText(data)),
    ...differenceLines(data, style),
    '',
    ...headlineLines({ ...data, rates, openCount }, style),
  ];
  return [...lines, ...roundingNote(lines, style)].join('\n');
}

const discrepancyCount = ({ kinds: found }: Pick<Reconciliation, 'kinds'>) =>
  kinds.filter(isDiscrepancy).reduce((sum, kind) => sum + (found[kind]?.count ?? 0), 0);

export const exportLines = ({ exports }: Pick<Reconciliation, 'exports'>, style: Style): string[] =>
  exports.map(({ source, lines, sha256 }) =>
    style.dim(`${source}: ${counted(lines, 'line')}, sha256 ${sha256.slice(0, 12)}…`),
  );

/** What is missing of the bill, and how the month's use becomes the month's invoice, where the bill says. */
export function billLines({ leftOut, invoice, currency }: Bill, style: Style): string[] {
  return [
    ...(leftOut === null ? [] : [style.yellow(`missing in all sums: ${leftOutWords(leftOut)}`)]),
    ...(invoice === null
      ? []
      : [
          style.dim(
            `invoice of the month: ${invoice.billed} = ${invoice.use} of the month` +
              ` + ${invoice.ofOtherMonths} of other months - ${invoice.onOtherInvoices} on other invoices${currency === null ? '' : ` (${currency})`}`,
          ),
        ]),
  ];
}

/** Days that differ are listed up to this many. */
const controlDaysMax = 10;

/** What the provider counts itself, where it was asked. */
export function controlLines({ control }: Pick<Reconciliation, 'control'>, style: Style): string[] {
  if (control === undefined || control === null) {
    return [];
  }
  const { calls, cost, days, agrees } = control;
  const sides = (day: Pick<typeof control, 'calls' | 'cost'>) =>
    `${counted(day.calls.provider, 'call')} for ${day.cost.provider}, fetched ${day.calls.fetched} for ${day.cost.fetched}`;
  if (agrees) {
    return [
      style.dim(`control: VAPI counts ${counted(calls.provider, 'call')} for ${cost.provider}, as fetched`),
    ];
  }
  const further = days.length - controlDaysMax;
  return [
    style.yellow(`control: VAPI counts ${sides(control)}`),
    ...days.slice(0, controlDaysMax).map((day) => style.yellow(`  ${day.day}: ${sides(day)}`)),
    ...(further > 0 ? [style.yellow(`  … and ${further} more days`)] : []),
  ];
}

function nextStep({ provider, month, kinds: found }: Reconciliation, style: Style): string {
  const weights = kinds.flatMap((kind) => {
    const sums = found[kind];
    return sums === undefined || !isDiscrepancy(kind)
      ? []
      : [{ kind, weight: Math.abs(Number(differenceOf(sums))) }];
  });
  const [heaviest] = weights.sort((one, other) => other.weight - one.weight);
  return heaviest === undefined
    ? style.green(
        found.fee === undefined
          ? 'What was billed was logged, and the other way round.'
          : 'What was billed was logged, and the other way round, but for the fees.',
      )
    : `The calls behind it: quota reconcile show --provider ${provider} --month ${month} --kind ${heaviest.kind}`;
}
