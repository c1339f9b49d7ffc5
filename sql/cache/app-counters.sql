create or replace function quota.app_counters(p_users text[])
returns table (template text, external_id text, key text, field text, value text, expires_at bigint)
language sql stable
as $$
  select replace(t.key, '{meter}', t.meter), u.external_id,
    quota.rendered_key(t.key, u.external_id, t.meter, q.period_start, s.timezone), t.field,
    quota.template_value(t.value, q),
    case when isfinite(q.period_end) then extract(epoch from q.period_end)::bigint end
  from quota.users u
  cross join quota.cache_templates t
  join quota.meters m on m.key = t.meter
  join quota.subscriptions s on s.user_id = u.id and s.service = m.service
  cross join lateral (
    select o.* from quota.usage_quotas o
    where o.user_id = u.id and o.meter = t.meter and o.period_start <= quota.now()
      and o.period_end > quota.now() and not o.superseded
    order by o.period_start desc limit 1) q
  where u.external_id = any (p_users) and u.erased_at is null
$$;
comment on function quota.app_counters(text[]) is
  'What the keys of the app''s own must hold for these users: one row per running period and template.';
