import type pg from 'pg';

/** About how many calls there were when the server's statistics of them were taken; 0: it has none. */
export async function countKnownCalls(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ calls: number }>(
    `select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 as calls from pg_class c
     where c.relkind = 'r' and (c.oid = 'quota.call_logs'::regclass
       or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = 'quota.call_logs'::regclass))`,
  );
  return rows[0]?.calls ?? 0;
}
