import type pg from 'pg';
import type { Unit } from '../../values/unit.ts';

/** A custom limit of a user; null: as the plan says. Exact decimals as text. */
export interface CustomLimit {
  meter: string;
  limit: string | null;
  costLimit: string | null;
}

/** A meter of a user in the running period. */
export interface MeterTerms {
  meter: string;
  unit: Unit;
  limit: string | null;
  costLimit: string | null;
  used: string;
  periodStart: string;
  periodEnd: string;
}

export interface CurrentPlan {
  plan: string;
  timezone: string;
}

/** The user's plan of a service; undefined: none yet. `lock` keeps other changes out until the transaction ends. */
export async function selectCurrentPlan(
  client: pg.ClientBase,
  userId: string,
  service: string,
  lock = false,
): Promise<CurrentPlan | undefined> {
  const { rows } = await client.query<CurrentPlan>(
    `select plan, timezone from quota.subscriptions where user_id = $1 and service = $2
     ${lock ? 'for no key update' : ''}`,
    [userId, service],
  );
  return rows[0];
}

/** What a user has in place of the limits of a plan, by meter. */
export async function selectCustomLimits(
  client: pg.ClientBase,
  userId: string,
  plan: string,
): Promise<CustomLimit[]> {
  const { rows } = await client.query<CustomLimit>(
    `select meter, trim_scale(limit_quantity)::text as limit, trim_scale(cost_limit)::text as "costLimit"
     from quota.limit_overrides where user_id = $1 and plan = $2 order by meter`,
    [userId, plan],
  );
  return rows;
}

/** The meters of a service as they stand. */
export async function selectMeterTerms(
  client: pg.ClientBase,
  userId: string,
  service: string,
): Promise<MeterTerms[]> {
  const { rows } = await client.query<MeterTerms>(
    `select c.meter, c.unit, trim_scale(c.limit_quantity)::text as limit, trim_scale(c.cost_limit)::text as "costLimit",
       trim_scale(c.used)::text as used, c.period_start::text as "periodStart", c.period_end::text as "periodEnd"
     from quota.current_quotas($1) c where c.service = $2 order by c.meter`,
    [userId, service],
  );
  return rows;
}

/**
 * The meters of a service as a plan would make them: with the user's zone and signup where there is no subscription.
 * A period that there is keeps what is used; any other counts the calls that lie in it.
 */
export async function selectPlannedTerms(
  client: pg.ClientBase,
  userId: string,
  plan: string,
): Promise<MeterTerms[]> {
  const { rows } = await client.query<MeterTerms>(
    `select l.meter, m.unit, trim_scale(l.limit_quantity)::text as limit, trim_scale(l.cost_limit)::text as "costLimit",
       trim_scale(coalesce(q.used, (
         select sum(quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds, c.messages, c.file_size_bytes, c.quantities)) from quota.call_logs c
         where c.user_id = $1 and c.service = m.service and quota.counts_model(m.models, m.patterns, c.model)
           and c.started_at >= lower(t.period) and c.started_at < upper(t.period)), 0))::text as used,
       lower(t.period)::text as "periodStart", upper(t.period)::text as "periodEnd"
     from quota.plans p
     join quota.users u on u.id = $1
     left join quota.subscriptions s on s.user_id = u.id and s.service = p.service
     left join quota.plans former on former.key = s.plan
     cross join lateral (select coalesce(
       p.timezone, case when former.timezone is null and (s.timezone = u.timezone or quota.is_known_zone(s.timezone))
         then s.timezone end, u.timezone) as zone) z
     cross join lateral (select case
       when s.user_id is null then quota.moved_anchor(null, null, z.zone, u.created_at)
       else quota.moved_anchor(s.anchor_local, s.timezone, z.zone, u.created_at) end as anchor) a
     join quota.plan_limits l on l.plan = p.key
     join quota.meters m on m.key = l.meter
     cross join lateral (select quota.period_at(
       quota.limit_anchor(l.reset_anchor, l.boundary, a.anchor), l.reset_every, z.zone, quota.now()) as period) t
     left join quota.usage_quotas q on q.user_id = u.id and q.meter = l.meter and q.period_start = lower(t.period)
       and q.period_end = upper(t.period)
     where p.key = $2
     order by l.meter`,
    [userId, plan],
  );
  return rows;
}

/** The custom limits of a user on a plan are these and no others. Triggers take them to the running periods. */
export async function replaceCustomLimits(
  client: pg.ClientBase,
  userId: string,
  plan: string,
  limits: readonly CustomLimit[],
  reason: string | null,
): Promise<void> {
  await client.query(
    'delete from quota.limit_overrides where user_id = $1 and plan = $2 and meter <> all ($3::text[])',
    [userId, plan, limits.map(({ meter }) => meter)],
  );
  await client.query(
    `insert into quota.limit_overrides (user_id, plan, meter, limit_quantity, cost_limit, reason)
     select $1, $2, c.meter, c."limit", c."costLimit", $4
     from jsonb_to_recordset($3::jsonb) c(meter text, "limit" numeric, "costLimit" numeric)
     on conflict (user_id, plan, meter) do update
     set limit_quantity = excluded.limit_quantity, cost_limit = excluded.cost_limit, reason = excluded.reason`,
    [userId, plan, JSON.stringify(limits), reason],
  );
}

/** Puts one user on a plan; returns the id of the audit row, which holds the custom limits too. */
export async function changePlan(
  client: pg.ClientBase,
  userId: string,
  plan: string,
  audit: { reason: string; before: readonly CustomLimit[]; after: readonly CustomLimit[] },
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `select quota.change_plan(array[$1::uuid], $2, $3, null,
       jsonb_build_object('customLimits', $4::jsonb), jsonb_build_object('customLimits', $5::jsonb)) as id`,
    [userId, plan, audit.reason, JSON.stringify(audit.before), JSON.stringify(audit.after)],
  );
  return rows[0]?.id ?? '';
}

/** Users of a plan: all, or those that an earlier move brought there. */
export async function countMovable(
  client: pg.ClientBase,
  plan: string,
  movedBy: string | null,
): Promise<number> {
  const { rows } = await client.query<{ users: number }>(
    `select count(*)::integer as users from quota.subscriptions s
     where s.plan = $1 and ($2::uuid is null or exists (
       select 1 from quota.audit_log a
       where a.user_id = s.user_id and a.run_id = $2 and a.action = 'plan.changed' and a.subject = $1))`,
    [plan, movedBy],
  );
  return rows[0]?.users ?? 0;
}

export interface PlanMove {
  from: string;
  to: string;
  reason: string;
  /** Of this move, to take it back by. */
  run: string;
  movedBy: string | null;
}

/** Returns the number of users that were moved. */
export async function movePlan(client: pg.ClientBase, move: PlanMove): Promise<number> {
  const { rows } = await client.query<{ users: string }>(
    'select quota.move_plan($1, $2, $3, $4, $5) as users',
    [move.from, move.to, move.reason, move.run, move.movedBy],
  );
  return Number(rows[0]?.users ?? 0);
}
