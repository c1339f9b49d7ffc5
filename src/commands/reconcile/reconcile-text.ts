import type { Column, Row, Style } from '../../context.ts';
import { leftOutWords } from '../../reconcile/exports/left-out.ts';
import type { Bill } from '../../reconcile/match/bill-store.ts';
import type { Differences } from '../../reconcile/match/claim.ts';
import { differenceOf } from '../../reconcile/match/difference.ts';
import { type DifferenceStep, differenceSteps } from '../../reconcile/match/difference-steps.ts';
import { isDiscrepancy, type Kind, kindMeanings, kinds } from '../../reconcile/match/kinds.ts';
import type { ExpectedCost } from '../../reconcile/match/rate-store.ts';
import type { Reconciliation } from '../../reconcile/months/reconcile-month.ts';
import { type HeadlineMonth, headline } from '../../reconcile/report/headline.ts';
import { rateSentence } from '../../reconcile/report/rate-words.ts';
import { foldText } from '../../text/fold-text.ts';
import { amountColumn, isZero, roundedSign, scaleMax } from '../../values/amount.ts';
import { textTable } from './text-table.ts';

export const kindColumns: readonly Column[] = [
  { key: 'provider' },
  { key: 'month' },
  { key: 'kind' },
  { key: 'count', align: 'right' },
  { key: 'billed', align: 'right' },
  { key: 'logged', align: 'right' },
  { key: 'difference', align: 'right' },
  { key: 'currency' },
  { key: 'overBilled', align: 'right' },
  { key: 'underBilled', align: 'right' },
];

type Money = Pick<Reconciliation, 'provider' | 'month' | 'kinds' | 'currency' | 'differences'>;

/** One row per kind that there is, in the order in which they are decided. Where nothing differs, nothing is over-billed. */
export const kindRows = ({ provider, month, kinds: found, currency, differences }: Money): Row[] =>
  kinds.flatMap((kind) => {
    const sums = found[kind];
    const sides = differences?.kinds[kind];
    return sums === undefined
      ? []
      : [
          {
            ...{ provider, month, kind, ...sums, difference: differenceOf(sums), currency: currency ?? '' },
            overBilled: sides?.overBilled ?? '',
            underBilled: sides?.underBilled ?? '',
          },
        ];
  });

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

const stepWords: Readonly<Record<DifferenceStep['what'], string>> = {
  'over-billed': 'over-billed',
  'under-billed': 'under-billed',
  'not-compared': 'of which one side states no cost',
  fees: 'fees and credits',
  matched: 'in what agrees',
  'billed-again': 'billed before, over-billed but not of this month',
};

/** How over-billed and under-billed come to the difference. */
export function differenceLines(
  { kinds: found, differences, quantities }: Pick<Reconciliation, 'kinds' | 'differences' | 'quantities'>,
  style: Style,
): string[] {
  if (differences === null || quantities !== null) {
    return [];
  }
  const steps = differenceSteps({ kinds: found, differences });
  const amounts = amountColumn(steps.map(({ amount }) => amount));
  const words = steps.map(({ what }, place) => `${amounts[place]} ${stepWords[what]}`);
  return foldText(`the difference: ${words.join(', ')}`, 0, style, style.dim);
}

const discrepancyCount = ({ kinds: found }: Pick<Reconciliation, 'kinds'>) =>
  kinds.filter(isDiscrepancy).reduce((sum, kind) => sum + (found[kind]?.count ?? 0), 0);

/** What to claim back and how sure that is: a sentence a line, the first of them in bold. */
export const headlineLines = (month: HeadlineMonth, style: Style): string[] =>
  headline(month).flatMap((sentence, place) =>
    foldText(sentence, 0, style, place === 0 ? style.bold : undefined),
  );

/** Says that something above was rounded, where it was. */
export const roundingNote = (lines: readonly string[], style: Style): string[] =>
  lines.some((line) => line.includes(roundedSign))
    ? [
        '',
        style.dim(
          `${roundedSign} rounded to ${scaleMax} digits after the point; --output json and csv have all of them`,
        ),
      ]
    : [];

/** What the month comes to; of a bill that states no amounts in what it states instead. */
export function sumsText({
  totals,
  quantities,
  currency,
}: Pick<Reconciliation, 'totals' | 'quantities' | 'currency'>): string {
  const { billed, logged, difference } = quantities ?? totals;
  const [one, other, apart] =
    quantities === null ? amountColumn([billed, logged, difference]) : [billed, logged, difference];
  const money = currency === null ? '' : ` ${currency}`;
  const unit = quantities === null ? money : ` ${quantities.unit}; the bill states no amounts`;
  return `billed ${one}, logged ${other}, difference ${apart}${unit}`;
}

type KindTableData = Pick<Reconciliation, 'kinds' | 'totals' | 'quantities' | 'currency' | 'differences'>;

/** Kinds with their sums, and the totals, as lines. Money that a bill does not state is not missing in it. */
export function kindTable(data: KindTableData, style: Style): string[] {
  const { kinds: found, totals, quantities, differences } = data;
  const present = kinds.flatMap((kind) => {
    const sums = found[kind];
    return sums === undefined ? [] : [{ kind, sums }];
  });
  const beside = present.some(({ kind }) => kind === 'outside_month' || kind === 'duplicate_line');
  const money = moneyColumnsOf(
    quantities !== null,
    [
      ...present.map(({ kind, sums }) => ({ ...sums, ...differences?.kinds[kind] })),
      { ...totals, overBilled: differences?.overBilled, underBilled: differences?.underBilled },
    ],
    data.currency,
  );
  const rows = [
    ...present.map(({ kind, sums }, row) => [
      kind,
      String(sums.count),
      ...money.cells(row),
      kindMeanings[kind],
    ]),
    ['total', '', ...money.cells(present.length), beside ? totalNote(differences) : ''],
  ];
  const colorOf = (row: number) => {
    const kind = present[row]?.kind;
    return kind === undefined ? style.bold : kindColor(kind, style);
  };
  const head = ['kind', 'count', ...money.head, 'meaning'];
  const color = (line: string, row: number) => colorOf(row)(line);
  return textTable(rows, { head, left: ['kind', 'meaning'], color, dispensable: 'meaning' }, style);
}

const totalNote = (differences: Differences | null) =>
  differences === null || isZero(differences.overBilled)
    ? 'without outside_month and duplicate_line'
    : 'without outside_month and duplicate_line, which is over-billed all the same';

interface MoneyRow {
  billed: string;
  logged: string;
  overBilled?: string | undefined;
  underBilled?: string | undefined;
}

/** Each column with its amounts' points under one another; the currency stands in the head. */
function moneyColumnsOf(isWithoutAmounts: boolean, rows: readonly MoneyRow[], currency: string | null) {
  const unit = currency === null ? '' : ` ${currency}`;
  const logged = amountColumn(rows.map((row) => row.logged));
  const columns = isWithoutAmounts
    ? [{ title: 'our cost', cells: logged }]
    : [
        { title: `billed${unit}`, cells: amountColumn(rows.map(({ billed }) => billed)) },
        { title: `logged${unit}`, cells: logged },
        { title: 'difference', cells: amountColumn(rows.map(differenceOf)) },
        { title: 'over-billed', cells: amountColumn(rows.map(({ overBilled }) => overBilled ?? '')) },
        { title: 'under-billed', cells: amountColumn(rows.map(({ underBilled }) => underBilled ?? '')) },
      ];
  return {
    head: columns.map(({ title }) => title),
    cells: (row: number) => columns.map(({ cells }) => cells[row] ?? ''),
  };
}

const kindColor = (kind: Kind, style: Style) =>
  isDiscrepancy(kind) ? style.yellow : kind === 'matched' ? style.green : (text: string) => text;

export const exportLines = ({ exports }: Pick<Reconciliation, 'exports'>, style: Style): string[] =>
  exports.map(({ source, lines, sha256 }) =>
    style.dim(`${source}: ${lines} lines, sha256 ${sha256.slice(0, 12)}…`),
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
