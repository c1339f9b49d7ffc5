create or replace function quota.lease_length(p_user uuid, p_service text) returns interval
language sql stable
as $$
  select make_interval(secs => coalesce((
    select p.lease_seconds
    from quota.subscriptions s join quota.plans p on p.key = s.plan
    where s.user_id = p_user and s.service = p_service
  ), case when quota.is_live(p_service) then 90 else 3600 end)::float8)
$$;
comment on function quota.lease_length(uuid, text) is
  'How long a session of a user is taken to be alive after a sign of life: as the plan says, else 90 seconds '
  'where seconds pass in real time, and an hour for jobs.';
