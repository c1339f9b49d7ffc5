import type { Column, Row, Style } from '../context.ts';
import { DecimalSum } from '../files/decimal-sum.ts';
import { isDiscrepancy, type Kind, kindMeanings, kinds } from '../reconcile/kinds.ts';
import type { Reconciliation } from '../reconcile/reconcile-month.ts';

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
    return sums === undefined ? [] : [{ provider, month, kind, ...sums, difference: difference(sums) }];
  });

/** Billed − logged. */
function difference({ billed, logged }: { billed: string; logged: string }): string {
  const sum = new DecimalSum();
  sum.add(billed);
  sum.add(logged.startsWith('-') ? logged.slice(1) : `-${logged}`);
  return sum.toString();
}

/** The month for a person: its kinds with what they mean, its totals, its exports, what to do next. */
export function reconciliationText(data: Reconciliation, style: Style): string {
  const { provider, month, totals } = data;
  const open = kinds.filter((kind) => isDiscrepancy(kind) && data.kinds[kind] !== undefined);
  return [
    style.bold(`${provider} ${month}`),
    '',
    ...kindTable(data, style),
    '',
    ...data.exports.map(({ source, lines, sha256 }) =>
      style.dim(`${source}: ${lines} lines, sha256 ${sha256.slice(0, 12)}…`),
    ),
    ...nextSteps(data, open, style),
    ...(data.dryRun ? [style.dim('Dry run: nothing was changed.')] : []),
    `${style.bold(`billed ${totals.billed}`)}, logged ${totals.logged}, difference ${totals.difference}`,
  ].join('\n');
}

function kindTable({ kinds: found, totals }: Reconciliation, style: Style): string[] {
  const head = ['kind', 'count', 'billed', 'logged', 'difference', ''];
  const rows = kinds.flatMap((kind) => {
    const sums = found[kind];
    if (sums === undefined) {
      return [];
    }
    const cells = [kind, String(sums.count), sums.billed, sums.logged, difference(sums), kindMeanings[kind]];
    return [{ kind, cells }];
  });
  const foot = [
    'total',
    '',
    totals.billed,
    totals.logged,
    totals.difference,
    'without outside_month, duplicate_line',
  ];
  const all = [head, ...rows.map(({ cells }) => cells), foot];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column === cells.length - 1 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [
    style.dim(line(head)),
    ...rows.map(({ kind, cells }) => colorOf(kind, style)(line(cells))),
    style.bold(line(foot)),
  ];
}

const colorOf = (kind: Kind, style: Style) =>
  isDiscrepancy(kind) ? style.yellow : kind === 'matched' ? style.green : (text: string) => text;

function nextSteps({ provider, month }: Reconciliation, open: readonly Kind[], style: Style): string[] {
  if (open.length === 0) {
    return [style.green('Everything that was billed was logged, and the other way round.')];
  }
  return [
    `Look at the calls: quota reconcile show --provider ${provider} --month ${month} --kind ${open.at(-1)}`,
  ];
}
