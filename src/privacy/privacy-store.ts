import type pg from 'pg';

/** Tables that hold rows of a user, as `table` with the column that names the user, in order. */
export async function selectUserTables(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'quota'::regnamespace and c.relkind = 'r' and a.attname = 'user_id' and not a.attisdropped
     order by c.relname`,
  );
  return rows.map(({ name }) => name);
}

/** Every row of a user in one table, as the database writes JSON: numbers as text, instants in ISO 8601. */
export async function selectUserRows(
  client: pg.ClientBase,
  table: string,
  userId: string,
): Promise<unknown[]> {
  const { rows } = await client.query<{ row: Record<string, unknown> }>(
    `select to_jsonb(t) as row from quota.${quoteIdentifier(table)} t where t.user_id = $1 order by t::text`,
    [userId],
  );
  return rows.map(({ row }) => row);
}

const quoteIdentifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** How many rows of a user hold something that `eraseUser` would take away. */
export async function countPersonal(
  client: pg.ClientBase,
  userId: string,
): Promise<{ callLogs: number; assistants: number; auditRows: number }> {
  const { rows } = await client.query(
    `select
       (select count(*)::integer from quota.call_logs
        where user_id = $1 and (metadata is not null or error_message is not null)) as "callLogs",
       (select count(*)::integer from quota.assistants where user_id = $1 and name is not null) as assistants,
       (select count(*)::integer from quota.audit_personal where user_id = $1) as "auditRows"`,
    [userId],
  );
  return rows[0];
}

/** Takes the person out of every table; usage, costs and history stay. */
export async function eraseUserRows(client: pg.ClientBase, userId: string): Promise<void> {
  await client.query('select quota.erase_user($1)', [userId]);
}
