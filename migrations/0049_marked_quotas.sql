-- Who has reached something was found by reading every quota there ever was. What a quota is marked with says so as
-- well, now that whoever writes what it comes to sees to it whenever its period runs; what was written before is to be
-- looked at where the two differ. None of the columns changes with a call, so that updates stay within their page.
update quota.usage_quotas q set alerted = null
from (
  select user_id, meter, period_start, is_exhausted, least(percent, case when not is_exhausted then 99.99 end) as percent
  from (
    select user_id, meter, period_start,
      coalesce(used >= limit_quantity + granted, false) or coalesce(cost >= cost_limit, false) as is_exhausted,
      round(greatest(
        case when limit_quantity + granted = 0 then 100 else 100 * used / (limit_quantity + granted) end,
        case when cost_limit = 0 then 100 else 100 * cost / cost_limit end), 2) as percent
    from quota.usage_quotas where not superseded
  ) figures
) f
where q.user_id = f.user_id and q.meter = f.meter and q.period_start = f.period_start
  and (f.is_exhausted <> (q.exhausted_at is not null)
    or (select coalesce(max(w), 0) from unnest(q.warn_at) w where w <= f.percent and w > 0) is distinct from q.alerted);

create index usage_quotas_marked on quota.usage_quotas (period_end, alerted)
  include (user_id, meter, period_start, exhausted_at, warn_at)
  where not superseded and (exhausted_at is not null or alerted is distinct from 0);
comment on column quota.usage_quotas.alerted is
  'The highest threshold that is reached, 0: none is; null: to be looked at, as what it comes to, or may, has changed.';
