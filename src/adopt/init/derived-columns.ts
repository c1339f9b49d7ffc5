import type pg from 'pg';
import { literal } from '../expression.ts';
import { sqlOf } from './column-value.ts';
import {
  type JsonField,
  type SurveyedColumn,
  type SurveyedTable,
  selectJsonFields,
  selectShape,
} from './survey-store.ts';
import { columnWords, type Meaning, plainName } from './words.ts';

const instants: readonly Meaning[] = [
  'started_at',
  'made_at',
  'ended_at',
  'signup_at',
  'exhausted_at',
  'expires_at',
];

/** From 2000 to 2200, in seconds since 1970. */
const [secondsMin, secondsMax] = [946_684_800, 7_258_118_400];

const isWhole = ({ type }: SurveyedColumn) => /^(integer|bigint|numeric|double precision)$/.test(type);
const isText = ({ type }: SurveyedColumn) => /^(text|character)/.test(type);

/** Its name without what says in which notation the instant is: `joined_ms` is `joined`. */
const withoutNotation = (name: string): string =>
  plainName(name).replace(/_(ms|millis|us|micros|s|secs?|epoch|unix|ts|utc|iso)$/, '');

/** Units of a second, of a table without rows. */
const unitNamed = (name: string): number | undefined =>
  /_(ms|millis)$/.test(plainName(name))
    ? 1000
    : /_(us|micros)$/.test(plainName(name))
      ? 1_000_000
      : /_(s|secs?|epoch|unix)$/.test(plainName(name))
        ? 1
        : undefined;

const isInstant = (name: string) =>
  instants.some((meaning) => columnWords[meaning].some((pattern) => pattern.test(name)));

/** Seconds, milliseconds or microseconds since 1970, and texts, where names and rows say that they are instants. */
async function instantIn(
  client: pg.ClientBase,
  relation: string,
  column: SurveyedColumn,
): Promise<SurveyedColumn[]> {
  const name = withoutNotation(column.name);
  if (!(isWhole(column) || isText(column)) || column.references !== null || !isInstant(name)) {
    return [];
  }
  const sql = sqlOf(column);
  const shape = await selectShape(client, relation, sql);
  const derived = (type: string, told: string) => [{ ...column, name, type, sql: told, references: null }];
  if (isText(column)) {
    const isZoned = shape.zoned > 0;
    return shape.present > 0 && shape.instants === shape.present
      ? derived(
          isZoned ? 'timestamp with time zone' : 'timestamp without time zone',
          `(${sql})::${isZoned ? 'timestamptz' : 'timestamp'}`,
        )
      : [];
  }
  const { least, greatest } = shape;
  const unit =
    least === null || greatest === null
      ? unitNamed(column.name)
      : [1, 1000, 1_000_000].find((one) => least >= secondsMin * one && greatest <= secondsMax * one);
  return unit === undefined
    ? []
    : derived('timestamp with time zone', `to_timestamp(${sql}${unit === 1 ? '' : ` / ${unit}.0`})`);
}

/** Both ends of a range of time. */
const endsOf = (column: SurveyedColumn): SurveyedColumn[] => {
  const type =
    column.type === 'tstzrange'
      ? 'timestamp with time zone'
      : column.type === 'tsrange'
        ? 'timestamp without time zone'
        : undefined;
  return type === undefined
    ? []
    : (['lower', 'upper'] as const).map((end) => ({
        name: end === 'lower' ? 'started_at' : 'ended_at',
        type,
        sql: `${end}(${sqlOf(column)})`,
        isNullable: end === 'upper',
        references: null,
      }));
};

/** A text that is read from JSON, as the type that its words are of. */
async function typedField(
  client: pg.ClientBase,
  relation: string,
  { name, type }: JsonField,
  json: string,
): Promise<SurveyedColumn> {
  const text = `${json} ->> ${literal(name)}`;
  const { present, numbers } = await selectShape(client, relation, text);
  const isNumber = type === 'number' || (type === 'string' && present > 0 && numbers === present);
  const read = { name, isNullable: true, references: null };
  return isNumber
    ? { ...read, type: 'numeric', sql: `(${text})::numeric` }
    : type === 'boolean'
      ? { ...read, type: 'boolean', sql: `(${text})::boolean` }
      : { ...read, type: 'text', sql: `(${text})` };
}

async function fieldsIn(
  client: pg.ClientBase,
  relation: string,
  column: SurveyedColumn,
): Promise<SurveyedColumn[]> {
  const { type } = column;
  if (type !== 'json' && type !== 'jsonb') {
    return [];
  }
  const derived: SurveyedColumn[] = [];
  for (const field of await selectJsonFields(client, relation, sqlOf(column), type)) {
    const typed = await typedField(client, relation, field, sqlOf(column));
    derived.push(typed, ...(await instantIn(client, relation, typed)));
  }
  return derived;
}

/** An address of email under another name is one all the same, where nothing else is called so. */
async function addressIn(
  client: pg.ClientBase,
  { relation, columns }: SurveyedTable,
): Promise<SurveyedColumn[]> {
  if (columns.some(({ name }) => columnWords.email.some((pattern) => pattern.test(plainName(name))))) {
    return [];
  }
  for (const column of columns.filter((one) => isText(one) || one.type === 'citext')) {
    const { present, addresses } = await selectShape(client, relation, sqlOf(column));
    if (present > 0 && addresses > 0.9 * present) {
      return [{ ...column, means: 'email' }];
    }
  }
  return [];
}

/**
 * What stands within the columns of a table, as if it were columns of its own: instants as numbers or texts, the ends of
 * ranges, what JSON tells by names, addresses that are not called so.
 */
export async function deriveColumns(client: pg.ClientBase, table: SurveyedTable): Promise<SurveyedTable> {
  const derived: SurveyedColumn[] = [];
  for (const column of table.columns) {
    derived.push(
      ...(await instantIn(client, table.relation, column)),
      ...endsOf(column),
      ...(await fieldsIn(client, table.relation, column)),
    );
  }
  derived.push(...(await addressIn(client, table)));
  return { ...table, columns: [...table.columns, ...derived] };
}
