import type pg from 'pg';
import type { Unit } from '../../values/unit.ts';

/** A call that runs, or whose figures are an estimate, or - looked up by its key - that is over. */
export interface SessionState {
  callLogId: string;
  /** The app's key of it. */
  key: string | null;
  /** External id. */
  user: string;
  userId: string;
  service: string;
  unit: Unit;
  provider: string | null;
  /** `estimated`: nobody told its end. `ended`: somebody did. */
  state: 'running' | 'estimated' | 'ended';
  startedAt: string;
  /** What counts, in the unit of the service: of an estimate the estimated figure. An exact decimal as text; null: unknown. */
  quantity: string | null;
  cost: string | null;
  isEstimate: boolean;
  /** Who told the figure: null its end, else `nobody`, `reservation`, `heartbeat`, `operator` or `bill`. */
  settledBy: string | null;
  /** What it has set aside, and used as it last told; null: it has no lease. */
  reserved: string | null;
  progress: string | null;
  touchedAt: string | null;
  expiresAt: string | null;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const columns = `
  l.id as "callLogId", l.provider_call_id as key, u.external_id as "user", l.user_id as "userId", l.service, m.unit, l.provider,
  case when l.status = 'active' then 'running' when quota.is_estimate(l.settled_by) then 'estimated' else 'ended' end as state,
  ${iso('l.started_at')} as "startedAt",
  quota.told_quantity(l)::text as quantity, trim_scale(l.cost)::text as cost,
  coalesce(quota.is_estimate(l.settled_by), false) as "isEstimate", l.settled_by as "settledBy", c.reserved::text as reserved,
  c.progress::text as progress, ${iso('c.touched_at')} as "touchedAt", ${iso('c.expires_at')} as "expiresAt"`;

const joins = `
  join quota.users u on u.id = l.user_id
  cross join lateral quota.service_unit(l.service) m(unit)
  left join quota.concurrent_processing c on c.user_id = l.user_id and c.call_log_id = l.id`;

export interface SessionFilter {
  /** Undefined: of everybody. */
  userId: string | undefined;
  limit: number;
}

/** Sessions that run and calls whose figures are estimates, the latest first. */
export async function selectSessions(
  client: pg.ClientBase,
  { userId, limit }: SessionFilter,
): Promise<SessionState[]> {
  const { rows } = await client.query<SessionState>(
    `select ${columns}
     from (
       select c.call_log_id as id from quota.concurrent_processing c where $1::uuid is null or c.user_id = $1
       union
       select l.id from quota.call_logs l
       where l.settled_by in ('nobody', 'reservation', 'heartbeat') and ($1::uuid is null or l.user_id = $1)
     ) s
     join quota.call_logs l on l.id = s.id ${joins}
     order by l.started_at desc, l.id desc limit $2`,
    [userId, limit],
  );
  return rows;
}

export interface SessionReference {
  key: string;
  provider: string | undefined;
  userId: string | undefined;
}

/** The calls of a key: of the provider that is named, else of any that runs, is an estimate or has a service's name. */
export async function selectSessionsByKey(
  client: pg.ClientBase,
  { key, provider, userId }: SessionReference,
): Promise<SessionState[]> {
  const { rows } = await client.query<SessionState>(
    `select ${columns}
     from (
       select l.id from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
       where l.provider_call_id = $1
       union
       select l.id from quota.call_logs l
       where l.settled_by in ('nobody', 'reservation', 'heartbeat') and l.provider_call_id = $1
       union
       select l.id from quota.call_logs l
       where l.provider = any (array(select distinct service from quota.meters) || $2::text) and l.provider_call_id = $1
       union
       select l.id from quota.call_logs l where l.id = case when $1 ~ '^[0-9]{1,18}$' then $1::bigint end
     ) s
     join quota.call_logs l on l.id = s.id ${joins}
     where ($2::text is null or l.provider = $2) and ($3::uuid is null or l.user_id = $3)
     order by l.provider_call_id is distinct from $1, l.id`,
    [key, provider ?? null, userId ?? null],
  );
  return rows;
}

export interface SessionEnd {
  callLogId: string;
  seconds: string | null;
  messages: string | null;
  /** Of another unit, by its name. */
  quantities: Readonly<Record<string, string>> | null;
  cost: string | undefined;
}

/** Settles a call that runs or is an estimate. @returns false when somebody told its end in the meantime */
export async function updateSettled(
  client: pg.ClientBase,
  { callLogId, seconds, messages, quantities, cost }: SessionEnd,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update quota.call_logs l
     set status = 'completed', duration_seconds = coalesce($2, l.duration_seconds, 0),
       ended_at = l.started_at + make_interval(secs => coalesce($2, l.duration_seconds, 0)::float8),
       messages = coalesce($3, l.messages), cost = coalesce($4, l.cost),
       quantities = coalesce(l.quantities || q.told, q.told, l.quantities), error_message = null, settled_by = 'operator'
     from (select jsonb_object_agg(key, value::numeric) as told from jsonb_each_text($5)) q
     where l.id = $1 and (l.status = 'active' or quota.is_estimate(l.settled_by))`,
    [callLogId, seconds, messages, cost ?? null, quantities === null ? null : JSON.stringify(quantities)],
  );
  return rowCount === 1;
}
