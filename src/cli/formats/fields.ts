import { usageError } from '../../errors.ts';

type Item = Readonly<Record<string, unknown>>;

const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Of data only these fields: of each element of a list; of an object its own, else those of a list in it, so
 * that `--json externalId` of a page is a list of users.
 * @throws usageError for a field that is not there, naming those that are
 */
export function pickFields(data: unknown, fields: readonly string[]): unknown {
  if (fields.length === 0) {
    return data;
  }
  if (Array.isArray(data)) {
    return pickOfEach(data, fields);
  }
  const item = isItem(data) ? data : {};
  if (fields.every((field) => Object.hasOwn(item, field))) {
    return pick(item, fields);
  }
  const lists = Object.values(item).filter(isList);
  const having = lists.filter((elements) => fields.every((field) => keysOf(elements).includes(field)));
  const [list, another] = having.length > 0 ? having : lists.filter((elements) => elements.length === 0);
  if (list === undefined || (having.length > 0 && another !== undefined)) {
    throw unknownField(fields, [...Object.keys(item), ...lists.flatMap(keysOf)]);
  }
  return list.map((element) => pick(element, fields));
}

const isList = (value: unknown): value is readonly Item[] => Array.isArray(value) && value.every(isItem);
const keysOf = (elements: readonly Item[]): string[] => [...new Set(elements.flatMap(Object.keys))];

/**
 * Before something is changed: an empty list says nothing of its fields, so that only what is seen counts.
 * @throws usageError
 */
export function refuseUnknownFields(data: unknown, fields: readonly string[]): void {
  if (fields.length > 0) {
    const picked = pickFields(data, fields);
    if (Array.isArray(picked) && picked.length === 0) {
      throw unknownField(fields, Object.keys(isItem(data) ? data : {}));
    }
  }
}

/** Of one row of many. @throws usageError as `pickFields` */
export function pickRow(row: Item, fields: readonly string[]): Item {
  if (!fields.every((field) => Object.hasOwn(row, field))) {
    throw unknownField(fields, Object.keys(row));
  }
  return fields.length === 0 ? row : pick(row, fields);
}

/** Elements that are no objects are their own value. */
function pickOfEach(list: readonly unknown[], fields: readonly string[]): Item[] {
  const items = list.map((element) => (isItem(element) ? element : { value: element }));
  const known = keysOf(items);
  if (items.length > 0 && !fields.every((field) => known.includes(field))) {
    throw unknownField(fields, known);
  }
  return items.map((item) => pick(item, fields));
}

/** What an element has not is null, so that each has the same fields. */
const pick = (item: Item, fields: readonly string[]): Item =>
  Object.fromEntries(fields.map((field) => [field, Object.hasOwn(item, field) ? item[field] : null]));

function unknownField(fields: readonly string[], known: readonly string[]) {
  const unknown = fields.filter((field) => !known.includes(field));
  const [first] = unknown.length > 0 ? unknown : fields;
  const detail = known.length === 0 ? 'there are none' : `there are: ${[...new Set(known)].join(', ')}`;
  return usageError(
    unknown.length > 0 ? `there is no field "${first}"` : 'these fields do not stand in one place',
    { detail, suggestion: 'what lies deeper, --jq finds' },
  );
}
