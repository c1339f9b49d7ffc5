import type pg from 'pg';
import type { Decision, Kind } from '../match/kinds.ts';

/** A discrepancy, as far as resolving it has to know. */
export interface Candidate {
  id: string;
  reconciliationId: string;
  kind: Kind;
  isCurrent: boolean;
  isResolved: boolean;
  billed: string;
  logged: string;
  /** Of the assistant of its line; null: nobody's. */
  ownerId: string | null;
  /** What a call log could not hold: a start before 2000, more than a week. */
  isLoggable: boolean;
}

const candidate = `
  d.id, d.reconciliation_id as "reconciliationId", d.kind, d.is_current as "isCurrent", d.resolution is not null as "isResolved", d.billed, d.logged,
  d.owner_id as "ownerId", coalesce(d.started_at >= '2000-01-01' and d.started_at < '2200-01-01'
    and coalesce(d.billed_seconds, 0) between 0 and 604800 and d.billed between 0 and 999999999, false) as "isLoggable"`;

export async function selectCandidates(client: pg.ClientBase, ids: readonly string[]): Promise<Candidate[]> {
  const { rows } = await client.query<Candidate>(
    `select ${candidate} from quota.discrepancies d where d.id = any ($1) order by d.id`,
    [ids],
  );
  return rows;
}

/** All of these kinds that are open, or all that somebody has resolved. */
export async function selectCandidatesOfKinds(
  client: pg.ClientBase,
  filter: {
    reconciliationId: string;
    kinds: readonly Kind[];
    userId: string | undefined;
    areResolved: boolean;
  },
): Promise<Candidate[]> {
  const { rows } = await client.query<Candidate>(
    `select ${candidate} from quota.discrepancies d
     where d.reconciliation_id = $1 and d.kind = any ($2) and d.is_current and (d.resolution is not null) = $4
       and ($3::uuid is null or d.user_id = $3 or d.owner_id = $3)
     order by d.id`,
    [filter.reconciliationId, filter.kinds, filter.userId ?? null, filter.areResolved],
  );
  return rows;
}

/** Locks those of them that a decision is still to be made of, or taken back. Returns how many there are. */
export async function lockCandidates(
  client: pg.ClientBase,
  ids: readonly string[],
  { as, onlyOpen }: { as: Decision; onlyOpen: boolean },
): Promise<number> {
  const { rowCount } = await client.query(
    `select from quota.discrepancies d
     where d.id = any ($1) and d.is_current
       and case when $2 = 'open' then d.resolution is not null else d.resolution is null or not $3 end
     for no key update`,
    [ids, as, onlyOpen],
  );
  return rowCount ?? 0;
}

/** Returns how many there were to resolve, or to open again: then nothing is left of the decision but its audit rows. */
export async function updateResolutions(
  client: pg.ClientBase,
  ids: readonly string[],
  { as, reason, onlyOpen }: { as: Decision; reason: string; onlyOpen: boolean },
): Promise<number> {
  const { rowCount } = await (as === 'open'
    ? client.query(
        `update quota.discrepancies
         set resolution = null, reason = null, resolved_at = null, resolved_by = null
         where id = any ($1) and is_current and resolution is not null`,
        [ids],
      )
    : client.query(
        `update quota.discrepancies
         set resolution = $2, reason = $3, resolved_at = quota.now(), resolved_by = quota.actor()
         where id = any ($1) and is_current and (resolution is null or not $4)`,
        [ids, as, reason, onlyOpen],
      ));
  return rowCount ?? 0;
}

/** What most calls of a provider are logged as; undefined if it has none yet. */
export async function selectUsualService(
  client: pg.ClientBase,
  provider: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ service: string }>(
    `select service from (
       select service from quota.call_logs where provider = $1 order by started_at desc limit 1000) recent
     group by service order by count(*) desc, service limit 1`,
    [provider],
  );
  return rows[0]?.service;
}

/** A billed call as a log of it would be. Instants and decimals are text, as the server writes them. */
export interface BilledCall {
  userId: string;
  [column: string]: unknown;
}

/** The calls of these discrepancies, of those whose owners are known. */
export async function selectBilledCalls(
  client: pg.ClientBase,
  ids: readonly string[],
  service: string,
): Promise<BilledCall[]> {
  const { rows } = await client.query<{ call: BilledCall }>(
    `select jsonb_build_object('userId', d.owner_id, 'service', $2::text, 'provider', r.provider,
       'key', l.external_id, 'assistant', l.assistant_id, 'model', l.model,
       'started', coalesce(l.started_at, l.created_at),
       'ended', greatest(coalesce(l.ended_at, l.started_at + l.duration_seconds * interval '1 second'), l.started_at, l.created_at),
       'seconds', round(coalesce(l.duration_seconds, 0), 3)::text, 'cost', l.cost::text,
       'metadata', jsonb_build_object('backfilled', jsonb_build_object('export', e.sha256, 'line', l.line))) as call
     from quota.discrepancies d
     join quota.reconciliations r on r.id = d.reconciliation_id
     join quota.billing_exports e on e.id = d.export_id
     join quota.billing_lines l on l.export_id = d.export_id and l.line = d.line
     where d.id = any ($1) and d.owner_id is not null
     order by d.owner_id, l.started_at, l.line`,
    [ids, service],
  );
  return rows.map(({ call }) => call);
}

/**
 * Logs billed calls, each with its audit row. The triggers of call_logs count them against the quotas. Calls that have been
 * logged in the meantime are left alone. Returns how many were added.
 */
export async function insertBilledCalls(
  client: pg.ClientBase,
  calls: readonly BilledCall[],
  reason: string,
): Promise<number> {
  const { rowCount } = await client.query(
    `with added as (
       insert into quota.call_logs
         (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
          duration_seconds, cost, metadata, settled_by)
       select c."userId", c.service, c.provider, c.key, c.assistant, c.model, 'completed', c.started, c.ended, c.seconds,
         c.cost, c.metadata, 'bill'
       from jsonb_to_recordset($1) c("userId" uuid, service text, provider text, key text, assistant text, model text,
         started timestamptz, ended timestamptz, seconds numeric, cost numeric, metadata jsonb)
       order by c."userId", c.started
       on conflict do nothing
       returning *
     )
     insert into quota.audit_log (action, user_id, service, subject, reason, after)
     select 'call-log.backfill', a.user_id, a.service, coalesce(a.provider_call_id, a.id::text), $2,
       jsonb_build_object('provider', a.provider, 'assistantId', a.assistant_id, 'startedAt', a.started_at,
         'endedAt', a.ended_at, 'durationSeconds', a.duration_seconds::text, 'cost', a.cost::text)
     from added a order by a.user_id, a.id`,
    [JSON.stringify(calls), reason],
  );
  return rowCount ?? 0;
}

/** What the bill says of a log: its length and cost, or, of another's assistant, its owner. Decimals as text. */
export interface LogCorrection {
  logId: string;
  kind: Kind;
  ownerId: string | null;
  seconds: string | null;
  cost: string | null;
}

export async function selectLogCorrections(
  client: pg.ClientBase,
  ids: readonly string[],
): Promise<LogCorrection[]> {
  const { rows } = await client.query<LogCorrection>(
    `select d.log_id::text as "logId", d.kind, d.owner_id as "ownerId", round(l.duration_seconds, 3)::text as seconds,
       l.cost::text as cost
     from quota.discrepancies d
     join quota.billing_lines l on l.export_id = d.export_id and l.line = d.line
     where d.id = any ($1::bigint[]) and d.log_id is not null
     order by d.log_id`,
    [ids],
  );
  return rows;
}

const logState = (log: string) => `jsonb_build_object(
  'userId', ${log}.user_id, 'status', ${log}.status, 'endedAt', ${log}.ended_at,
  'durationSeconds', ${log}.duration_seconds::text, 'cost', ${log}.cost::text)`;

/**
 * Brings logs in line with their lines. The triggers of call_logs move the usage along. Returns how many logs were changed.
 */
export async function updateLogsFromBill(
  client: pg.ClientBase,
  corrections: readonly LogCorrection[],
  reason: string,
): Promise<number> {
  await client.query('drop table if exists pg_temp.corrected_logs');
  await client.query(
    `create temp table corrected_logs on commit drop as
     select g.id, c.kind, c."ownerId" as owner_id, c.seconds, c.cost, ${logState('g')} as before
     from jsonb_to_recordset($1::jsonb) c("logId" bigint, kind text, "ownerId" uuid, seconds numeric, cost numeric)
     join quota.call_logs g on g.id = c."logId"
     order by g.id for no key update of g`,
    [JSON.stringify(corrections)],
  );
  await client.query(
    `update quota.call_logs g
     set user_id = case c.kind when 'attribution_mismatch' then c.owner_id else g.user_id end,
       duration_seconds = case c.kind when 'attribution_mismatch' then g.duration_seconds else coalesce(c.seconds, g.duration_seconds) end,
       ended_at = case when c.kind = 'attribution_mismatch' or c.seconds is null then g.ended_at
         else g.started_at + c.seconds * interval '1 second' end,
       cost = case c.kind when 'attribution_mismatch' then g.cost else coalesce(c.cost, g.cost) end,
       status = case when c.kind <> 'attribution_mismatch' and g.status = 'active' then 'completed'
         when c.kind <> 'attribution_mismatch' and quota.is_estimate(g.settled_by) then 'completed'
         else g.status end,
       error_message = case when c.kind <> 'attribution_mismatch' and quota.is_estimate(g.settled_by)
         then null else g.error_message end,
       settled_by = case c.kind when 'attribution_mismatch' then g.settled_by else 'bill' end
     from pg_temp.corrected_logs c where g.id = c.id`,
  );
  const { rowCount } = await client.query(
    `insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
     select 'call-log.update', g.user_id, g.service, coalesce(g.provider_call_id, g.id::text), $1,
       (select jsonb_object_agg(key, value) from jsonb_each(c.before) where value is distinct from ${logState('g')} -> key),
       (select jsonb_object_agg(key, value) from jsonb_each(${logState('g')}) where value is distinct from c.before -> key)
     from pg_temp.corrected_logs c join quota.call_logs g on g.id = c.id order by g.id`,
    [reason],
  );
  return rowCount ?? 0;
}
