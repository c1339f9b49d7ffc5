import type { MappedValue } from './mapped-value.ts';

/** A name as SQL writes it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text as SQL writes it. */
export const literal = (text: string): string =>
  text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;

/** What a value is read from, before its words are translated: an expression over the row `r`. */
export const rawExpression = ({ column, sql, constant }: MappedValue): string =>
  column !== undefined
    ? `r.${quoted(column)}`
    : sql !== undefined
      ? `(${sql}\n)`
      : constant === null || constant === undefined
        ? 'null::text'
        : literal(constant);

/** The words of the app in ours; what has no word of ours stays as it is. */
function translated(expression: string, values: Record<string, string>): string {
  const { '*': others, ...words } = values;
  // By the word: the same mapping is the same SQL, also once the database has kept it, in an order of its own.
  const ordered = Object.entries(words).sort(([one], [other]) => (one < other ? -1 : 1));
  const cases = ordered.map(([word, meaning]) => ` when ${literal(word)} then ${literal(meaning)}`);
  const otherwise = others === undefined ? `(${expression})::text` : literal(others);
  return cases.length === 0 ? otherwise : `case (${expression})::text${cases.join('')} else ${otherwise} end`;
}

/**
 * A value as a field of ours: an expression over the row `r`.
 * @param type of the field
 * @param type given: what the value is by itself, as the catalogue calls it
 */
export function fieldExpression(value: MappedValue, given: string, type: string, timezone: string): string {
  const raw = rawExpression(value);
  if (value.values !== undefined) {
    return `(${translated(raw, value.values)})::${type}`;
  }
  if (type === 'timestamptz' && /^timestamp(?:\(\d\))? without|^date$/.test(given)) {
    return `((${raw})::timestamp at time zone ${literal(value.timezone ?? timezone)})`;
  }
  if (type === 'numeric' && given.startsWith('interval')) {
    return `extract(epoch from (${raw}))::numeric`;
  }
  return `(${raw})::${type}`;
}
