import type pg from 'pg';

/** Tables that name the user of their rows, in order. */
export async function selectUserTables(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and a.attname = 'user_id' and not a.attisdropped
     order by c.relname`,
  );
  return rows.map(({ name }) => name);
}

const theirCalls = '(select l.provider_call_id from quota.call_logs l where l.user_id = $1)';
const theirAssistants = '(select a.provider_assistant_id from quota.assistants a where a.user_id = $1)';
const theirLine = (line: string) =>
  `(${line}.external_id in ${theirCalls} or ${line}.assistant_id in ${theirAssistants})`;

/** Rows that are about a user and say so by a call, an assistant or another column than `user_id`. */
const related: Readonly<Record<string, string>> = {
  discrepancies: 't.user_id = $1 or t.owner_id = $1',
  billing_lines: theirLine('t'),
  reconciliation_items: `t.log_id in (select l.id from quota.call_logs l where l.user_id = $1)
    or exists (select from quota.billing_lines b where b.export_id = t.export_id and b.line = t.line and ${theirLine('b')})`,
  fetched_calls: `t.external_id in ${theirCalls} or t.record::json ->> 'assistantId' in ${theirAssistants}`,
};

/** Views that have what lies packed with the rows of others beside the rows of a table, with its columns. */
const packed: Readonly<Record<string, string>> = { reconciliation_items: 'reconciled_items' };

/** Tables with rows that are about a user, in order. */
export const tablesAbout = (userTables: readonly string[]): string[] =>
  [...new Set([...userTables, ...Object.keys(related)])].sort();

/** Every row of a user in one table: numeric columns as strings of exact decimals, instants in ISO 8601. */
export async function selectUserRows(
  client: pg.ClientBase,
  table: string,
  userId: string,
): Promise<unknown[]> {
  const { rows } = await client.query<{ row: Record<string, unknown> }>(
    `select ${await exactRow(client, table)} as row from quota.${quoteIdentifier(packed[table] ?? table)} t
     where ${related[table] ?? 't.user_id = $1'} order by t::text`,
    [userId],
  );
  return rows.map(({ row }) => row);
}

/** The row `t` of a table as JSON. A number of JSON would be read as a float, and money is exact. */
async function exactRow(client: pg.ClientBase, table: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_attribute a
     where a.attrelid = ('quota.' || quote_ident($1))::regclass and a.atttypid = 'numeric'::regtype and not a.attisdropped`,
    [table],
  );
  return rows.reduce(
    (json, { name }) =>
      `${json} || jsonb_build_object('${name.replaceAll("'", "''")}', t.${quoteIdentifier(name)}::text)`,
    'to_jsonb(t)',
  );
}

const quoteIdentifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** How many rows of a user hold something that `eraseUser` would take away. */
export async function countPersonal(
  client: pg.ClientBase,
  userId: string,
): Promise<{ callLogs: number; assistants: number; auditRows: number; assistantsToRestore: number }> {
  const { rows } = await client.query(
    `select
       (select count(*)::integer from quota.call_logs
        where user_id = $1 and (metadata is not null or error_message is not null)) as "callLogs",
       (select count(*)::integer from quota.assistants where user_id = $1 and name is not null) as assistants,
       (select count(*)::integer from quota.audit_personal where user_id = $1) as "auditRows",
       (select count(*)::integer from quota.assistant_limits
        where user_id = $1 and original is not null and status <> 'gone') as "assistantsToRestore"`,
    [userId],
  );
  return rows[0];
}

/** Whether a text has the email, the name or the external id of a user, present or former, as words. */
export async function namesUser(client: pg.ClientBase, userId: string, text: string): Promise<boolean> {
  const { rows } = await client.query<{ names: boolean }>(
    'select coalesce($2 ~* quota.naming_pattern($1), false) as names',
    [userId, text],
  );
  return rows[0]?.names === true;
}

/** Counters in the app's cache that still have the former name of a user in their key. */
export async function countFormerCounters(client: pg.ClientBase, userId: string): Promise<number> {
  const { rows } = await client.query<{ left: number }>(
    `select count(*)::integer as left
     from quota.cache_outbox o join quota.users u on u.id = o.user_id
     where o.user_id = $1 and o.external_id <> u.external_id`,
    [userId],
  );
  return rows[0]?.left ?? 0;
}

/** Takes the person out of every table; usage, costs and history stay. */
export async function eraseUserRows(client: pg.ClientBase, userId: string): Promise<void> {
  await client.query('select quota.erase_user($1)', [userId]);
}

/** What a person is searched for by: as long as they are known. */
export async function selectNamingPattern(client: pg.ClientBase, userId: string): Promise<string | null> {
  const { rows } = await client.query<{ pattern: string | null }>(
    'select quota.naming_pattern($1) as pattern',
    [userId],
  );
  return rows[0]?.pattern ?? null;
}

/** Takes out of a shard what it still has of a person who is in another one. */
export async function eraseMovedRows(
  client: pg.ClientBase,
  userId: string,
  pattern: string | null,
): Promise<void> {
  await client.query('select quota.erase_moved($1, $2)', [userId, pattern]);
}
