create or replace function quota.last_manual_reset(q quota.usage_quotas)
returns table (created_at timestamptz, reason text)
language sql stable
as $$
  select a.created_at, a.reason from quota.adjustments a
  where a.user_id = q.user_id and a.meter = q.meter and a.kind = 'reset'
    and a.created_at >= q.period_start and a.created_at < q.period_end
    and not quota.is_undone(a)
  order by a.created_at desc, a.id desc limit 1
$$;
comment on function quota.last_manual_reset(quota.usage_quotas) is
  'The last reset by an operator within a period, unless it was taken back; no row: there was none.';
