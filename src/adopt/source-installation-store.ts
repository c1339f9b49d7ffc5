import { createHash } from 'node:crypto';
import type pg from 'pg';
import { literal } from './expression.ts';
import { triggerStatements } from './live-functions-store.ts';
import type { PlacedSource } from './row-expression.ts';
import { sourceFunctions } from './source-functions-store.ts';

/** What tells one making of the functions of a source from another: it stays with one of them as a comment. */
const digestOf = (functions: readonly string[]) =>
  createHash('sha256').update(functions.join('\n')).digest('hex').slice(0, 16);

/** Makes the functions of a source; `marked` is the one that tells which they are. */
export async function installFunctions(
  client: pg.ClientBase,
  id: number,
  functions: readonly string[],
  marked: string,
): Promise<void> {
  for (const statement of [
    ...functions,
    // What a version before has laid out for a backfill that is under way has no ids yet.
    `alter table if exists quota_adopt.work_${id}
      add column if not exists log_id bigint default nextval('quota.call_logs_id_seq')`,
    `comment on function ${marked} is ${literal(digestOf(functions))}`,
    'revoke all on all functions in schema quota_adopt from public',
  ]) {
    await client.query(statement);
  }
}

/** Whether these are the functions that are there. */
export async function areInstalled(
  client: pg.ClientBase,
  functions: readonly string[],
  marked: string,
): Promise<boolean> {
  const { rows } = await client.query<{ digest: string | null }>(
    `select obj_description(to_regprocedure($1), 'pg_proc') as digest`,
    [marked],
  );
  return rows[0]?.digest === digestOf(functions);
}

const markedLive = (id: number) => `quota_adopt.source_${id}_live()`;

/** Makes the functions of a source, and puts the triggers that are missing on the app's table and its partitions. */
export async function installSource(
  client: pg.ClientBase,
  id: number,
  placed: PlacedSource,
  timezone: string,
): Promise<void> {
  const missing = await selectWithoutTriggers(client, id, placed.table.relation);
  await installFunctions(client, id, sourceFunctions(id, placed, timezone), markedLive(id));
  for (const statement of missing.flatMap((relation) => triggerStatements(id, relation))) {
    await client.query(statement);
  }
}

/** Whether a source has the functions that this version makes, and each partition of its table the triggers. */
export async function isInstalled(
  client: pg.ClientBase,
  id: number,
  placed: PlacedSource,
  timezone: string,
): Promise<boolean> {
  return (
    (await areInstalled(client, sourceFunctions(id, placed, timezone), markedLive(id))) &&
    (await selectWithoutTriggers(client, id, placed.table.relation)).length === 0
  );
}

/** A table and its partitions without triggers: what is written to a partition directly meets none of the table. */
async function selectWithoutTriggers(client: pg.ClientBase, id: number, relation: string): Promise<string[]> {
  const { rows } = await client.query<{ relation: string }>(
    `select format('%I.%I', n.nspname, c.relname) as relation
     from (select $1::regclass as relid, 0 as level
       union all select t.relid, t.level from pg_partition_tree($1::regclass) t where t.level > 0) t
     join pg_class c on c.oid = t.relid join pg_namespace n on n.oid = c.relnamespace
     where (t.level = 0 or c.relkind in ('r', 'p')) and not exists (
       select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'quota_adopt_' || $2::integer || '_insert')
     order by t.level, relation`,
    [relation, id],
  );
  return rows.map((row) => row.relation);
}
