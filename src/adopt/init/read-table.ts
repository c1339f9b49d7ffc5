import type { SurveyedColumn, SurveyedTable } from './survey-store.ts';
import { columnWords, type Meaning, plainName } from './words.ts';

/** A table with what its columns seem to mean: the surest of each meaning. */
export interface ReadTable extends SurveyedTable {
  /** Its name as words. */
  plain: string;
  found: Partial<Record<Meaning, SurveyedColumn>>;
}

const isTime = ({ type }: SurveyedColumn) => type.startsWith('timestamp') || type === 'date';
const isNumber = ({ type }: SurveyedColumn) =>
  /^(smallint|integer|bigint|numeric|real|double precision|money)$/.test(type);
const isText = ({ type }: SurveyedColumn) => /^(text|character|citext|uuid)|^"char"$/.test(type);
const isFlag = ({ type }: SurveyedColumn) => type === 'boolean';

/** What a column of a meaning can be made of; others may be anything. */
const fits: Partial<Record<Meaning, (column: SurveyedColumn) => boolean>> = {
  started_at: isTime,
  made_at: isTime,
  ended_at: isTime,
  signup_at: isTime,
  exhausted_at: isTime,
  enforced_at: isTime,
  last_reset: isTime,
  read_at: isTime,
  expires_at: isTime,
  duration: (column) => isNumber(column) || column.type === 'interval' || isText(column),
  cost: isNumber,
  messages: isNumber,
  words_spoken: isNumber,
  file_size: isNumber,
  used_seconds: isNumber,
  used_minutes: isNumber,
  used_messages: isNumber,
  used_premium: isNumber,
  used_cost: isNumber,
  session_count: isNumber,
  limit_seconds: isNumber,
  limit_minutes: isNumber,
  limit_cost: isNumber,
  limit_value: isNumber,
  threshold: isNumber,
  exhausted: isFlag,
  is_read: isFlag,
  deleted: (column) => isTime(column) || isFlag(column),
  email: isText,
  name: isText,
  timezone: isText,
  model: isText,
  kind: (column) =>
    (isText(column) && column.type !== 'uuid') ||
    (!isText(column) && !isNumber(column) && !isTime(column) && !isFlag(column)),
  error_message: isText,
  failed: isFlag,
  succeeded: isFlag,
  status: (column) => !isFlag(column) && !isTime(column),
};

/** What is read of a row, and never written: it may stand within a column. */
const readOnly: ReadonlySet<Meaning> = new Set<Meaning>([
  'started_at',
  'made_at',
  'ended_at',
  'duration',
  'provider_call_id',
  'status',
  'failed',
  'succeeded',
  'cost',
  'model',
  'messages',
  'words_spoken',
  'file_size',
  'error_message',
  'deleted',
  'kind',
  'email',
  'name',
  'signup_at',
  'timezone',
  'plan',
]);

/** Those of a meaning, the surest first; what stands within a column comes after the columns. */
const candidatesOf = ({ columns }: SurveyedTable, meaning: Meaning): SurveyedColumn[] =>
  columns
    .filter(
      (column) => (fits[meaning]?.(column) ?? true) && (column.sql === undefined || readOnly.has(meaning)),
    )
    .map((column) => ({
      column,
      rank: columnWords[meaning].findIndex((pattern) => pattern.test(plainName(column.means ?? column.name))),
    }))
    .filter(({ rank }) => rank >= 0)
    .sort(
      (a, b) => Number(a.column.sql !== undefined) - Number(b.column.sql !== undefined) || a.rank - b.rank,
    )
    .map(({ column }) => column);

/** Reads what the columns of a table mean from their names and types. */
export function readTable(table: SurveyedTable): ReadTable {
  const found: ReadTable['found'] = {};
  for (const meaning of Object.keys(columnWords) as Meaning[]) {
    const [first] = candidatesOf(table, meaning);
    if (first !== undefined) {
      found[meaning] = first;
    }
  }
  const spans = table.columns.filter(({ type }) => type === 'interval');
  if (found.duration === undefined && spans.length === 1 && spans[0] !== undefined) {
    found.duration = spans[0];
  }
  // What is used in a month is no length of a call.
  const counted = [found.used_seconds, found.used_minutes];
  if (found.month !== undefined && found.duration !== undefined && counted.includes(found.duration)) {
    delete found.duration;
  }
  return { ...table, plain: plainName(table.name), found };
}

/**
 * Tells the id of a call from that of an assistant, where a name may be either: calls have one each.
 * @param isOnePerRow whether nearly all rows have another value
 */
export async function settleIds(
  table: ReadTable,
  isOnePerRow: (column: SurveyedColumn) => Promise<boolean>,
): Promise<ReadTable> {
  const { provider_call_id, assistant, ...found } = table.found;
  if (provider_call_id === undefined || provider_call_id.name !== assistant?.name) {
    return table;
  }
  const isCall = await isOnePerRow(assistant);
  const meaning = isCall ? 'assistant' : 'provider_call_id';
  const other = candidatesOf(table, meaning).find(({ name }) => name !== assistant.name);
  return {
    ...table,
    found: {
      ...found,
      [isCall ? 'provider_call_id' : 'assistant']: assistant,
      ...(other !== undefined && { [meaning]: other }),
    },
  };
}
