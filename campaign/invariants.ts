/**
 * What must be so after every step, each as a query of its own that shares nothing with quota's: it finds what contradicts it.
 * $1 is the clock of the step.
 */
const promises: { readonly [promise: string]: string } = {
  'used is the sum of its calls and corrections': `
    select u.external_id, q.meter, q.period_start::text, q.used::text, s.used::text as by_facts
    from quota.usage_quotas q join quota.users u on u.id = q.user_id
    cross join lateral (
      select coalesce((
        select sum(case when c.service <> 'chat' then coalesce(c.duration_seconds, 0)
          when c.status = 'error' then 0 else coalesce(c.messages, 1) end)
        from quota.call_logs c
        where c.user_id = q.user_id and c.started_at >= q.period_start and c.started_at < q.period_end
          and c.service = case q.meter when 'voice_seconds' then 'voice' when 'avatar_seconds' then 'avatar' else 'chat' end
          and (q.meter <> 'premium_messages' or c.model like 'claude%')), 0)
      + coalesce((
        select sum(a.quantity) from quota.adjustments a
        where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start), 0) as used) s
    where q.meter in ('voice_seconds', 'avatar_seconds', 'messages', 'premium_messages') and q.used <> s.used`,
  'a call is there once': `
    select provider, provider_call_id, count(*)::text from quota.call_logs where provider_call_id is not null
    group by 1, 2 having count(*) > 1`,
  'an instant is in one period': `
    select a.user_id, a.meter, a.period_start::text, b.period_start::text as other
    from quota.usage_quotas a join quota.usage_quotas b using (user_id, meter)
    where not a.superseded and not b.superseded and a.period_start < b.period_start and b.period_start < a.period_end`,
  'every call is in a period': `
    select c.provider_call_id, c.started_at::text from quota.call_logs c
    where not exists (
      select from quota.usage_quotas q join quota.meters m on m.key = q.meter
      where q.user_id = c.user_id and m.service = c.service and not q.superseded
        and q.period_start <= c.started_at and c.started_at < q.period_end)`,
  // What a reset takes off later follows from the reset, which has its row.
  'a correction has an audit row of the same transaction': `
    select a.reason from quota.adjustments a
    where a.reason <> 'erased' and a.kind <> 'reset_carried' and not exists (
      select from quota.audit_log l where l.xid::text::numeric % 4294967296 = a.xmin::text::numeric)`,
  'what is used up in the running period is marked, and what is not is not': `
    select q.user_id, q.meter, q.period_start::text, q.used::text, q.limit_quantity::text, q.granted::text,
      q.exhausted_at::text
    from quota.usage_quotas q
    where not q.superseded and q.period_start <= $1::timestamptz and $1::timestamptz < q.period_end
      and (q.used >= q.limit_quantity + q.granted) <> (q.exhausted_at is not null)`,
  'an assistant is to be limited exactly if a service of its owner is': `
    select u.external_id, a.provider_assistant_id, l.desired from quota.assistants a join quota.users u on u.id = a.user_id
    left join quota.assistant_limits l on l.assistant_id = a.id
    where a.held is null and a.state = 'active' and not a.is_gated
      and (coalesce(l.desired, 'original') = 'limited') <> exists (
      select from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null)`,
  'a lease is that of a call that runs': `
    select c.id, l.status from quota.concurrent_processing c left join quota.call_logs l on l.id = c.call_log_id
    where l.status is distinct from 'active'`,
  'what is let in call by call is not limited at the provider': `
    select a.provider_assistant_id, l.desired from quota.assistants a join quota.assistant_limits l on l.assistant_id = a.id
    where a.is_gated and l.desired <> 'original'`,
  'a call has one reservation, and none is let in for less than the provider can cut off': `
    select l.provider_call_id, count(*)::text as leases, min(c.cap)::text as cap from quota.concurrent_processing c
    join quota.call_logs l on l.id = c.call_log_id
    group by l.id having count(*) > 1 or (l.provider = 'vapi' and min(c.cap) < 10)`,
  'what a grant gave is not more than it had': `
    select id, quantity::text, consumed::text from quota.grants where (consumed < 0 or consumed > quantity)`,
  'every line of the bills of a month is in one kind, and they come to the bill': `
    select r.month::text, i.n::text as items, l.n::text as lines, i.billed::text, l.cost::text
    from quota.reconciliations r
    cross join lateral (select count(*) as n, coalesce(sum(billed), 0) as billed from (
      select i.billed from quota.reconciliation_items i where i.reconciliation_id = r.id and i.export_id is not null
      union all
      select b from quota.reconciliation_matches m, unnest(m.billed) b where m.reconciliation_id = r.id) both_parts) i
    cross join lateral (select count(*) as n, coalesce(sum(b.cost), 0) as cost from quota.billing_lines b
      join quota.reconciliation_exports e using (export_id) where e.reconciliation_id = r.id) l
    where (i.n <> l.n or i.billed <> l.cost)`,
  'a line is that of an export, which has as many as it says': `
    select e.id::text, e.lines::text, l.n::text as stored, e.billed::text, l.cost::text from quota.billing_exports e
    cross join lateral (select count(*) as n, coalesce(sum(b.cost), 0) as cost from quota.billing_lines b
      where b.export_id = e.id) l
    where (e.lines <> l.n or e.billed <> l.cost)`,
};

/** All of them in one look: which promise is broken, and up to three rows that show it. */
export const broken = Object.entries(promises)
  .map(
    ([promise, sql]) =>
      `select '${promise}' as promise, to_jsonb(found)::text as row from (select * from (${sql}) every limit 3) found`,
  )
  .join('\n  union all\n  ');
