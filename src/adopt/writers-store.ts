import type pg from 'pg';

/** A transaction that has written to an app's tables and has not ended. */
export interface Writer {
  /** Stays the same when it is prepared: then it has no session any more. */
  xid: string;
  /** For people: who it is and since when. */
  name: string;
}

/** What a session or a prepared transaction is called. */
const nameSql = `coalesce(
  (select format('process %s%s%s', a.pid, nullif(', ' || a.application_name, ', '),
     ', since ' || to_char(a.xact_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
   from pg_stat_activity a where a.pid = x.pid),
  (select format('prepared transaction %L, since %s', p.gid, to_char(p.prepared, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
   from pg_prepared_xacts p where p.transaction = x.transactionid),
  format('transaction %s', x.transactionid))`;

/** In `pg_locks x`: one row for each transaction that has written and has not ended. */
const isWriter = `x.locktype = 'transactionid' and x.mode = 'ExclusiveLock' and x.granted`;

/** Who writes to the tables that triggers of a product are on. Whoever has only begun to write finds what is counted by then. */
export async function selectWriters(client: pg.ClientBase, product: string): Promise<Writer[]> {
  const { rows } = await client.query<Writer>(
    `select x.transactionid::text as xid, ${nameSql} as name
     from pg_locks x
     where ${isWriter}
       and x.pid is distinct from pg_backend_pid()
       and x.virtualtransaction in (
         select l.virtualtransaction
         from quota.adopt_sources s
         join pg_trigger t on t.tgfoid = to_regprocedure('quota_adopt.source_' || s.id || '_live()')
         join pg_locks l on l.relation = t.tgrelid and l.granted
         where s.product = $1 and s.is_attached
           and l.database = (select d.oid from pg_database d where d.datname = current_database())
           and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
     order by x.transactionid::text::bigint`,
    [product],
  );
  return rows;
}

/** Who uses tables, or partitions of them, at this moment, in transactions that have written nothing as well. */
export async function selectUsers(client: pg.ClientBase, relations: readonly string[]): Promise<Writer[]> {
  const { rows } = await client.query<Writer>(
    `select distinct '' as xid, ${nameSql} as name
     from (
       select l.pid, p.transaction as transactionid
       from pg_locks l left join pg_prepared_xacts p on l.virtualtransaction = '-1/' || p.transaction
       where l.granted and l.pid is distinct from pg_backend_pid()
         and l.database = (select d.oid from pg_database d where d.datname = current_database())
         and l.relation in (
           select t.relid from unnest($1::text[]) r cross join lateral pg_partition_tree(to_regclass(r)) t
           union select to_regclass(r) from unnest($1::text[]) r)) x
     order by 2`,
    [relations],
  );
  return rows;
}

/** Those of them that have not ended yet. */
export async function areOpen(client: pg.ClientBase, writers: readonly Writer[]): Promise<Writer[]> {
  if (writers.length === 0) {
    return [];
  }
  const { rows } = await client.query<Writer>(
    `select x.transactionid::text as xid, ${nameSql} as name
     from pg_locks x
     where ${isWriter} and x.transactionid::text = any ($1)
     order by x.transactionid::text::bigint`,
    [writers.map(({ xid }) => xid)],
  );
  return rows;
}
