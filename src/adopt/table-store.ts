import type pg from 'pg';
import type { Mapping } from './mapping.ts';

/** What the domain with this oid is made of, also by way of other domains; any other type is what it is. */
export const baseOf = (oid: string): string => `(
  with recursive bases as (
    select t.oid, t.typbasetype from pg_type t where t.oid = ${oid}
    union all
    select t.oid, t.typbasetype from bases b join pg_type t on t.oid = b.typbasetype
  )
  select b.oid from bases b where b.typbasetype = 0)`;

/** A table of the app as the catalogue has it. */
export interface AppTable {
  oid: string;
  /** Its name as SQL writes it. */
  relation: string;
  kind: string;
  /** The type of each column. */
  columns: Record<string, string>;
  /** Columns that are timestamps without a zone, by whatever name their type goes. */
  naive: string[];
  /** Columns that nobody may write: the server makes them. */
  generated: string[];
  primaryKey: string[];
  /** Columns of each unique index over plain columns that cannot be null, the primary key included. */
  uniqueKeys: string[][];
  mayRead: boolean;
  mayTrigger: boolean;
  mayUpdate: boolean;
  /** Row security may keep rows from this login: no policy shows it all of them. */
  hidesRows: boolean;
  rowsEstimate: number;
}

/** Null: there is no such table. */
export async function selectTable(
  client: pg.ClientBase,
  schema: string,
  table: string,
): Promise<AppTable | null> {
  const { rows } = await client.query<AppTable>(
    `select c.oid::text, format('%I.%I', n.nspname, c.relname) as relation, c.relkind::text as kind,
       (select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       array(select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and ${baseOf('a.atttypid')} = 'timestamp'::regtype) as naive,
       array(select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and (a.attgenerated <> '' or a.attidentity = 'a')) as generated,
       coalesce((select array_agg(a.attname::text order by k.n) from pg_index i
         cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, n)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisprimary), '{}') as "primaryKey",
       coalesce((select json_agg(u.names) from (
           select array_agg(a.attname::text order by k.n) as names
           from pg_index i
           cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, n)
           join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
           where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
           group by i.indexrelid having bool_and(a.attnotnull)) u), '[]') as "uniqueKeys",
       has_table_privilege(c.oid, 'select') as "mayRead", has_table_privilege(c.oid, 'trigger') as "mayTrigger",
       has_table_privilege(c.oid, 'update') as "mayUpdate",
       row_security_active(c.oid) and not coalesce((
         select bool_or(p.polpermissive and pg_get_expr(p.polqual, p.polrelid) = 'true') and bool_and(p.polpermissive)
         from pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*')
           and exists (select from unnest(p.polroles) o(role) where o.role = 0 or pg_has_role(o.role, 'usage'))), false)
         as "hidesRows",
       greatest(c.reltuples, 0)::float8 as "rowsEstimate"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    [schema, table],
  );
  return rows[0] ?? null;
}

/** What the catalogue says of an expression over a row of a table. */
export interface TriedExpression {
  type: string;
  /** Functions that change something, or answer otherwise each time. */
  volatile: string[];
  /** It looks at several rows of the table at once. */
  isWindow: boolean;
  returnsSet: boolean;
}

/**
 * Reads an expression as the server does, without running it: a view is made of it, and taken back.
 * @throws DatabaseError of an expression that the server does not understand
 */
export async function tryExpression(
  client: pg.ClientBase,
  relation: string,
  expression: string,
  alias: 'r' | 'q' = 'r',
): Promise<TriedExpression> {
  await client.query('savepoint tried');
  try {
    // By itself in a column beside one of the row: an aggregate or a second column is refused.
    await client.query(
      `create temp view adopt_tried (beside, tried) as select ${alias === 'r' ? 'r.tableoid' : 'q.calls'}, (${expression}\n)
       from ${relation} ${alias}`,
    );
    const { rows } = await client.query<TriedExpression>(
      `select format_type(${baseOf('a.atttypid')}, a.atttypmod) as type,
         coalesce((select array_agg(distinct p.proname::text) from regexp_matches(w.ev_action::text,
             ':(?:funcid|opfuncid|winfnoid|aggfnoid) (\\d+)', 'g') f
           join pg_proc p on p.oid = f[1]::oid where p.provolatile = 'v'), '{}') as volatile,
         exists (select from regexp_matches(w.ev_action::text, ':funcid (\\d+) :funcresulttype \\d+ :funcretset true', 'g'))
           as "returnsSet",
         substring(w.ev_action::text from ':hasWindowFuncs (true|false)') = 'true' as "isWindow"
       from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attname = 'tried'
       join pg_rewrite w on w.ev_class = c.oid
       where c.oid = 'pg_temp.adopt_tried'::regclass`,
    );
    return rows[0] ?? { type: 'unknown', volatile: [], returnsSet: false, isWindow: false };
  } finally {
    await client.query('rollback to savepoint tried');
  }
}

/** Our figures of nobody, for a trial. */
export const figuresRelation = 'quota.mirror_figures(null, null, null)';

/** How many rows a trial looks at. */
const trialRowsMax = 1_000;

/**
 * Runs an expression over some rows, where nothing can be written.
 * @throws DatabaseError of what it comes upon: text that is no number
 */
export async function tryRows(client: pg.ClientBase, relation: string, expression: string): Promise<void> {
  await client.query('savepoint tried');
  try {
    await client.query(
      `select count(t.tried) from (select (${expression}\n) as tried from ${relation} r limit ${trialRowsMax}) t`,
    );
  } finally {
    await client.query('rollback to savepoint tried');
  }
}

/** The words of an expression that have no meaning here, with how often they come; of the first rows. */
export async function selectWords(
  client: pg.ClientBase,
  relation: string,
  expression: string,
): Promise<{ word: string | null; rows: number }[]> {
  const { rows } = await client.query<{ word: string | null; rows: number }>(
    `select t.word, count(*)::integer as rows
     from (select (${expression}\n)::text as word from ${relation} r limit 200000) t
     group by t.word order by count(*) desc, t.word limit 50`,
  );
  return rows;
}

/** Zones, plans, meters and services that are not known here. */
export async function selectUnknown(
  client: pg.ClientBase,
  names: {
    zones: readonly string[];
    plans: readonly string[];
    meters: readonly string[];
    services: readonly string[];
  },
): Promise<{ zones: string[]; plans: string[]; meters: string[]; services: string[] }> {
  const { rows } = await client.query<{
    zones: string[];
    plans: string[];
    meters: string[];
    services: string[];
  }>(
    `select array(select z from unnest($1::text[]) z where not quota.is_known_zone(z)) as zones,
       array(select k from unnest($2::text[]) k where not exists (select from quota.plans p where p.key = k)) as plans,
       array(select k from unnest($3::text[]) k where not exists (select from quota.meters m where m.key = k)) as meters,
       array(select k from unnest($4::text[]) k where not exists (select from quota.meters m where m.service = k))
         as services`,
    [names.zones, names.plans, names.meters, names.services],
  );
  return rows[0] ?? { zones: [], plans: [], meters: [], services: [] };
}

/** Which of these meters are of other services than these. */
export async function selectForeignMeters(
  client: pg.ClientBase,
  meters: readonly string[],
  services: readonly string[],
): Promise<{ meter: string; service: string }[]> {
  const { rows } = await client.query<{ meter: string; service: string }>(
    `select m.key as meter, m.service from quota.meters m where m.key = any ($1) and m.service <> all ($2)`,
    [meters, services],
  );
  return rows;
}

/** How many of the first rows fulfil both of two conditions. */
export async function selectInBoth(
  client: pg.ClientBase,
  relation: string,
  [first, second]: readonly [string, string],
): Promise<number> {
  await client.query('savepoint tried');
  try {
    const { rows } = await client.query<{ rows: number }>(
      `select count(*)::integer as rows from (select ((${first}\n) is true and (${second}\n) is true) as is_both
         from ${relation} r limit 200000) t where t.is_both`,
    );
    return rows[0]?.rows ?? 0;
  } finally {
    await client.query('rollback to savepoint tried');
  }
}

/** Products that are attached and count one of these services. */
export async function selectRivals(
  client: pg.ClientBase,
  { product, remote }: Pick<Mapping, 'product' | 'remote'>,
  relations: readonly string[],
): Promise<{ product: string; relation: string }[]> {
  const { rows } = await client.query<{ product: string; relation: string }>(
    `select s.product, s.relation from quota.adopt_sources s
     join quota.adopt_products p on p.product = s.product
     where s.kind = 'calls' and s.is_attached and p.detached_at is null and s.product <> $1 and s.relation = any ($2)
       and coalesce(p.mapping -> 'remote', '{}') = coalesce($3::jsonb, '{}')
     order by s.product, s.relation`,
    [product, relations, remote === undefined ? null : JSON.stringify(remote)],
  );
  return rows;
}

/** Whether an index begins with a column. */
export async function selectIsIndexed(client: pg.ClientBase, oid: string, column: string): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = $1 and i.indisvalid and i.indpred is null and a.attname = $2 limit 1`,
    [oid, column],
  );
  return rows.length > 0;
}

interface UserColumn {
  relation: string;
  user: string;
}

/** Rows whose user is none of those of the tables of users. */
export async function selectOrphans(
  client: pg.ClientBase,
  calls: UserColumn,
  users: readonly UserColumn[],
): Promise<number> {
  const known = users.map(({ relation, user }) => `select ${user} from ${relation} r`).join(' union all ');
  const { rows } = await client.query<{ rows: number }>(
    `select count(*)::integer as rows from (select ${calls.user} as user_name from ${calls.relation} r) c
     where c.user_name is null or not exists (select from (${known}) u(user_name) where u.user_name = c.user_name)`,
  );
  return rows[0]?.rows ?? 0;
}
