import type pg from 'pg';
import type { LimitDefinition, PlanDefinition } from './plan.ts';

/** A plan with what only the database knows of it. */
export interface StoredPlan {
  definition: PlanDefinition;
  version: number;
  subscribers: number;
}

/** All plans, or those with these keys, by service and key. */
export async function selectPlans(
  client: pg.ClientBase,
  keys: readonly string[] | null,
): Promise<StoredPlan[]> {
  const { rows } = await client.query<StoredPlan>(
    `select quota.plan_definition(p.key) as definition, p.version,
       (select count(*)::integer from quota.subscriptions s where s.plan = p.key) as subscribers
     from quota.plans p
     where $1::text[] is null or p.key = any ($1)
     order by p.service, p.is_default desc, p.key`,
    [keys],
  );
  return rows;
}

/** Keeps other changes of plans out until the transaction ends; subscribing goes on. */
export async function lockPlans(client: pg.ClientBase): Promise<void> {
  await client.query('select from quota.plans order by key for no key update');
}

export async function selectTimezones(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from pg_timezone_names');
  return rows.map(({ name }) => name);
}

/** The fields of the plans, without their limits; the version goes up where a plan was there. */
export async function upsertPlans(client: pg.ClientBase, plans: readonly PlanDefinition[]): Promise<void> {
  const definitions = [JSON.stringify(plans)];
  // One default per service: the former one steps back first.
  await client.query(
    `update quota.plans p set is_default = false
     from jsonb_to_recordset($1::jsonb) d(key text, "isDefault" boolean)
     where p.key = d.key and p.is_default and not d."isDefault"`,
    definitions,
  );
  await client.query(
    `insert into quota.plans as p (key, service, name, timezone, max_assistants, max_file_bytes, max_concurrent,
       max_session_seconds, lease_seconds, allowed_models, is_default, anonymous, upgrade_to, limited_state,
       features, enforce_max_assistants)
     select d.key, d.service, d.name, d.timezone, d."maxAssistants", d."maxFileBytes", d."maxConcurrent",
       d."maxSessionSeconds", d."leaseSeconds", d."allowedModels", d."isDefault", d.anonymous, d."upgradeTo", d."limitedState",
       d.features, d."enforceMaxAssistants"
     from jsonb_to_recordset($1::jsonb) d(key text, service text, name text, timezone text, "maxAssistants" integer,
       "maxFileBytes" bigint, "maxConcurrent" integer, "maxSessionSeconds" numeric, "leaseSeconds" numeric,
       "allowedModels" text[], "isDefault" boolean, anonymous boolean, "upgradeTo" text, "limitedState" jsonb, features jsonb,
       "enforceMaxAssistants" boolean)
     on conflict (key) do update
     set name = excluded.name, timezone = excluded.timezone, max_assistants = excluded.max_assistants,
       max_file_bytes = excluded.max_file_bytes, max_concurrent = excluded.max_concurrent,
       max_session_seconds = excluded.max_session_seconds, lease_seconds = excluded.lease_seconds,
       allowed_models = excluded.allowed_models, is_default = excluded.is_default, anonymous = excluded.anonymous, upgrade_to = excluded.upgrade_to,
       limited_state = excluded.limited_state, features = excluded.features,
       enforce_max_assistants = excluded.enforce_max_assistants, version = p.version + 1`,
    definitions,
  );
}

/** The limits of the plans are these and no others. */
export async function replaceLimits(client: pg.ClientBase, plans: readonly PlanDefinition[]): Promise<void> {
  const limits = plans.flatMap(({ key, limits }) =>
    limits.map((limit): LimitDefinition & { plan: string } => ({ plan: key, ...limit })),
  );
  await client.query(
    `delete from quota.plan_limits l
     where l.plan = any ($1) and (l.plan, l.meter) not in (
       select d.plan, d.meter from jsonb_to_recordset($2::jsonb) d(plan text, meter text))`,
    [plans.map(({ key }) => key), JSON.stringify(limits)],
  );
  await client.query(
    `insert into quota.plan_limits
       (plan, meter, limit_quantity, cost_limit, unit_price, reset_every, reset_anchor, boundary, warn_at, on_exceeded)
     select d.plan, d.meter, d."limit", d."costLimit", d."unitPrice", d."resetEvery", d."resetAnchor", d.boundary,
       d."warnAt", d."onExceeded"
     from jsonb_to_recordset($1::jsonb) d(plan text, meter text, "limit" numeric, "costLimit" numeric,
       "unitPrice" numeric, "resetEvery" interval, "resetAnchor" text, boundary text, "warnAt" integer[],
       "onExceeded" text)
     on conflict (plan, meter) do update
     set limit_quantity = excluded.limit_quantity, cost_limit = excluded.cost_limit, unit_price = excluded.unit_price,
       reset_every = excluded.reset_every, reset_anchor = excluded.reset_anchor, boundary = excluded.boundary,
       warn_at = excluded.warn_at, on_exceeded = excluded.on_exceeded`,
    [JSON.stringify(limits)],
  );
}

/** Keeps the plans as they now are in the history of versions. */
export async function insertPlanVersions(
  client: pg.ClientBase,
  keys: readonly string[],
  reason: string | null,
): Promise<void> {
  await client.query(
    `insert into quota.plan_versions (plan, version, definition, reason)
     select p.key, p.version, quota.plan_definition(p.key), $2 from quota.plans p where p.key = any ($1)`,
    [keys, reason],
  );
}

/** Opens the running periods of subscribers that have none yet, with the terms that hold before a change. */
export async function openRunningPeriods(client: pg.ClientBase, plans: readonly string[]): Promise<void> {
  await client.query('select quota.open_running_periods($1)', [plans]);
}

/** Plans with running periods that have other terms than they would get now, and whether prices are among these. */
export async function selectOutdated(
  client: pg.ClientBase,
  plans: readonly string[],
): Promise<{ key: string; isRepriced: boolean }[]> {
  const { rows } = await client.query<{ key: string; isRepriced: boolean }>(
    `select l.plan as key, bool_or(q.unit_price is distinct from l.unit_price) as "isRepriced"
     from quota.user_limits l
     join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter and q.closed_at is null and not q.superseded
       and q.period_start <= quota.now() and q.period_end > quota.now()
     where l.plan = any ($1) and (q.limit_quantity, q.cost_limit, q.unit_price, q.warn_at, q.on_exceeded)
       is distinct from (l.limit_quantity, l.cost_limit, l.unit_price, l.warn_at, l.on_exceeded)
     group by l.plan`,
    [plans],
  );
  return rows;
}

/** Gives periods that were opened ahead the terms that plans have now: they have not begun, and keep nothing. */
export async function takeTermsAhead(client: pg.ClientBase, plans: readonly string[]): Promise<void> {
  await client.query(
    `select quota.take_terms_ahead(array(
       select distinct s.user_id from quota.subscriptions s
       join quota.meters m on m.service = s.service
       join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key and q.period_start > quota.now()
       where s.plan = any ($1)))`,
    [plans],
  );
}

/**
 * Gives subscribers of plans whose time zone the server does not know any more the zone that the plan, else the user, has
 * now: nothing can be kept of periods that cannot be reckoned. Returns the ids of the audit rows.
 */
export async function replaceUnknownZones(
  client: pg.ClientBase,
  plans: readonly string[],
  reason: string | null,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `with unknown as (
       select z.timezone
       from (select distinct timezone from quota.subscriptions where plan = any ($1) offset 0) z
       where not quota.is_known_zone(z.timezone)
     ), lost as (
       select s.plan, array_agg(s.user_id order by s.user_id) as users
       from quota.subscriptions s where s.plan = any ($1) and s.timezone in (select timezone from unknown)
       group by s.plan
     )
     select c.id::text from lost l cross join lateral quota.change_plan(l.users, l.plan, $2) c(id)`,
    [plans, reason],
  );
  return rows.map(({ id }) => id);
}

/** Some of the subscribers of plans: so many users after one. */
export interface SubscriberGroup {
  after: string | null;
  users: number;
}

/**
 * Gives running periods the terms that plans have now, and enforces them: of all subscribers, or of a group.
 * Returns how many users it concerned, and the last of them.
 */
export async function retakePlanTerms(
  client: pg.ClientBase,
  plans: readonly string[],
  recount: boolean,
  group?: SubscriberGroup,
): Promise<{ users: number; last: string | null }> {
  const { rows } = await client.query<{ users: number; last: string | null }>(
    'select r.users, r.last_user as last from quota.retake_plan_terms($1, $2, $3, $4) r',
    [plans, recount, group?.after ?? null, group?.users ?? null],
  );
  return rows[0] ?? { users: 0, last: null };
}
