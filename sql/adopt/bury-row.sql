create or replace function quota.bury_row(
  p_source integer, p_key text, p_operation text, p_told jsonb, p_reason text)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into quota.adopt_dead as d (source, key, operation, told, reason)
  values (p_source, p_key, p_operation, p_told, left(p_reason, 500))
  on conflict (source, key) where key is not null and not is_again do update
  set operation = excluded.operation, told = coalesce(excluded.told, d.told), reason = excluded.reason,
    next_attempt_at = least(d.next_attempt_at, excluded.next_attempt_at),
    -- Told anew by the app it was not tried as it stands; found wanting by who took it up it was.
    attempts = case when excluded.told is null and excluded.operation = 'take' then d.attempts else 0 end
$$;
comment on function quota.bury_row(integer, text, text, jsonb, text) is
  'Keeps a row of an adopted product that could not be taken over, and why, until it is tried again.';

create or replace function quota.bury_again(
  p_source integer, p_key text, p_operation text, p_told jsonb, p_reason text)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into quota.adopt_dead (source, key, operation, told, reason, is_again)
  values (p_source, p_key, p_operation, p_told, left(p_reason, 500), true)
$$;
comment on function quota.bury_again(integer, text, text, jsonb, text) is
  'Keeps a row of an adopted product besides what is kept of it already: waits for nobody who holds that.';
