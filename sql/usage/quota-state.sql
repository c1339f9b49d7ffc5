create or replace function quota.quota_state(percent numeric, exhausted boolean, warn_at integer[])
returns text
language sql immutable parallel safe
as $$
  select case
    when exhausted then 'exceeded'
    else (
      select case when max(w) is null then 'ok' else quota.alert_level(max(w), warn_at) end
      from unnest(warn_at) w where w <= percent and w < 100)
  end
$$;
comment on function quota.quota_state(numeric, boolean, integer[]) is 'ok, warning, critical or exceeded.';
