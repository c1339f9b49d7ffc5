import { quoted } from '../expression.ts';
import { joined } from './column-value.ts';
import type { SurveyedColumn, SurveyedTable } from './survey-store.ts';
import { columnWords, type Meaning, plainName, serviceWords } from './words.ts';

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

/** What one row of a table is called: of `learners` a `learner`. */
const singular = (plain: string) => plain.replace(/ies$/, 'y').replace(/(ss|us)$|s$/, '$1');

/** Whether a column leads to a table: by a foreign key, else by its name. */
const leadsTo = (column: SurveyedColumn, { relation, plain }: ReadTable): boolean =>
  column.references === null
    ? new RegExp(`^${singular(plain)}(_?(id|uuid|uid|ref|key|code|no|number))?$`).test(plainName(column.name))
    : column.references.relation === relation;

/** Whose the rows of a table are, as it says by itself: by a name, by what leads to the users. */
function ownOwner(table: ReadTable, users: ReadTable): SurveyedColumn | undefined {
  const { columns, foreignKeys, found } = table;
  if (found.user !== undefined) {
    return found.user;
  }
  const led = columns.find((column) => column.sql === undefined && leadsTo(column, users));
  const key = foreignKeys.find(({ relation }) => relation === users.relation);
  return (
    led ??
    (key && {
      name: key.columns.join(' '),
      type: 'text',
      sql: joined('r', key.columns),
      isNullable: true,
      references: null,
      tells: key.theirs,
    })
  );
}

/** Whose the row is that a row belongs to: of messages that of their conversation. */
function parentsOwner(
  { relation, foreignKeys }: ReadTable,
  tables: readonly ReadTable[],
  users: ReadTable,
): SurveyedColumn | undefined {
  for (const key of foreignKeys) {
    const parent = tables.find((one) => one.relation === key.relation && one.relation !== relation);
    const owner = parent && parent !== users ? ownOwner(parent, users) : undefined;
    if (owner !== undefined) {
      const pairs = key.columns.map(
        (column, index) => `p.${quoted(key.theirs[index] ?? '')} = r.${quoted(column)}`,
      );
      return {
        ...owner,
        sql: `(select ${(owner.sql ?? joined('r', [owner.name])).replaceAll('r."', 'p."')} from ${key.relation} p where ${pairs.join(' and ')})`,
        isNullable: true,
      };
    }
  }
  return undefined;
}

/** Whose the rows of tables are, where no name says so: it leads to the users, or belongs to a row that does. */
export const withOwners = (tables: readonly ReadTable[], users: ReadTable | undefined): ReadTable[] =>
  tables.map((table) => {
    const owner =
      users === undefined || table.relation === users.relation
        ? table.found.user
        : (ownOwner(table, users) ?? parentsOwner(table, tables, users));
    const user = owner ?? table.found.tenant;
    return user === undefined ? table : { ...table, found: { ...table.found, user } };
  });

/** @throws Error of what was taken for something that it is not */
function present({ relation }: ReadTable, column: SurveyedColumn | undefined, what: string): SurveyedColumn {
  if (column === undefined) {
    throw new Error(`${relation} was taken for what it is without ${what}`);
  }
  return column;
}

/** When a call began, or at least was written down. */
export const startOf = (table: ReadTable): SurveyedColumn =>
  present(table, table.found.started_at ?? table.found.made_at, 'a time');

/** Whose a row is. */
export const userOf = (table: ReadTable): SurveyedColumn => present(table, table.found.user, 'a user');

/** Names of tables that count, warn or describe, and hold no calls. */
const noCalls =
  /quota|limit|alert|warn|notif|plan|summary|summaries|analytic|daily|monthly|stats|report|audit|migration|session_tokens?|queue|concurrent|webhook/;

/** How much a table looks like one of calls; 0: not at all. */
export function callScore({ plain, found, key }: ReadTable, users: readonly ReadTable[]): number {
  const isOwned = found.user !== undefined || found.assistant !== undefined;
  const isUsers = users.some((one) => one.plain === plain);
  if (
    !isOwned ||
    isUsers ||
    (found.started_at === undefined && found.made_at === undefined) ||
    noCalls.test(plain)
  ) {
    return 0;
  }
  const told = [
    found.duration,
    found.ended_at,
    found.provider_call_id,
    found.model,
    found.status,
    found.cost,
    found.file_size,
  ];
  const known = told.filter((one) => one !== undefined).length;
  const isMeasured =
    found.duration !== undefined ||
    found.ended_at !== undefined ||
    found.model !== undefined ||
    found.messages !== undefined;
  const isNamed = /call|session|record|usage|log|message|job|transcri|track|stream/.test(plain);
  return isMeasured
    ? known + (found.started_at === undefined ? 0 : 2) + (isNamed ? 2 : 0) + (key.length > 0 ? 1 : 0)
    : 0;
}

/** How much a table looks like that of the users; 0: not at all. */
export function userScore(table: ReadTable, all: readonly ReadTable[]): number {
  const { plain, found } = table;
  if (
    found.started_at !== undefined ||
    found.duration !== undefined ||
    (found.email === undefined && found.signup_at === undefined)
  ) {
    return 0;
  }
  const named =
    /^(app_?)?(users?|profiles?|members?|accounts?|customers?|people|persons?|subscribers?|clients?)$/.test(
      plain,
    )
      ? 3
      : 0;
  const pointedAt = all.filter(
    (other) =>
      other.relation !== table.relation &&
      (other.columns.some((column) => leadsTo(column, table)) ||
        other.foreignKeys.some(({ relation }) => relation === table.relation)),
  ).length;
  const score =
    named +
    (found.email === undefined ? 0 : 2) +
    (found.signup_at === undefined ? 0 : 1) +
    Math.min(pointedAt, 3);
  return named > 0 || (found.email !== undefined && pointedAt > 0) ? score : 0;
}

/** Assistants: an id at the provider, an owner, and no times of their own. */
export const isAssistants = ({ plain, found }: ReadTable): boolean =>
  /assistant|agent|bot/.test(plain) &&
  found.provider_assistant_id !== undefined &&
  found.user !== undefined &&
  found.duration === undefined &&
  found.started_at === undefined;

/** A counter by user, perhaps by month. */
export const isCounter = ({ found, plain }: ReadTable): boolean =>
  found.user !== undefined &&
  found.duration === undefined &&
  found.started_at === undefined &&
  !/alert|warn|notif/.test(plain) &&
  [
    found.used_seconds,
    found.used_minutes,
    found.used_messages,
    found.used_premium,
    found.limit_seconds,
    found.limit_minutes,
    found.limit_cost,
    found.limit_value,
  ].some((one) => one !== undefined);

/** Jobs that run at the moment. */
export const isJobs = ({ plain, found }: ReadTable): boolean =>
  /concurrent|running|in_progress|active_jobs|processing|leases?$/.test(plain) &&
  found.user !== undefined &&
  (found.started_at ?? found.made_at) !== undefined;

export const isAlerts = ({ plain, found }: ReadTable): boolean =>
  /alert|warn|notif/.test(plain) &&
  found.user !== undefined &&
  found.threshold !== undefined &&
  (found.read_at ?? found.is_read) !== undefined;

/** Which service a table is of, by its name and those of its columns; undefined: it cannot be told. */
export function serviceOf(table: ReadTable): (typeof serviceWords)[number] | undefined {
  const names = table.columns.map(({ name }) => plainName(name)).join(' ');
  const scored = serviceWords
    .map((one) => ({
      one,
      score:
        (one.words.test(table.plain) ? 3 : 0) +
        (one.words.test(plainName(table.schema)) ? 1 : 0) +
        (names.match(new RegExp(one.words.source, 'g'))?.length ?? 0) +
        (one.service === 'chat' && table.found.model !== undefined && table.found.duration === undefined
          ? 4
          : 0) +
        (one.service === 'transcription' && table.found.file_size !== undefined ? 3 : 0),
    }))
    .sort((a, b) => b.score - a.score);
  const [first] = scored;
  return first !== undefined && first.score > 0 ? first.one : undefined;
}
