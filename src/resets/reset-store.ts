import type pg from 'pg';
import type { AssistantStatus, QuotaState, QuotaUsage } from '../usage/usage.ts';

/** A meter of a user in the running period, as it stands and as a reset would leave it. */
export interface ResettableMeter {
  service: string;
  meter: string;
  unit: QuotaUsage['unit'];
  limit: string | null;
  onExceeded: QuotaUsage['onExceeded'];
  used: string;
  cost: string;
  state: QuotaState;
  /** Whether even nothing used is too much. */
  exceededAfter: boolean;
  closedAt: Date | null;
  limitEnforcedAt: Date | null;
}

export async function selectResettableMeters(
  client: pg.ClientBase,
  userId: string,
): Promise<ResettableMeter[]> {
  const { rows } = await client.query<ResettableMeter>(
    `select c.service, c.meter, c.unit, c.limit_quantity::text as "limit", c.on_exceeded as "onExceeded",
       c.used::numeric(20,3)::text as used, trim_scale(c.cost)::text as cost, c.state,
       quota.is_exhausted(least(c.used, 0), c.limit_quantity + c.granted, least(c.cost, 0), c.cost_limit)
         as "exceededAfter",
       q.closed_at as "closedAt", s.limit_enforced_at as "limitEnforcedAt"
     from quota.current_quotas($1) c
     join quota.subscriptions s on s.user_id = c.user_id and s.service = c.service
     left join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
     order by c.service, c.meter`,
    [userId],
  );
  return rows;
}

/** Assistants that are limited at the provider, or queued to be. */
export async function selectLimitedAssistants(
  client: pg.ClientBase,
  userId: string,
): Promise<{ id: string; providerAssistantId: string }[]> {
  const { rows } = await client.query<{ id: string; providerAssistantId: string }>(
    `select a.id, a.provider_assistant_id as "providerAssistantId"
     from quota.assistant_limits l join quota.assistants a on a.id = l.assistant_id
     where l.user_id = $1 and l.desired = 'limited' and l.status <> 'gone'
     order by a.created_at, a.provider_assistant_id`,
    [userId],
  );
  return rows;
}

/** Keeps writers and other resets of the user out until the transaction ends. */
export async function lockSubscriptions(client: pg.ClientBase, userId: string): Promise<void> {
  await client.query('select quota.hold_subscriptions(array[$1::uuid])', [userId]);
}

/** Takes what is used of these meters, and its cost, off their running periods. Triggers do the rest. */
export async function insertResets(
  client: pg.ClientBase,
  userId: string,
  meters: readonly string[],
  reason: string,
): Promise<void> {
  await client.query(
    `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
     select c.user_id, c.meter, c.period_start, 'reset', -greatest(c.used, 0), -greatest(c.cost, 0), $3
     from quota.current_quotas($1) c
     where c.meter = any ($2) and (c.used > 0 or c.cost > 0)
     order by c.meter`,
    [userId, meters, reason],
  );
}

/** Lifts limits of services, whatever they came from, and queues the restore of the assistants. */
export async function liftLimits(
  client: pg.ClientBase,
  userId: string,
  services: readonly string[],
): Promise<void> {
  await client.query('select quota.lift_services($1, $2)', [userId, services]);
}

/** The provider work of an assistant, as it stands. */
export interface AssistantWork extends AssistantRestore {
  desired: 'limited' | 'original';
}

export interface AssistantRestore {
  providerAssistantId: string;
  status: AssistantStatus;
  error: string | null;
}

/** How the provider work for these assistants stands. */
export async function selectWork(
  client: pg.ClientBase,
  assistantIds: readonly string[],
): Promise<AssistantWork[]> {
  const { rows } = await client.query<AssistantWork>(
    `select a.provider_assistant_id as "providerAssistantId", l.desired, l.status, l.last_error as error
     from quota.assistant_limits l join quota.assistants a on a.id = l.assistant_id
     where l.assistant_id = any ($1)
     order by a.created_at, a.provider_assistant_id`,
    [assistantIds],
  );
  return rows;
}
