import type pg from 'pg';
import { baseOf } from '../table-store.ts';

/** A column of a table of the app, as the catalogue has it. */
export interface SurveyedColumn {
  name: string;
  /** As `format_type` writes it; that which a domain is made of, and of an enum text. */
  type: string;
  /** What it is, where its name does not say so. */
  means?: string;
  /** Over the row `r`, where it is no column by itself: what stands within one. */
  sql?: string;
  isNullable: boolean;
  /** The table and column that a foreign key leads to. */
  references: { relation: string; column: string } | null;
  /** Of whose the row is: the columns by which the users are told. */
  tells?: readonly string[];
}

export interface ForeignKey {
  relation: string;
  columns: string[];
  theirs: string[];
}

export interface SurveyedTable {
  schema: string;
  name: string;
  /** Its name as SQL writes it. */
  relation: string;
  rows: number;
  columns: SurveyedColumn[];
  foreignKeys: ForeignKey[];
  /** The primary key; else a unique index of columns that cannot be null; empty: neither. */
  key: string[];
}

/** Ours, and those that hosts bring along. */
const foreignSchemas =
  '^(quota|quota_adopt|information_schema|pg_.*|auth|storage|realtime|vault|extensions|graphql.*|pgsodium.*|supabase_.*|cron|net|_timescaledb.*|timescaledb_.*)$';

/** The tables that are the app's, with their columns and keys; only those that this login may read. */
export async function selectTables(client: pg.ClientBase, schema: string | null): Promise<SurveyedTable[]> {
  const { rows } = await client.query<SurveyedTable>(
    `select n.nspname as schema, c.relname as name, format('%I.%I', n.nspname, c.relname) as relation,
       greatest(c.reltuples, 0)::float8 as rows,
       (select json_agg(json_build_object('name', a.attname, 'type', case when b.typtype = 'e' then 'text'
             when b.typname = 'citext' then 'citext' else format_type(b.oid, null) end,
           'isNullable', not a.attnotnull,
           'references', (select json_build_object('relation', format('%I.%I', fn.nspname, f.relname), 'column', fa.attname)
             from pg_constraint k
             join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
             join pg_attribute fa on fa.attrelid = k.confrelid and fa.attnum = k.confkey[1]
             where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum] limit 1)) order by a.attnum)
         from pg_attribute a
         join pg_type b on b.oid = ${baseOf('a.atttypid')}
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       coalesce((select json_agg(json_build_object('relation', format('%I.%I', fn.nspname, f.relname),
           'columns', (select array_agg(a.attname order by o.n) from unnest(k.conkey) with ordinality o(attnum, n)
             join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.attnum),
           'theirs', (select array_agg(a.attname order by o.n) from unnest(k.confkey) with ordinality o(attnum, n)
             join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.attnum)) order by k.conname)
         from pg_constraint k join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
         where k.conrelid = c.oid and k.contype = 'f'), '[]') as "foreignKeys",
       coalesce((select array_agg(a.attname::text order by k.n)
         from (select i.indkey::smallint[] as attnums from pg_index i
           where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
             and not exists (select from unnest(i.indkey::smallint[]) u(attnum)
               join pg_attribute n on n.attrelid = c.oid and n.attnum = u.attnum where not n.attnotnull)
           order by i.indisprimary desc, i.indnatts, i.indexrelid limit 1) x
         cross join unnest(x.attnums) with ordinality k(attnum, n)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum), '{}') as key
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ $1 and ($2::text is null or n.nspname = $2)
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
     order by n.nspname, c.relname`,
    [foreignSchemas, schema],
  );
  return rows;
}

export async function selectDatabaseName(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  return rows[0]?.name ?? '';
}

const sampleRows = 20_000;

/** The words of a value of the row `r`, the most frequent first; of the first rows. */
export async function selectWords(client: pg.ClientBase, relation: string, value: string): Promise<string[]> {
  const { rows } = await client.query<{ word: string }>(
    `select t.word from (select (${value})::text as word from ${relation} r limit ${sampleRows}) t
     where t.word is not null group by t.word order by count(*) desc, t.word limit 40`,
  );
  return rows.map(({ word }) => word);
}

/** How many units of an amount one second that passed between two instants is, in the middle; null: it cannot be told. */
export async function selectUnitsPerSecond(
  client: pg.ClientBase,
  relation: string,
  { amount, from, to }: { amount: string; from: string; to: string },
): Promise<number | null> {
  await client.query('savepoint tried');
  const { rows } = await client
    .query<{ ratio: number | null }>(
      `select percentile_cont(0.5) within group (order by t.amount / t.seconds) as ratio
     from (
       select nullif(regexp_replace((${amount})::text, '[^0-9.]', '', 'g'), '')::float8 as amount,
         extract(epoch from ${to} - ${from})::float8 as seconds
       from ${relation} r where ${amount} is not null and ${to} > ${from} limit 2000
     ) t where t.amount > 0`,
    )
    .catch(() => ({ rows: [] }))
    .finally(() => client.query('rollback to savepoint tried'));
  return rows[0]?.ratio ?? null;
}

/** How many of some values of the rows of a table are found among those of another one, of a hundred. */
export async function selectOverlap(
  client: pg.ClientBase,
  from: { relation: string; value: string },
  to: { relation: string; value: string },
): Promise<number> {
  const { rows } = await client.query<{ percent: number }>(
    `select coalesce(100 * count(*) filter (where exists (
         select from ${to.relation} r where (${to.value})::text = t.value)) / nullif(count(*), 0), 0)::integer as percent
     from (select distinct (${from.value})::text as value from ${from.relation} r
       where ${from.value} is not null limit 50) t`,
  );
  return rows[0]?.percent ?? 0;
}

/** What the first values of the row `r` are like: how many there are, how many differ, and what the texts look like. */
export interface Shape {
  rows: number;
  present: number;
  distinct: number;
  numbers: number;
  instants: number;
  zoned: number;
  addresses: number;
  least: number | null;
  greatest: number | null;
}

const numberText = '^-?\\d{1,18}(\\.\\d+)?$';
const instantText = '^\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d';
const zonedText = `${instantText}.*(Z|[+-]\\d\\d(:?\\d\\d)?)$`;
const addressText = '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$';

export async function selectShape(client: pg.ClientBase, relation: string, value: string): Promise<Shape> {
  const { rows } = await client.query<Shape>(
    `select count(*)::integer as rows, count(t.word)::integer as present, count(distinct t.word)::integer as distinct,
       count(*) filter (where t.word ~ $1)::integer as numbers, count(*) filter (where t.word ~ $2)::integer as instants,
       count(*) filter (where t.word ~ $3)::integer as zoned, count(*) filter (where t.word ~ $4)::integer as addresses,
       min(case when t.word ~ $1 then t.word::float8 end) as least, max(case when t.word ~ $1 then t.word::float8 end) as greatest
     from (select (${value})::text as word from ${relation} r limit 2000) t`,
    [numberText, instantText, zonedText, addressText],
  );
  return rows[0] as Shape;
}

/** A name within the JSON of a column, and what stands there: the most frequent type. */
export interface JsonField {
  name: string;
  type: 'number' | 'string' | 'boolean';
}

/** What most of the first rows of a column of JSON tell by names; the most frequent first. */
export async function selectJsonFields(
  client: pg.ClientBase,
  relation: string,
  value: string,
  type: 'json' | 'jsonb',
): Promise<JsonField[]> {
  const { rows } = await client.query<JsonField>(
    `with told as materialized (
       select t.document from (select ${value} as document from ${relation} r where ${value} is not null limit 2000) t
       where ${type}_typeof(t.document) = 'object'
     )
     select k.key as name, mode() within group (order by ${type}_typeof(k.value)) as type
     from told t cross join lateral ${type}_each(t.document) k
     where ${type}_typeof(k.value) in ('number', 'string', 'boolean')
     group by k.key having count(*) > (select count(*) from told) / 5
     order by count(*) desc, k.key limit 40`,
  );
  return rows;
}
