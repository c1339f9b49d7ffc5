import type pg from 'pg';

/**
 * The search path of PostgreSQL begins with the schema that is called like the role. A role `quota` would so find ours
 * first: what an app makes without naming a schema, such as `create table if not exists user_usage`, would land among
 * our tables, and go with them. A path that somebody has chosen stays.
 */
const keepOut = (scope: string) => `
  do $$
  begin
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('quota search path', 0));
    if session_user = 'quota' and not exists (
      select from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) as setting
      where s.setrole = session_user::regrole and setting like 'search_path=%'
        and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
    ) then
      execute ${scope};
    end if;
  end $$`;

/** For sessions of the role in every database of the server; not yet for those that are connected. */
export async function keepRoleOutOfSchema(client: pg.ClientBase): Promise<void> {
  await client.query(keepOut(`'alter role quota set search_path = public'`));
}

/** The same in one database: of a server with others that are none of our business. */
export async function keepRoleOutOfSchemaHere(client: pg.ClientBase): Promise<void> {
  await client.query(
    keepOut(
      `pg_catalog.format('alter role quota in database %I set search_path = public', current_database())`,
    ),
  );
}
