import type pg from 'pg';
import { refillCallKeys } from '../db/partition/call-keys-store.ts';
import { listed, named, quoted, rowSum } from '../db/row-sum.ts';
import type { SequenceState, TableSum } from './manifest.ts';

/** What the program writes about a database, or beside its rows: a restored one has its own. */
const aboutTheDatabase = [
  'call_keys',
  'schema_migrations',
  'schema_migrations_lock',
  'schema_core',
  'schema_objects',
  'examined_users',
];

export interface TableShape {
  /** Without its schema. */
  table: string;
  /** That can be written, in the order of their names. */
  columns: string[];
}

/** The tables of quota with rows of their own, in the order of their names. */
export async function selectTables(client: pg.ClientBase): Promise<TableShape[]> {
  const { rows } = await client.query<TableShape>(
    `select c.relname as table, array_agg(a.attname::text order by a.attname) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = to_regnamespace('quota') and c.relkind in ('r', 'p') and not c.relispartition
       and not c.relname = any ($1) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     group by c.relname order by c.relname`,
    [aboutTheDatabase],
  );
  return rows;
}

/** Those that this login may not read whole. */
export async function selectUnreadable(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ table: string }>(
    `select c.relname as table from pg_class c
     where c.relnamespace = to_regnamespace('quota') and c.relkind in ('r', 'p') and not c.relispartition
       and not c.relname = any ($1) and (not has_table_privilege(c.oid, 'select') or row_security_active(c.oid))
     order by c.relname`,
    [aboutTheDatabase],
  );
  return rows.map(({ table }) => table);
}

/** A new database has rows in them; who changes them leaves rows in the history, which is none of them. */
const filledByMigrations = [
  'lock_seeds',
  'meters',
  'model_aliases',
  'plan_limits',
  'plan_versions',
  'plans',
  'rate_cards',
  'settings',
  'simple_plans',
];

/** Tables with rows of somebody, with how many. */
export async function selectFilled(client: pg.ClientBase): Promise<{ table: string; rows: string }[]> {
  const tables = (await selectTables(client)).filter(({ table }) => !filledByMigrations.includes(table));
  const counts: { table: string; rows: string }[] = [];
  for (const { table } of tables) {
    const { rows } = await client.query<{ rows: string }>(`select count(*) as rows from ${named(table)}`);
    counts.push({ table, rows: rows[0]?.rows ?? '0' });
  }
  return counts.filter(({ rows }) => rows !== '0');
}

/** Counts the rows of a table and sums their hashes, so that any order gives the same. */
export async function selectSum(client: pg.ClientBase, { table, columns }: TableShape): Promise<TableSum> {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `select ${rowSum(columns)} from ${named(table)}`,
  );
  return { table, columns, rows: rows[0]?.rows ?? '0', digest: rows[0]?.digest ?? '0' };
}

/** What COPY writes of a table. */
export const rowsQuery = ({ table, columns }: TableShape): string =>
  `select ${listed(columns)} from ${named(table)}`;

/** Where the numbers of the sequences stand: behind every row that a snapshot from before shows. */
export async function selectSequences(client: pg.ClientBase): Promise<SequenceState[]> {
  const { rows } = await client.query<SequenceState>(
    `select s.sequencename as sequence, s.last_value::text as "lastValue"
     from pg_sequences s where s.schemaname = 'quota' order by s.sequencename`,
  );
  return rows;
}

/** Goes on behind the number that was given last; a rollback takes it back, as the sequence is begun anew first. */
export async function setSequence(
  client: pg.ClientBase,
  { sequence, lastValue }: SequenceState,
): Promise<void> {
  await client.query(`alter sequence ${named(sequence)} restart`);
  if (lastValue !== null) {
    await client.query('select setval($1::regclass, $2)', [named(sequence), lastValue]);
  }
}

/**
 * Numbers of rows that their sequence would give once more: `users.id`. Those of users who came from another shard are
 * between them.
 */
export async function selectNumbersAhead(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = to_regnamespace('quota') and not c.relispartition and a.attidentity <> ''
       and not a.attisdropped
     order by 1, 2`,
  );
  const ahead: string[] = [];
  for (const { table, column } of rows) {
    const { rows: found } = await client.query<{ ahead: boolean }>(
      `select coalesce(max(t.${quoted(column)}), 0) > max(s.last) as ahead
       from (
         select coalesce(pg_sequence_last_value(seqrelid::regclass), 0) as last, seqstart, seqincrement from pg_sequence
         where seqrelid = pg_get_serial_sequence($1, $2)::regclass) s
       left join ${named(table)} t on (t.${quoted(column)} - s.seqstart) % s.seqincrement = 0`,
      [named(table), column],
    );
    if (found[0]?.ahead === true) {
      ahead.push(`${table}.${column}`);
    }
  }
  return ahead;
}

/** A name of the snapshot that the transaction sees, for other sessions. */
export async function exportSnapshot(client: pg.ClientBase): Promise<{ snapshot: string; takenAt: string }> {
  const { rows } = await client.query<{ snapshot: string; takenAt: Date }>(
    // Of this session nothing is heard while pg_dump works.
    `select pg_export_snapshot() as snapshot, clock_timestamp() as "takenAt"
     from set_config('idle_in_transaction_session_timeout', '0', true)`,
  );
  return { snapshot: rows[0]?.snapshot ?? '', takenAt: rows[0]?.takenAt.toISOString() ?? '' };
}

/** What ties tables together: taken away while rows are loaded in any order, and checked as a whole afterwards. */
export interface ForeignKey {
  table: string;
  name: string;
  definition: string;
}

export async function selectForeignKeys(client: pg.ClientBase): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `select c.conrelid::regclass::text as table, quote_ident(c.conname) as name,
       pg_get_constraintdef(c.oid) as definition
     from pg_constraint c
     where c.connamespace = to_regnamespace('quota') and c.contype = 'f' and c.conparentid = 0
     order by 1, 2`,
  );
  return rows;
}

/** Tables of others that point at rows of quota: `public.profiles (quota.users)`. */
export async function selectPointing(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ pointing: string }>(
    `select distinct format('%s (%s)', c.conrelid::regclass, c.confrelid::regclass) as pointing
     from pg_constraint c
     join pg_class pointed on pointed.oid = c.confrelid and pointed.relnamespace = to_regnamespace('quota')
     join pg_class own on own.oid = c.conrelid and own.relnamespace <> pointed.relnamespace
     where c.contype = 'f' order by 1`,
  );
  return rows.map(({ pointing }) => pointing);
}

/** Empties the tables and lets rows in as they are: no trigger acts, nothing is held against other tables. */
export async function openTables(
  client: pg.ClientBase,
  tables: readonly string[],
  keys: readonly ForeignKey[],
): Promise<void> {
  for (const table of tables) {
    await client.query(`alter table ${named(table)} disable trigger user`);
  }
  for (const { table, name } of keys) {
    await client.query(`alter table ${table} drop constraint ${name}`);
  }
  await client.query(`truncate ${tables.map(named).join(', ')}`);
}

/** Holds everything against everything, and has the triggers act again. */
export async function closeTables(
  client: pg.ClientBase,
  tables: readonly string[],
  keys: readonly ForeignKey[],
): Promise<void> {
  for (const { table, name, definition } of keys) {
    await client.query(`alter table ${table} add constraint ${name} ${definition}`);
  }
  for (const table of tables) {
    await client.query(`alter table ${named(table)} enable trigger user`);
    await client.query(`analyze ${named(table)}`);
  }
  await refillCallKeys(client);
}

/** Says in the history that everything before it came out of a backup; the id of the row. */
export async function insertRestored(
  client: pg.ClientBase,
  { actor, reason, after }: { actor: string; reason: string; after: object },
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.audit_log (actor, action, subject, reason, after)
     values ($1, 'database.restored', 'database', $2, $3) returning id`,
    [actor, reason, JSON.stringify(after)],
  );
  return rows[0]?.id ?? '';
}
