import type pg from 'pg';
import { isServerError } from '../database-error.ts';
import type { CoreSet } from './core-set.ts';
import { installCore } from './install.ts';

/** Class 42 of SQLSTATE: a table, a column, a function that is not there. */
const syntaxOrName = '42';

/**
 * Installs the core on tables that are older than it, if its functions find there what they name; else nothing.
 * @param brokenBefore as `findBrokenFunctions` says while all tables were there.
 * @returns whether it was installed.
 */
export async function installWhatFits(
  client: pg.ClientBase,
  set: CoreSet,
  brokenBefore: ReadonlySet<string>,
): Promise<boolean> {
  await client.query('savepoint core');
  const fits =
    (await succeeds(() => installCore(client, set))) &&
    [...(await findBrokenFunctions(client))].every((name) => brokenBefore.has(name));
  if (!fits) {
    await client.query('rollback to savepoint core');
  }
  return fits;
}

/**
 * Functions in SQL that name what is not there, as the server finds out when it makes one. Some always do: they work on
 * temporary tables of their callers.
 */
export async function findBrokenFunctions(client: pg.ClientBase): Promise<Set<string>> {
  const { rows } = await client.query<{ oid: string; name: string }>(
    `select p.oid, p.oid::regprocedure::text as name
     from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'quota'::regnamespace and l.lanname = 'sql'`,
  );
  const broken = new Set<string>();
  await client.query('set local check_function_bodies = on');
  for (const { oid, name } of rows) {
    await client.query('savepoint validation');
    if (!(await succeeds(() => client.query('select fmgr_sql_validator($1)', [oid])))) {
      broken.add(name);
      await client.query('rollback to savepoint validation');
    }
  }
  await client.query('set local check_function_bodies = off');
  return broken;
}

async function succeeds(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if (isServerError(error) && error.code.startsWith(syntaxOrName)) {
      return false;
    }
    throw error;
  }
}
