import type pg from 'pg';
import { quoted } from '../expression.ts';

/** A column of a table of the app, as the catalogue has it. */
export interface SurveyedColumn {
  name: string;
  /** As `format_type` writes it. */
  type: string;
  isNullable: boolean;
  /** The table and column that a foreign key leads to. */
  references: { relation: string; column: string } | null;
}

export interface SurveyedTable {
  schema: string;
  name: string;
  /** Its name as SQL writes it. */
  relation: string;
  rows: number;
  columns: SurveyedColumn[];
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
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
           'isNullable', not a.attnotnull,
           'references', (select json_build_object('relation', format('%I.%I', fn.nspname, f.relname), 'column', fa.attname)
             from pg_constraint k
             join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
             join pg_attribute fa on fa.attrelid = k.confrelid and fa.attnum = k.confkey[1]
             where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum] limit 1)) order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
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

/** The words of a column, the most frequent first; of the first rows. */
export async function selectColumnWords(
  client: pg.ClientBase,
  relation: string,
  column: string,
): Promise<string[]> {
  const { rows } = await client.query<{ word: string }>(
    `select t.word from (select r.${quoted(column)}::text as word from ${relation} r limit ${sampleRows}) t
     where t.word is not null group by t.word order by count(*) desc, t.word limit 40`,
  );
  return rows.map(({ word }) => word);
}

/** How many units of a column one second that passed between two others is, in the middle; null: it cannot be told. */
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
       select nullif(regexp_replace(r.${quoted(amount)}::text, '[^0-9.]', '', 'g'), '')::float8 as amount,
         extract(epoch from r.${quoted(to)} - r.${quoted(from)})::float8 as seconds
       from ${relation} r where r.${quoted(amount)} is not null and r.${quoted(to)} > r.${quoted(from)} limit 2000
     ) t where t.amount > 0`,
    )
    .catch(() => ({ rows: [] }))
    .finally(() => client.query('rollback to savepoint tried'));
  return rows[0]?.ratio ?? null;
}

/** How many of some values of a column are found in another table's column, of a hundred. */
export async function selectOverlap(
  client: pg.ClientBase,
  from: { relation: string; column: string },
  to: { relation: string; column: string },
): Promise<number> {
  const { rows } = await client.query<{ percent: number }>(
    `select coalesce(100 * count(*) filter (where exists (
         select from ${to.relation} o where o.${quoted(to.column)}::text = t.value)) / nullif(count(*), 0), 0)::integer as percent
     from (select distinct r.${quoted(from.column)}::text as value from ${from.relation} r
       where r.${quoted(from.column)} is not null limit 50) t`,
  );
  return rows[0]?.percent ?? 0;
}
