import type { Style } from '../context.ts';
import { wordsOfName } from '../values/counted.ts';
import { plainDecimal } from '../values/decimal-math.ts';
import { textTable } from './text-table.ts';
import { whenText } from './time-text.ts';

/** Rows whose members nobody has chosen words for, as people read them. */

type AnyRow = Readonly<Record<string, unknown>>;

/** How far an instant is, yes and no, numbers without needless zeros. */
export function peopleText(value: unknown, now: Date): string {
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  const text = value === null || value === undefined ? '' : String(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text)) {
    return whenText(text, now);
  }
  return /^-?\d+\.\d+$/.test(text) ? plainDecimal(text) : text;
}

const titles: Readonly<Record<string, string>> = { externalId: 'user', isTrue: 'still so' };

/** Rows under their headings, those with other members under their own; columns in which nothing stands are left out. */
export function peopleTable(rows: readonly AnyRow[], now: Date, style: Style): string[] {
  const kinds = new Map<string, AnyRow[]>();
  for (const row of rows) {
    const kind = Object.keys(row).join();
    kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
  }
  return [...kinds.values()].flatMap((kind) => tableOf(kind, now, style));
}

function tableOf(rows: readonly AnyRow[], now: Date, style: Style): string[] {
  const names = Object.keys(rows[0] ?? {}).filter((name) =>
    rows.some((row) => peopleText(row[name], now) !== ''),
  );
  const head = names.map((name) => titles[name] ?? wordsOfName(name));
  const cells = rows.map((row) => names.map((name) => peopleText(row[name], now)));
  return textTable(cells, { head, left: head, dispensable: head.slice(1).reverse() }, style);
}
