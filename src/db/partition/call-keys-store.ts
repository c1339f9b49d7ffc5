import type pg from 'pg';

/** Made beside the tables of the migrations, it goes with them. */
export async function dropCallKeys(client: pg.ClientBase): Promise<void> {
  await client.query('drop table if exists quota.call_keys');
}

/** Makes the table of keys. @returns what tells it from another one of that name */
export async function makeCallKeys(client: pg.ClientBase): Promise<string> {
  await client.query(`
    create table if not exists quota.call_keys (
      provider text,
      key text not null,
      call_log_id bigint not null,
      constraint call_keys_key unique nulls not distinct (provider, key)
    );
    comment on table quota.call_keys is 'Where call_logs is partitioned: which call has a key, once over all months.';
    comment on column quota.call_keys.provider is 'Null: an import key.';
    alter table quota.call_keys enable row level security`);
  return selectCallKeys(client);
}

/** What tells the table of keys from another one of that name; empty: there is none. */
export async function selectCallKeys(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ keys: string }>(
    `select coalesce(to_regclass('quota.call_keys')::oid::text, '') as keys`,
  );
  return rows[0]?.keys ?? '';
}

/** Writes down the keys of calls with numbers beyond `after`. @returns the last number of them; null: there were none */
export async function fillCallKeys(
  client: pg.ClientBase,
  after: string,
  size: number,
): Promise<string | null> {
  const { rows } = await client.query<{ last: string | null }>(
    `with calls as materialized (
       select l.id, l.provider, l.provider_call_id, l.import_key from quota.call_logs l
       where l.id > $1 order by l.id limit $2
     ), kept as (
       insert into quota.call_keys (provider, key, call_log_id)
       ${keysOf('calls')} on conflict do nothing
     )
     select max(id)::text as last from calls`,
    [after, size],
  );
  return rows[0]?.last ?? null;
}

const keysOf = (calls: string) => `
  select l.provider, l.provider_call_id, l.id from ${calls} l
  where l.provider is not null and l.provider_call_id is not null
  union all
  select null, l.import_key, l.id from ${calls} l where l.import_key is not null`;

/** Keys of calls that went while theirs were written down. */
export async function dropStrayKeys(client: pg.ClientBase): Promise<void> {
  await client.query(
    `delete from quota.call_keys k where not exists (
       select from quota.call_logs l where l.id = k.call_log_id
         and (k.provider = l.provider and k.key = l.provider_call_id or k.provider is null and k.key = l.import_key))`,
  );
}

const hasCallKeys = async (client: pg.ClientBase) => (await selectCallKeys(client)) !== '';

/** Writes down all keys anew, where there is a table of them: rows came in without the triggers. */
export async function refillCallKeys(client: pg.ClientBase): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query('truncate quota.call_keys');
    await client.query(
      `insert into quota.call_keys (provider, key, call_log_id) ${keysOf('quota.call_logs')}`,
    );
  }
}

const callsOfUser = '(select c.* from quota.call_logs c where c.user_id = $1)';

/** Writes down the keys of a user's calls, which came in without the triggers. A key of another call: unique_violation. */
export async function addCallKeysOf(client: pg.ClientBase, userId: string): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query(`insert into quota.call_keys (provider, key, call_log_id) ${keysOf(callsOfUser)}`, [
      userId,
    ]);
  }
}

/** Strikes out the keys of a user's calls, which are about to go without the triggers. */
export async function dropCallKeysOf(client: pg.ClientBase, userId: string): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query(
      `delete from quota.call_keys k using (${keysOf(callsOfUser)}) o (provider, key, id)
       where k.provider is not distinct from o.provider and k.key = o.key and k.call_log_id = o.id`,
      [userId],
    );
  }
}
