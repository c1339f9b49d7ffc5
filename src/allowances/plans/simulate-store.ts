import type pg from 'pg';
import type { MeterDefinition } from '../meters/meter.ts';
import type { PlanDefinition } from './plan.ts';

/** A period of a user in which calls would have been refused. Quantities and money are exact decimals as text. */
export interface SimulatedBlock {
  externalId: string;
  service: string;
  plan: string;
  meter: string;
  /** ISO 8601 UTC; both null: a lifetime. */
  period: { start: string | null; end: string | null };
  limit: string | null;
  costLimit: string | null;
  /** When the call began that reached the limit; null: there was nothing to reach. */
  reachedAt: string | null;
  /** When the first call began that would have been refused, and its id. */
  blockedAt: string;
  callId: string;
  calls: number;
  quantity: string;
  cost: string;
}

export interface SimulatedTotals {
  users: number;
  calls: number;
  cost: string;
}

interface Simulation {
  definitions: readonly PlanDefinition[];
  /** As the file defines them, in place of those that there are. */
  meters: readonly MeterDefinition[];
  /** The plan whose users are looked at; null: of each plan its own. */
  usersOf: string | null;
  /** ISO 8601; `to` is exclusive. */
  from: string;
  to: string;
}

const parameters = ({ definitions, meters, usersOf, from, to }: Simulation) => [
  JSON.stringify(
    definitions.flatMap(({ key, timezone, limits }) =>
      limits.map((limit) => ({ plan: key, timezone, usersOf: usersOf ?? key, ...limit })),
    ),
  ),
  from,
  to,
  JSON.stringify(meters),
];

const termsQuery = `defined as (
    select key, service, unit, measure, models, patterns from quota.meter_definitions($4)
    union all
    select m.key, m.service, m.unit, m.measure, m.models, m.patterns from quota.meters m
    where not exists (select from quota.meter_definitions($4) d where d.key = m.key)
  ), terms as (
    select t.*, m.service, m.unit, m.measure, m.models, m.patterns
    from jsonb_to_recordset($1::jsonb) t(plan text, timezone text, "usersOf" text, meter text, "limit" numeric,
      "costLimit" numeric, "unitPrice" numeric, "resetEvery" interval, "resetAnchor" text, boundary text)
    join defined m on m.key = t.meter
  )`;

/** What there was: users of the plans, their calls in the time, and what those cost. */
export async function selectSimulatedTotals(
  client: pg.ClientBase,
  simulation: Simulation,
): Promise<SimulatedTotals> {
  const { rows } = await client.query<SimulatedTotals>(
    `with ${termsQuery}, prices as (
       select distinct on ("usersOf", service) "usersOf", service, unit, measure, "unitPrice"
       from terms order by "usersOf", service, models nulls first
     )
     select count(distinct s.user_id)::integer as users, count(c.id)::integer as calls,
       trim_scale(coalesce(sum(quota.cost_of(c.cost, p.unit,
         quota.quantity_of(p.unit, p.measure, c.status, c.duration_seconds, c.messages, c.file_size_bytes, c.quantities), p."unitPrice")) filter (where c.id is not null), 0))::text as cost
     from prices p
     join quota.subscriptions s on s.plan = p."usersOf" and s.service = p.service
     left join quota.call_logs c on c.user_id = s.user_id and c.service = s.service
       and c.started_at >= $2 and c.started_at < $3`,
    parameters(simulation),
  );
  return rows[0] ?? { users: 0, calls: 0, cost: '0' };
}

/**
 * Replays the calls in the order in which they began. A call is refused when what the calls before it used up, the
 * refused ones left out, has reached a limit of its period; it counts nowhere then. Meters of some models come first:
 * what they refuse does not count on the meter of all.
 */
export async function selectSimulatedBlocks(
  client: pg.ClientBase,
  simulation: Simulation,
): Promise<SimulatedBlock[]> {
  const { rows } = await client.query<SimulatedBlock>(
    `with ${termsQuery}, windows as materialized (
       select s.user_id, t.service, t.plan, t.meter, t.unit, t.measure, t.models, t.patterns, t."unitPrice" as unit_price,
         coalesce(o.limit_quantity, t."limit") as limit_quantity, coalesce(o.cost_limit, t."costLimit") as cost_limit,
         lower(p.period) as starts, upper(p.period) as ends
       from terms t
       join quota.subscriptions s on s.plan = t."usersOf" and s.service = t.service
       join quota.users u on u.id = s.user_id
       left join quota.limit_overrides o on o.user_id = s.user_id and o.plan = t.plan and o.meter = t.meter
       cross join lateral (select coalesce(t.timezone, s.timezone) as zone) z
       cross join lateral quota.periods_between(
         quota.limit_anchor(t."resetAnchor", t.boundary, case when z.zone = s.timezone then s.anchor_local
           else quota.moved_anchor(s.anchor_local, s.timezone, z.zone, u.created_at) end),
         t."resetEvery", z.zone, $2::timestamptz, $3::timestamptz - interval '1 microsecond') p(period)
     ), parts as materialized (${replayQuery('w.models is not null and quota.counts_model(w.models, w.patterns, c.model)')}
     ), wholes as (${replayQuery(`w.models is null and not exists (
         select 1 from parts p where p.id = c.id and p.refused)`)}
     ), replayed as (
       select * from parts union all select * from wholes
     ), blocks as (
       select user_id, service, plan, meter, starts, ends, limit_quantity, cost_limit,
         min(started_at) filter (where not refused and reaches) as reached_at,
         min(started_at) filter (where refused and started_at >= $2) as blocked_at,
         (array_agg(id order by started_at, id) filter (where refused and started_at >= $2))[1] as call_id,
         count(*) filter (where refused and started_at >= $2) as calls,
         sum(quantity) filter (where refused and started_at >= $2) as quantity,
         sum(cost) filter (where refused and started_at >= $2) as cost
       from replayed
       group by user_id, service, plan, meter, starts, ends, limit_quantity, cost_limit
       having bool_or(refused and started_at >= $2)
     )
     select u.external_id as "externalId", b.service, b.plan, b.meter,
       json_build_object('start', ${isoInstant('b.starts')}, 'end', ${isoInstant('b.ends')}) as period,
       trim_scale(b.limit_quantity)::text as limit, trim_scale(b.cost_limit)::text as "costLimit",
       ${isoInstant('b.reached_at')} as "reachedAt", ${isoInstant('b.blocked_at')} as "blockedAt",
       b.call_id::text as "callId", b.calls::integer as calls, trim_scale(b.quantity)::text as quantity,
       trim_scale(b.cost)::text as cost
     from blocks b join quota.users u on u.id = b.user_id
     order by b.cost desc, b.calls desc, u.external_id, b.meter, b.starts`,
    parameters(simulation),
  );
  return rows;
}

/** The calls of each window with what was used before them; refused: nothing was left when they began. */
function replayQuery(condition: string): string {
  return `
       select r.*,
         coalesce(r.used_before >= r.limit_quantity, false) or coalesce(r.cost_before >= r.cost_limit, false) as refused,
         coalesce(r.used_before + r.quantity >= r.limit_quantity, false)
           or coalesce(r.cost_before + r.cost >= r.cost_limit, false) as reaches
       from (
         select w.user_id, w.service, w.plan, w.meter, w.starts, w.ends, w.limit_quantity, w.cost_limit, c.id,
           c.started_at, v.quantity, v.cost,
           sum(v.quantity) over calls - v.quantity as used_before, sum(v.cost) over calls - v.cost as cost_before
         from windows w
         join quota.call_logs c on c.user_id = w.user_id and c.service = w.service
           and c.started_at >= w.starts and c.started_at < w.ends and c.started_at < $3
         cross join lateral (
           select quota.quantity_of(w.unit, w.measure, c.status, c.duration_seconds, c.messages, c.file_size_bytes,
             c.quantities) as quantity) n
         cross join lateral (
           select n.quantity, quota.cost_of(c.cost, w.unit, n.quantity, w.unit_price) as cost) v
         where ${condition}
         window calls as (partition by w.user_id, w.meter, w.starts order by c.started_at, c.id)
       ) r`;
}

/** Null for the bounds of a lifetime. */
function isoInstant(column: string): string {
  return `case when isfinite(${column}) then to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`;
}

/** Money is added up by the database, which does it exactly. */
export async function selectSums(
  client: pg.ClientBase,
  blocks: readonly SimulatedBlock[],
): Promise<SimulatedTotals[]> {
  const { rows } = await client.query<SimulatedTotals>(
    `select count(distinct b.user_name)::integer as users, coalesce(sum(b.calls), 0)::integer as calls,
       trim_scale(coalesce(sum(b.cost), 0))::text as cost
     from unnest($1::text[], $2::integer[], $3::numeric[]) b(user_name, calls, cost)`,
    [
      blocks.map(({ externalId }) => externalId),
      blocks.map(({ calls }) => calls),
      blocks.map(({ cost }) => cost),
    ],
  );
  return rows;
}
