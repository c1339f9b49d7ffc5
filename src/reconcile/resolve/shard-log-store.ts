import type pg from 'pg';
import { shardNumberOf } from '../../db/shard-number.ts';
import { keepAlertsQuiet } from '../../usage/past-usage-store.ts';
import type { LogCorrection } from './resolution-store.ts';

/** Where what these discrepancies are about is: numbers of shards, by the ids of owners and of logs. */
export async function selectPlaces(
  client: pg.ClientBase,
  discrepancies: readonly string[],
): Promise<{ id: string; shard: number }[]> {
  const { rows } = await client.query<{ id: string; shard: number }>(
    `select u.id::text, ${shardNumberOf('u')} as shard
     from quota.users u
     where u.id = any (array(select distinct d.owner_id from quota.discrepancies d
       where d.id = any ($1::bigint[]) and d.owner_id is not null))
     union all
     select g.id::text, ${shardNumberOf('g')}
     from quota.call_logs g
     where g.id = any (array(select d.log_id from quota.discrepancies d
       where d.id = any ($1::bigint[]) and d.log_id is not null))`,
    [discrepancies],
  );
  return rows;
}

/** A whole log, as JSON of its columns. */
export interface LogRow {
  logId: string;
  ownerId: string;
  /** The provider's id; null: it has none. */
  key: string | null;
  row: object;
}

/** These logs as they are in their shards, each for the owner that the bill says. */
export async function selectLogRows(
  client: pg.ClientBase,
  corrections: readonly LogCorrection[],
): Promise<LogRow[]> {
  const { rows } = await client.query<LogRow>(
    `select g.id::text as "logId", c."ownerId", g.provider_call_id as key, to_jsonb(g) - 'id' as row
     from jsonb_to_recordset($1::jsonb) c("logId" bigint, "ownerId" text) join quota.call_logs g on g.id = c."logId"
     order by g.id`,
    [JSON.stringify(corrections)],
  );
  return rows;
}

/** Logs them under their owners in this shard; those that are here already are left alone. */
export async function insertMovedLogs(
  client: pg.ClientBase,
  rows: readonly LogRow[],
  reason: string,
): Promise<number> {
  await keepAlertsQuiet(client);
  const { rowCount } = await client.query(
    `with added as (
       insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
         ended_at, duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, metadata, import_key,
         settled_by, quantities)
       select m."ownerId", g.service, g.provider, g.provider_call_id, g.assistant_id, g.model, g.status, g.started_at,
         g.ended_at, g.duration_seconds, g.messages, g.words_spoken, g.file_size_bytes, g.cost, g.error_message, g.metadata,
         g.import_key, g.settled_by, g.quantities
       from jsonb_to_recordset($1::jsonb) m("ownerId" uuid, "row" jsonb),
         jsonb_populate_record(null::quota.call_logs, m."row") g
       order by m."ownerId", g.started_at
       on conflict do nothing
       returning *
     )
     insert into quota.audit_log (action, user_id, service, subject, reason, after)
     select 'call-log.update', a.user_id, a.service, a.provider_call_id, $2, jsonb_build_object('userId', a.user_id)
     from added a order by a.user_id, a.id`,
    [JSON.stringify(rows), reason],
  );
  return rowCount ?? 0;
}

/** Takes them away from their former owners in this shard. Returns how many there were. */
export async function deleteMovedLogs(
  client: pg.ClientBase,
  rows: readonly LogRow[],
  reason: string,
): Promise<number> {
  await keepAlertsQuiet(client);
  const { rowCount } = await client.query(
    `with gone as (
       delete from quota.call_logs g using jsonb_to_recordset($1::jsonb) m("logId" bigint) where g.id = m."logId"
       returning g.*
     )
     insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
     select 'call-log.update', g.user_id, g.service, g.provider_call_id, $2, jsonb_build_object('userId', g.user_id),
       jsonb_build_object('userId', m."ownerId")
     from gone g join jsonb_to_recordset($1::jsonb) m("logId" bigint, "ownerId" text) on m."logId" = g.id
     order by g.user_id, g.id`,
    [JSON.stringify(rows), reason],
  );
  return rowCount ?? 0;
}
