import type { Column, Row, Style } from '../../context.ts';
import { leftOutWords } from '../../reconcile/exports/left-out.ts';
import type { Bill } from '../../reconcile/match/bill-store.ts';
import { differenceOf } from '../../reconcile/match/difference.ts';
import { isDiscrepancy, type Kind, kindMeanings, kinds } from '../../reconcile/match/kinds.ts';
import type { Reconciliation } from '../../reconcile/months/reconcile-month.ts';
import { textTable } from './text-table.ts';

export const kindColumns: readonly Column[] = [
  { key: 'provider' },
  { key: 'month' },
  { key: 'kind' },
  { key: 'count', align: 'right' },
  { key: 'billed', align: 'right' },
  { key: 'logged', align: 'right' },
  { key: 'difference', align: 'right' },
];

type Kinds = Pick<Reconciliation, 'provider' | 'month' | 'kinds'>;

/** One row per kind that there is, in the order in which they are decided. */
export const kindRows = ({ provider, month, kinds: found }: Kinds): Row[] =>
  kinds.flatMap((kind) => {
    const sums = found[kind];
    return sums === undefined ? [] : [{ provider, month, kind, ...sums, difference: differenceOf(sums) }];
  });

/** The month for a person: its kinds with what they mean, its totals, its exports, what to do next. */
export function reconciliationText(data: Reconciliation, style: Style): string {
  const { provider, month } = data;
  return [
    style.bold(`${provider} ${month}`),
    '',
    ...kindTable(data, style),
    '',
    ...exportLines(data, style),
    ...controlLines(data, style),
    ...billLines(data, style),
    nextStep(data, style),
    ...(data.dryRun ? [style.dim('Dry run: nothing was changed.')] : []),
    style.bold(sumsText(data)),
  ].join('\n');
}

/** What the month comes to; of a bill that states no amounts in what it states instead. */
export function sumsText({ totals, quantities }: Pick<Reconciliation, 'totals' | 'quantities'>): string {
  const { billed, logged, difference } = quantities ?? totals;
  const unit = quantities === null ? '' : ` ${quantities.unit}; the bill states no amounts`;
  return `billed ${billed}, logged ${logged}, difference ${difference}${unit}`;
}

/** Kinds with their sums, and the totals, as lines. Money that a bill does not state is not missing in it. */
export function kindTable(
  { kinds: found, totals, quantities }: Pick<Reconciliation, 'kinds' | 'totals' | 'quantities'>,
  style: Style,
): string[] {
  const money = (sums: { billed: string; logged: string }, difference: string) =>
    quantities === null ? [sums.billed, sums.logged, difference] : [sums.logged];
  const present = kinds.flatMap((kind) => {
    const sums = found[kind];
    return sums === undefined ? [] : [{ kind, sums }];
  });
  const rows = present.map(({ kind, sums }) => [
    kind,
    String(sums.count),
    ...money(sums, differenceOf(sums)),
    kindMeanings[kind],
  ]);
  const beside = present.some(({ kind }) => kind === 'outside_month' || kind === 'duplicate_line');
  rows.push([
    'total',
    '',
    ...money(totals, totals.difference),
    beside ? 'without outside_month and duplicate_line' : '',
  ]);
  const colorOf = (row: number) => {
    const kind = present[row]?.kind;
    return kind === undefined ? style.bold : kindColor(kind, style);
  };
  const sums = quantities === null ? ['billed', 'logged', 'difference'] : ['our cost'];
  const head = ['kind', 'count', ...sums, 'meaning'];
  return textTable(
    rows,
    { head, left: ['kind', 'meaning'], color: (line, row) => colorOf(row)(line) },
    style,
  );
}

const kindColor = (kind: Kind, style: Style) =>
  isDiscrepancy(kind) ? style.yellow : kind === 'matched' ? style.green : (text: string) => text;

export const exportLines = ({ exports }: Pick<Reconciliation, 'exports'>, style: Style): string[] =>
  exports.map(({ source, lines, sha256 }) =>
    style.dim(`${source}: ${lines} lines, sha256 ${sha256.slice(0, 12)}…`),
  );

/** What is missing of the bill, and how the month's use becomes the month's invoice, where the bill says. */
export function billLines({ leftOut, invoice }: Bill, style: Style): string[] {
  return [
    ...(leftOut === null ? [] : [style.yellow(`missing in all sums: ${leftOutWords(leftOut)}`)]),
    ...(invoice === null
      ? []
      : [
          style.dim(
            `invoice of the month: ${invoice.billed} = ${invoice.use} of the month` +
              ` + ${invoice.ofOtherMonths} of other months - ${invoice.onOtherInvoices} on other invoices`,
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
    `${day.calls.provider} calls for ${day.cost.provider}, fetched ${day.calls.fetched} for ${day.cost.fetched}`;
  if (agrees) {
    return [style.dim(`control: VAPI counts ${calls.provider} calls for ${cost.provider}, as fetched`)];
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
