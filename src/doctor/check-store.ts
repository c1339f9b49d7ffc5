import type pg from 'pg';
import { rollBack } from '../db/transaction.ts';

/** What a check found: how many, and the first of them. */
export interface Found {
  count: number;
  findings: Readonly<Record<string, unknown>>[];
}

export interface Examination {
  /** Null: all users. */
  userId: string | null;
  /** Of each check. */
  findingsMax: number;
}

/**
 * Runs the query of a check. Each sees one snapshot; `$1` is the user. A check of everybody reads whole tables, and joins
 * them by hash: a planner that takes a sum of a million calls for a few rows would look them up one by one. One whose rows it can
 * count (`isByKeys`) it may plan as it likes.
 */
export async function selectFindings(
  client: pg.ClientBase,
  { sql, isByKeys = false }: { sql: string; isByKeys?: boolean | undefined },
  { userId, findingsMax }: Examination,
): Promise<Found> {
  await client.query('begin transaction read only');
  try {
    if (userId === null) {
      await (isByKeys ? giveMemory(client) : readWholeTables(client));
    }
    return await selectFound(client, sql, userId, findingsMax);
  } finally {
    await rollBack(client);
  }
}

const giveMemory = (client: pg.ClientBase) => client.query(`set local work_mem = '128MB'`);

/** Until the end of the transaction that is open. */
export const readWholeTables = async (client: pg.ClientBase) => {
  await giveMemory(client);
  await client.query('set local enable_nestloop = off');
};

/** Within a transaction of the caller. */
export async function selectFound(
  client: pg.ClientBase,
  sql: string,
  whom: string | readonly string[] | null,
  findingsMax: number,
): Promise<Found> {
  const { rows } = await client.query<Found>(
    `with found as materialized (${sql})
     select (select count(*) from found)::integer as count,
       coalesce((select json_agg(f) from (select * from found limit $2) f), '[]') as findings`,
    [whom, findingsMax],
  );
  return rows[0] ?? { count: 0, findings: [] };
}

/** Once for a query; row by row it would read settings and ask for rights. */
export const now = '(select quota.now())';

/** ISO 8601 UTC; null for the bounds of a lifetime. */
export const iso = (column: string) =>
  `case when isfinite(${column}) then to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`;

/** What is set aside must follow from the calls that run. Leases whose time is over are for the job. */
export const wrongSessions = `
  select u.external_id as "externalId", w.service, coalesce(l.provider_call_id, w.call_log_id::text) as session, w.problem,
    c.reserved::text as reserved, c.progress::text as progress, ${iso('w.expires_at')} as "expiresAt"
  from quota.wrong_leases($1) w
  join quota.concurrent_processing c on c.user_id = w.user_id and c.id = w.id
  join quota.users u on u.id = w.user_id
  left join quota.call_logs l on l.id = w.call_log_id
  where w.call_log_id is not null
  order by u.external_id, w.call_log_id`;

/** Nobody has settled what nobody ended: the job does not run. */
export const unsettledSessions = `
  select u.external_id as "externalId", c.service, coalesce(l.provider_call_id, c.call_log_id::text) as session,
    c.reserved::text as reserved, ${iso('c.expires_at')} as "expiredAt"
  from quota.concurrent_processing c
  join quota.users u on u.id = c.user_id
  left join quota.call_logs l on l.id = c.call_log_id
  where ($1::uuid is null or c.user_id = $1) and c.expires_at < ${now} - interval '1 hour'
  order by c.expires_at, u.external_id`;

/** Zones that this server does not know: nothing can be worked out in them. Each zone is looked up once: by "offset 0". */
export const unknownZones = `
  select u.external_id as "externalId", s.service, s.timezone, ${iso('s.next_reset_at')} as "resetDueSince"
  from quota.subscriptions s
  join quota.users u on u.id = s.user_id
  where ($1::uuid is null or s.user_id = $1) and s.timezone in (
    select z.timezone from (select distinct timezone from quota.subscriptions offset 0) z
    where not quota.is_known_zone(z.timezone))
  order by u.external_id, s.service`;

/** Roles that are registered and are not what was meant, or that nobody has looked at since an upgrade. */
export const doubtfulLogins = `
  select l.role_name as role, l.speaks_for as "speaksFor", l.state
  from quota.known_logins() l
  where $1::uuid is null and l.state in ('carried', 'renamed', 'gone')
  order by l.role_name`;

/** What is dated after now: a run with a clock that was ahead, or with --as-of. */
export const aheadOfTime = `
  select u.external_id as "externalId", s.service, ${iso('s.last_reset_at')} as "lastResetAt",
    ${iso('s.next_reset_at')} as "nextResetAt"
  from quota.subscriptions s
  join quota.users u on u.id = s.user_id
  where ($1::uuid is null or s.user_id = $1) and s.last_reset_at > ${now}
  order by s.last_reset_at desc, u.external_id, s.service`;

/**
 * Runs and facts that are dated after now. Apps may be 5 minutes ahead, as where calls are recorded; a run of a clock
 * that was ahead stays in the list of runs when its resets are taken back.
 */
export const rowsAhead = `
  select * from (
    select 'run of a job' as what, r.job as name, null as "externalId", ${iso('r.as_of')} as at
    from quota.job_runs r where $1::uuid is null and r.as_of > ${now} + interval '5 minutes'
    union all
    select 'call', c.service, u.external_id, ${iso('c.started_at')}
    from quota.call_logs c join quota.users u on u.id = c.user_id
    where ($1::uuid is null or c.user_id = $1) and c.started_at > ${now} + interval '5 minutes'
    union all
    select 'adjustment', a.meter, u.external_id, ${iso('a.created_at')}
    from quota.adjustments a join quota.users u on u.id = a.user_id
    where ($1::uuid is null or a.user_id = $1) and a.created_at > ${now} + interval '5 minutes'
    union all
    select 'grant', g.meter, u.external_id, ${iso('g.created_at')}
    from quota.grants g join quota.users u on u.id = g.user_id
    where ($1::uuid is null or g.user_id = $1) and g.created_at > ${now} + interval '5 minutes'
  ) ahead
  order by at desc, what, name`;

/** Inlined: as a function of its own it would be called for each quota. */
const isExhausted = 'quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)';

/** Time alone can make a period the running one, or let a grant expire: then no trigger has seen it. */
export const unmarkedQuotas = `
  select u.external_id as "externalId", q.meter, q.used::text as used,
    (q.limit_quantity + q.granted)::text as allowance, ${iso('q.exhausted_at')} as "exhaustedAt",
    ${iso('s.limit_enforced_at')} as "limitEnforcedAt"
  from quota.usage_quotas q
  join quota.meters m on m.key = q.meter
  join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
  join quota.users u on u.id = q.user_id
  where ($1::uuid is null or q.user_id = $1) and not q.superseded and q.closed_at is null
    and q.period_start <= ${now} and q.period_end > ${now}
    and (${isExhausted} <> (q.exhausted_at is not null) or (${isExhausted} and q.on_exceeded = 'limit_assistants'))
    and (${isExhausted} <> (q.exhausted_at is not null) or (not quota.in_shadow(m.service) and s.limit_enforced_at is null))
  order by u.external_id, q.meter`;

export const dueResets = `
  select s.plan, count(*)::integer as users, ${iso('min(s.next_reset_at)')} as "oldestDueAt"
  from quota.subscriptions s
  where ($1::uuid is null or s.user_id = $1) and s.next_reset_at <= ${now}
  group by s.plan
  order by min(s.next_reset_at)`;

export const tooManyAssistants = `
  select u.external_id as "externalId", s.plan, p.max_assistants as allowed, a.count as assistants
  from (
    select user_id, count(*)::integer as count from quota.assistants
    where state = 'active' and ($1::uuid is null or user_id = $1)
    group by user_id
  ) a
  join quota.subscriptions s on s.user_id = a.user_id
  join quota.plans p on p.key = s.plan and p.max_assistants < a.count
  join quota.users u on u.id = a.user_id
  order by a.count - p.max_assistants desc, u.external_id`;

/** Longer than any drain that is at work: whoever should do it does not. */
export const unfinishedAssistants = `
  select u.external_id as "externalId", a.provider_assistant_id as "providerAssistantId", l.desired, l.status, l.attempts,
    l.last_error as "lastError", ${iso('l.requested_at')} as "requestedAt"
  from quota.assistant_limits l
  join quota.assistants a on a.id = l.assistant_id
  join quota.users u on u.id = l.user_id
  where ($1::uuid is null or l.user_id = $1)
    and (l.status = 'failed' or (l.status = 'pending' and l.requested_at < quota.now() - interval '1 hour'))
  order by l.status, l.requested_at, a.provider_assistant_id`;

/** What an assistant is to be follows from its owner: triggers see to it, also when it changes hands. */
export const strayLimits = `
  select u.external_id as "externalId", a.provider_assistant_id as "providerAssistantId", l.desired, l.status,
    case when l.user_id <> a.user_id then 'its limit is still that of its former owner'
      else 'it is limited, its owner is not' end as problem
  from quota.assistant_limits l
  join quota.assistants a on a.id = l.assistant_id
  join quota.users u on u.id = a.user_id
  where ($1::uuid is null or a.user_id = $1)
    and (l.user_id <> a.user_id
      or (l.desired = 'limited' and l.status <> 'gone' and a.held is distinct from 'limited' and not exists (
        select from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null)))
  order by u.external_id, a.provider_assistant_id`;

/** Made, found again or taken over behind the back of the triggers. */
export const unlimitedAssistants = `
  select u.external_id as "externalId", a.provider_assistant_id as "providerAssistantId", l.desired, l.status
  from (select distinct user_id from quota.subscriptions where limit_enforced_at is not null) s
  join quota.users u on u.id = s.user_id
  join quota.assistants a on a.user_id = s.user_id and a.state = 'active' and not a.is_gated
    and a.held is distinct from 'original'
  left join quota.assistant_limits l on l.assistant_id = a.id
  where ($1::uuid is null or a.user_id = $1) and (l.assistant_id is null or l.desired <> 'limited' or l.status = 'gone')
  order by u.external_id, a.provider_assistant_id`;

export const namedErased = `
  select u.external_id as "externalId", a.provider_assistant_id as "providerAssistantId"
  from quota.assistants a join quota.users u on u.id = a.user_id
  where ($1::uuid is null or a.user_id = $1) and u.erased_at is not null and a.name is not null
  order by u.external_id, a.provider_assistant_id`;

/** What an app wrote and could not be counted; shown once the job must have tried it. */
export const deadRows = `
  select s.product, s.name as source, d.key, d.operation, d.reason, d.attempts, ${iso('d.buried_at')} as "buriedAt"
  from quota.adopt_dead d join quota.adopt_sources s on s.id = d.source
  where $1::uuid is null
  order by d.buried_at, d.id`;

/** Another database has to be looked at: it does not tell. */
export const unfollowedSources = `
  select s.product, s.name as source, ${iso('s.followed_at')} as "followedAt",
    extract(epoch from quota.now() - s.followed_at)::integer as "lagSeconds", s.follow_error as error
  from quota.adopt_sources s
  where $1::uuid is null and s.is_attached and s.reading is not null and s.backfilled_at is not null
    and (s.follow_error is not null or coalesce(s.followed_at < quota.now() - interval '10 minutes', true))
  order by s.followed_at nulls first, s.id`;

/** Columns of the app that should follow ours. */
export const failedMirrors = `
  select m.product, m.relation, m.meter, m.error, ${iso('m.failed_at')} as "failedAt"
  from quota.adopt_mirrors m
  where $1::uuid is null and m.error is not null
  order by m.failed_at, m.id`;

/** Whoever changes a counter that is not told to the app's Redis makes the app read what was. */
export const waitingCounters = `
  select o.meter, count(*)::integer as changes, ${iso('min(o.created_at)')} as "oldestAt"
  from quota.cache_outbox o
  where $1::uuid is null or o.user_id = $1
  group by o.meter
  having min(o.created_at) < quota.now() - interval '1 hour'
  order by o.meter`;

/** A run holds the lock of its job for as long as it lives. */
export const deadRuns = `
  select r.job, r.id as "runId", r.status, ${iso('r.started_at')} as "startedAt", r.error
  from (select distinct on (job) * from quota.job_runs order by job, started_at desc, id) r
  where $1::uuid is null and (r.status in ('failed', 'incomplete', 'abandoned') or r.id in (select d.id from quota.dead_runs() d))
  order by r.started_at`;

/** A command that was killed: until it is taken back, calls are refused from some month on, or each costs more. */
export const leftPartition = `
  select l.what from quota.left_by_partition() l(what) where $1::uuid is null`;

/** Rows of a move that was broken off before the user was let go of, or before they were unpacked. */
export const leftMoves = `
  select a.user_id as "userId", a.shard as "from", ${iso('a.packed_at')} as "packedAt"
  from quota.arriving_users a
  where ($1::uuid is null or a.user_id = $1) and a.packed_at < ${now} - interval '1 hour'
  order by a.packed_at, a.user_id`;
