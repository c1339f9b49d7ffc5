import type pg from 'pg';
import type { AssistantState, QuotaUsage, SubscriptionUsage } from './usage.ts';

/** As the database writes them: a period that never ends has the bounds "-infinity" and "infinity". */
type QuotaRow = QuotaUsage & { period: { start: string; end: string } };
type SubscriptionRow = Omit<SubscriptionUsage, 'assistants'> & { quotas: QuotaRow[] };

interface UsageRow {
  subscriptions: SubscriptionRow[];
  assistants: AssistantState[];
}

/** Subscriptions with the quotas of the running periods, and assistants, all in one round trip. */
export async function selectUsage(client: pg.ClientBase, userId: string): Promise<UsageRow> {
  const { rows } = await client.query<UsageRow>(
    `select
       coalesce((
         select json_agg(json_build_object(
           'service', s.service, 'plan', s.plan, 'timezone', s.timezone, 'maxAssistants', p.max_assistants,
           'nextResetAt', s.next_reset_at, 'limitEnforcedAt', s.limit_enforced_at,
           'quotas', coalesce(q.quotas, '[]')) order by s.service)
         from quota.subscriptions s
         join quota.plans p on p.key = s.plan
         left join (
           select c.service, json_agg(json_build_object(
             'meter', c.meter, 'unit', c.unit,
             'period', json_build_object('start', c.period_start, 'end', c.period_end),
             'limit', c.limit_quantity::text, 'granted', c.granted::numeric(20,3)::text,
             'used', c.used::numeric(20,3)::text, 'adjusted', c.adjusted::numeric(20,3)::text,
             'remaining', greatest(c.limit_quantity + c.granted - c.used, 0)::numeric(20,3)::text,
             'estimated', quota.estimated_of(c.user_id, c.meter, c.period_start, c.period_end)::numeric(20,3)::text,
             'reserved', quota.reserved_for(c.user_id, c.meter, c.period_start, null)::numeric(20,3)::text,
             'percent', c.percent::text, 'state', c.state,
             'cost', trim_scale(c.cost)::text, 'costLimit', trim_scale(c.cost_limit)::text,
             'calls', c.calls, 'onExceeded', c.on_exceeded, 'exhaustedAt', c.exhausted_at,
             'runsOutAt', quota.runs_out_at(c.used, c.adjusted, c.limit_quantity + c.granted, c.cost,
               c.cost_limit, case when c.cost_limit is not null then
                 quota.adjusted_cost(c.user_id, c.meter, c.period_start) end,
               c.calls, c.period_start, c.period_end, quota.now())) order by c.meter) as quotas
           from quota.current_quotas($1) c
           group by c.service
         ) q on q.service = s.service
         where s.user_id = $1
       ), '[]') as subscriptions,
       coalesce((
         select json_agg(json_build_object(
           'providerAssistantId', a.provider_assistant_id, 'name', a.name,
           'desired', coalesce(l.desired, 'original'),
           'status', case when a.state = 'gone' then 'gone' else coalesce(l.status, 'untouched') end,
           'held', a.held, 'gated', a.is_gated, 'lastError', l.last_error) order by a.created_at, a.provider_assistant_id)
         from quota.assistants a
         left join quota.assistant_limits l on l.assistant_id = a.id
         where a.user_id = $1
       ), '[]') as assistants`,
    [userId],
  );
  return rows[0] ?? { subscriptions: [], assistants: [] };
}
