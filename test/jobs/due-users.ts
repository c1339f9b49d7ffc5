import { query } from '../database.ts';

/** When all of them are due, most for one period, some for two. */
export const dueAt = '2026-12-15T00:00:00Z';

/**
 * Users on `voice-free` with two calls in two periods each; a third have an assistant, some have used their
 * allowance up and are limited. No reset has ever run.
 */
export async function arrangeDueUsers(url: string, count: number): Promise<void> {
  await query(
    url,
    `set quota.as_of = '2026-11-20T00:00:00Z';
    insert into quota.users (id, external_id, email, timezone, created_at)
    select md5('due ' || n)::uuid, 'due ' || n, 'due' || n || '@example.com',
      (array['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata'])[1 + n % 4],
      timestamptz '2026-01-01 08:00Z' + n % 31 * interval '1 day'
    from generate_series(1, ${count}) n;
    insert into quota.assistants (user_id, provider_assistant_id)
    select md5('due ' || n)::uuid, 'assistant of due ' || n from generate_series(1, ${count}, 3) n;
    insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from quota.users;
    insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
    select md5('due ' || n)::uuid, 'voice', 'vapi', call || ' of due ' || n,
      timestamptz '2026-10-16 12:00Z' + (call - 1) * interval '31 days', 50 + (n * 37 + call) % 700
    from generate_series(1, ${count}) n cross join generate_series(1, 2) call;
    analyze`,
  );
}

/** Quotas that do not hold what the facts add up to. */
export const selectWrongQuotas = (url: string) =>
  query(
    url,
    `select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_from_facts()
    except select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas`,
  );

/**
 * What contradicts "every period was closed once, with one audit row for each reset": rows of any kind are errors.
 * The audit rows of a subscription must form a chain that ends where it stands now, and each closed quota must be
 * named by exactly one of them.
 */
export const selectResetErrors = (url: string, asOf = dueAt) =>
  query(
    url,
    `with resets as (
      select user_id, service, period_end, before, after,
        lead(period_end) over (partition by user_id, service order by period_end) as next_period_end
      from quota.audit_log where action = 'subscription.reset'
    ), named as (
      select r.user_id, c->>'meter' as meter, (c->>'periodStart')::timestamptz as period_start, count(*) as times,
        min((c->>'used')::numeric) as used
      from resets r cross join lateral jsonb_array_elements(r.before->'closed') c group by 1, 2, 3
    )
    select 'still due' as error, user_id, next_reset_at::text as what
    from quota.subscriptions where next_reset_at <= $1
    union all
    select 'still open', user_id, period_start::text from quota.usage_quotas where closed_at is null and period_end <= $1
    union all
    select 'no running period', s.user_id, s.next_reset_at::text from quota.subscriptions s
    where next_reset_at is not null and not exists (
      select 1 from quota.usage_quotas q
      where q.user_id = s.user_id and q.period_start <= $1 and q.period_end > $1 and q.closed_at is null)
    union all
    select 'chain broken', r.user_id, r.period_end::text
    from resets r join quota.subscriptions s using (user_id, service)
    where (r.after->>'nextResetAt')::timestamptz <> coalesce(r.next_period_end, s.next_reset_at)
    union all
    select 'closed by ' || coalesce(n.times, 0) || ' resets', q.user_id, q.period_start::text
    from quota.usage_quotas q left join named n using (user_id, meter, period_start)
    where q.closed_at is not null and (coalesce(n.times, 0) <> 1 or n.used <> q.used_at_close)`,
    [asOf],
  );
