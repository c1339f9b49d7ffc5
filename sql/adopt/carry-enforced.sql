create or replace function quota.carry_enforced(p_service text, p_told jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  since timestamptz[];
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  limited_users := array(
    select distinct u.id
    from jsonb_to_recordset(p_told) t("user" text, since timestamptz)
    join quota.users u on u.external_id = t."user" and u.erased_at is null
    where t.since is not null);
  if cardinality(limited_users) = 0 then
    return 0;
  end if;
  perform quota.open_running(limited_users, array_fill(p_service, array[cardinality(limited_users)]));
  perform quota.hold_assistants(limited_users);
  with told as (
    select u.id as user_id, min(t.since) as at
    from jsonb_to_recordset(p_told) t("user" text, since timestamptz)
    join quota.users u on u.external_id = t."user"
    where t.since is not null group by u.id
  ), marked as (
    update quota.subscriptions s set limit_enforced_at = t.at
    from told t
    where s.user_id = t.user_id and s.user_id = any (limited_users) and s.service = p_service
      and s.limit_enforced_at is null
    returning s.user_id, s.limit_enforced_at
  )
  select array_agg(m.user_id), array_agg(m.limit_enforced_at) into limited_users, since from marked m;
  if limited_users is null then
    return 0;
  end if;
  insert into quota.audit_log (action, user_id, service, reason, after)
  select 'limit.carried_over', m.user_id, p_service, 'limited by the app',
    jsonb_build_object('limitEnforcedAt', m.at)
  from unnest(limited_users, since) m(user_id, at);
  -- The app has limited their assistants: nothing is to be sent.
  insert into quota.assistant_limits as l
    (assistant_id, user_id, desired, status, requested_at, applied_at, verified_at)
  select a.id, a.user_id, 'limited', 'applied', m.at, m.at, clock_timestamp()
  from unnest(limited_users, since) m(user_id, at)
  join quota.assistants a on a.user_id = m.user_id and a.state = 'active' and not a.is_gated
  order by a.id
  on conflict (assistant_id) do update
    set desired = 'limited', status = 'applied', change = l.change + 1, applied_at = excluded.applied_at,
      requested_at = excluded.requested_at, updated_at = quota.now(), verified_at = clock_timestamp()
    where l.status = 'restored';
  return cardinality(limited_users);
end $$;
comment on function quota.carry_enforced(text, jsonb) is
  'Takes over which users an adopted product has limited, and since when: their assistants are limited '
  'already, and nothing is sent. How many were not so here.';
