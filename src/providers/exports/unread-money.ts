import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { normaliseName } from '../../files/nearest-name.ts';
import { parseDecimal } from '../../values/decimal.ts';
import { sameDecimal } from '../../values/decimal-math.ts';
import { type GenericColumn, genericColumns } from './generic-columns.ts';
import { isAmount, type ReadingGuess } from './guess-reading.ts';
import { isMoneyName, type Shape } from './shape.ts';

/** Further words for what was charged, which are too common to tell one format from another. */
const chargeWords = new RegExp(
  '^(?:line|sub|grand)?total|total(?:e|es|aal)?$|^(?:net|gross|value|debit|bill|credits?|tax|vat|mwst|iva|tva)$' +
    '|(?:betrag|preis|kosten|summe|geb(?:ü|ue)hr(?:en)?|honorar|gesamt|wert)$|credits?used$' +
    '|^(?:valor|importo|importe|custo|pre[çc]o|tarifa?|fiyat|tutar|[üu]cret|maliyet|biaya|harga)' +
    '|^(?:bedrag|bel(?:o|ø)pp?|beløb|pris|kostnad|hinta|kwota|cena|koszt|n(?:á|a)klady|[öo]sszeg|[áa]r)$' +
    '|стоимость|цена|сумма|ціна|вартість|金[额額]|費用|费用|料金|[价価]格|비용|금액|요금',
  'u',
);
/** What is measured in numbers with a fraction, too. */
const measureWords =
  /second|minute|hour|time|date|created|start|begin|end|stamp|ms$|laten|delay|wait|offset|score|rating|ratio|percent|pct|confid|quality|speed|version|temperature|^mos|^lat$|^lon|^lng|size|byte|id$/;

const knownMembers: ReadonlySet<string> = new Set(
  genericColumns
    .flatMap((column): readonly string[] => [column.name, ...('aliases' in column ? column.aliases : [])])
    .map(normaliseName),
);

const isCalledMoney = (name: string): boolean => isMoneyName(name) || chargeWords.test(normaliseName(name));

/** The values of a column in the first rows, or of a member in the first record that has it. */
function valuesOf(shape: Shape, name: string): string[] {
  const at = shape.kind === 'csv' ? shape.names.indexOf(name) : -1;
  const values =
    shape.kind === 'csv' ? shape.rows.map((row) => row[at] ?? '') : [shape.members.get(name) ?? ''];
  return values.map((value) => value.trim()).filter((value) => value !== '');
}

const hasFraction = (value: string): boolean => /\d[.,]\d*[1-9]/.test(value) || /[$€£¥]/.test(value);

/** Where no column is known for what calls cost: the first that seems to be that, by its name or by its values. */
export function unreadMoney(
  shape: Shape,
  unknown: readonly string[],
  { columns }: ReadingGuess,
  ignored: ReadonlySet<string>,
): string | undefined {
  const isMeasure = (name: string) =>
    measureWords.test(normaliseName(name)) ||
    columns.some((column) => column.name === name && !['cost', 'quantity', null].includes(column.ours));
  const names =
    shape.kind === 'csv'
      ? unknown
      : [...shape.members.keys()].filter((path) => !path.includes('.') && !isKnown(path));
  const isFree = (name: string) => columns.some((column) => column.name === name);
  const candidates = names.filter((name) => isFree(name) && !ignored.has(name.toLowerCase()));
  const isMoney = (name: string, isLike: (values: string[]) => boolean) => {
    const values = valuesOf(shape, name);
    return values.every(isAmount) && isLike(values);
  };
  return (
    candidates.find((name) => isMoneyName(name) && isMoney(name, () => true)) ??
    candidates.find((name) => isCalledMoney(name) && isMoney(name, (values) => values.length > 0)) ??
    candidates.find((name) => !isMeasure(name) && isMoney(name, (values) => values.some(hasFraction)))
  );
}

const isKnown = (name: string): boolean => knownMembers.has(normaliseName(name));

/** A member inside another that is mapped, or seems to be what calls cost where nothing else is: it cannot be read. */
export function nestedMember(
  shape: Shape,
  mapping: readonly string[],
  statesCosts: boolean,
  ignored: ReadonlySet<string>,
): { path: string; ours: GenericColumn | string } | undefined {
  if (shape.kind === 'csv') {
    return undefined;
  }
  for (const pair of mapping) {
    const path = pair.slice(0, pair.lastIndexOf('=')).trim();
    if (path.includes('.') && shape.members.has(path)) {
      return { path, ours: pair.slice(pair.lastIndexOf('=') + 1).trim() };
    }
  }
  const isLeftOut = (path: string) =>
    path.split('.').some((_, at, parts) =>
      ignored.has(
        parts
          .slice(0, at + 1)
          .join('.')
          .toLowerCase(),
      ),
    );
  const path = [...shape.members].find(
    ([name, value]) =>
      name.includes('.') &&
      isMoneyName(name.slice(name.lastIndexOf('.') + 1)) &&
      isAmount(value) &&
      !isLeftOut(name),
  )?.[0];
  return statesCosts || path === undefined ? undefined : { path, ours: 'cost' };
}

/** How a member inside another is lifted to where it can be read. */
export function lifting(input: Input, { path, ours }: { path: string; ours: string }): string {
  const list = input.list === undefined ? '' : `.${input.list.path}[] | `;
  const records = list === '' && /^\s*\[/.test(input.sample) ? '.[] | ' : list;
  return `lift it out: jq -c '${records}.${ours} = .${path}' FILE | quota … -; or leave it out: --map "${path}="`;
}

/** Says of further columns of money that they are not read, where they say something else than what is. */
export function tellFurtherMoney(
  shape: Shape,
  { cost, title }: { cost: number; title: string },
  unread: readonly string[],
  notice: (text: string) => void,
): void {
  if (shape.kind === 'json' || cost === -1) {
    return;
  }
  for (const name of unread.filter(isCalledMoney)) {
    const at = shape.names.indexOf(name);
    const isCharged = (value: string) => /[1-9]/.test(value);
    const rows = shape.rows.map((row) => [row[at]?.trim() ?? '', row[cost]?.trim() ?? ''] as const);
    const amounts = rows.filter(([value]) => value !== '');
    if (
      amounts.every(([value]) => isAmount(value)) &&
      amounts.some(([value, read]) => isCharged(value) && !isSame(value, read))
    ) {
      notice(
        `the column ${quoted(name)} looks like money, too, and is not read: costs are those of ${quoted(title)}; ` +
          `--map "${name}=cost" reads it instead, --map "${name}=" says that it is left out`,
      );
    }
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [parseDecimal(one), parseDecimal(other)];
  return a === null || b === null ? one === other : sameDecimal(a, b);
}
