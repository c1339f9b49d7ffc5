import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openTable, parseMapping, splitIgnored, type Table } from '../../files/table-rows.ts';
import { type BillingLine, isNegative } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { type GenericColumn, genericColumns } from './generic-columns.ts';
import { genericLine } from './generic-line.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { hasAnyOf, requireColumns } from './require-columns.ts';
import { shapeOf } from './shape.ts';
import { tellFurtherMoney } from './unread-money.ts';

/** Any CSV with a header, such as the dashboards' own exports, whose columns are undocumented and change; JSON alike. */
export const genericCsv: ExportReader = {
  format: 'csv',
  title: 'any CSV or JSON of calls; name its columns with --map',
  provider: null,
  statesMoney: true,
  recognises: (shape, provider) =>
    shape.kind === 'csv' ||
    hasAnyOf(shape, 'id', 'assistant_id', 'day') ||
    (provider !== null && shape.members.size === 0),
  lines: readAny,
};

async function* readAny(
  input: Input,
  settings: ReaderSettings,
): AsyncGenerator<BillingLine[], void, undefined> {
  const { pairs, ignored } = splitIgnored(settings.mapping);
  const shape = shapeOf(input);
  const table = openTable(input, genericColumns, settings.badLines, parseMapping(pairs, genericColumns));
  const leftOut = new Set([...ignored].map((name) => name.toLowerCase()));
  requireColumns(input, shape, table, settings, leftOut);
  const unread = table.unknown.filter((name) => !leftOut.has('*') && !leftOut.has(name.toLowerCase()));
  tellFurtherMoney(shape, { cost: table.columns.cost, title: table.titles.cost }, unread, settings.notice);
  tellGuessedUnit(table, settings);
  const statesDurations =
    table.kind === 'csv'
      ? durationColumns.some((column) => table.columns[column] !== -1)
      : hasAnyOf(shape, ...durationColumns) ||
        settings.mapping.some((pair) => /=(duration|ended)_/.test(pair));
  const lineOf = genericLine(table, settings, statesDurations);
  const lines = linesFromRows(input, table.batches(), settings.badLines, {
    amountColumn: table.titles.cost,
    amountOf: (row) => amountIn(row[table.columns.cost]),
    mayHaveTotals: true,
    read: (row, at, lines) => {
      lines.push(lineOf(row, at.number));
    },
  });
  yield* watchSigns(lines, settings.notice);
}

/** Some providers write what they charge as money that goes out, with a minus: all of it would be given back. */
async function* watchSigns(
  batches: AsyncIterable<BillingLine[]>,
  notice: (text: string) => void,
): AsyncGenerator<BillingLine[], void, undefined> {
  let credits = 0;
  let hasCharge = false;
  for await (const lines of batches) {
    if (!hasCharge) {
      credits += lines.filter(({ cost }) => isNegative(cost)).length;
      hasCharge = lines.some(({ cost }) => cost !== null && /[1-9]/.test(cost) && !isNegative(cost));
    }
    yield lines;
  }
  if (credits > 0 && !hasCharge) {
    notice(
      `all ${credits} amounts are below zero, and are read as given back; if this provider writes what it charges with a ` +
        'minus, take the minus off',
    );
  }
}

const durationColumns = ['duration_seconds', 'duration_minutes', 'duration_ms', 'ended_at'] as const;

function tellGuessedUnit(
  { kind, titles, columns }: Table<GenericColumn>,
  { mapping, notice }: ReaderSettings,
): void {
  const title = titles.duration_seconds;
  const isMapped = mapping.some((pair) => pair.endsWith('=duration_seconds'));
  if (kind === 'csv' && columns.duration_seconds !== -1 && !isMapped && /^duration$/i.test(title)) {
    notice(`the column ${quoted(title)} is read as seconds; if it is not: --map "${title}=duration_minutes"`);
  }
}
