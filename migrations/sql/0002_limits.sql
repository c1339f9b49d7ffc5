-- The provider queue at work: who works on which assistant, and every original that was ever put aside.

-- Claims and verifications are matters of real processes and a real provider: they go by the real clock, whatever
-- quota.as_of says. A claim under a clock that stands still would never end.
alter table quota.assistant_limits
  add column claimed_by uuid,
  add column claimed_until timestamptz,
  add column verified_at timestamptz,
  add column intents jsonb not null default '[]',
  add column exact_change bigint;
comment on column quota.assistant_limits.original is
  'The limited fields as they were, present ones only: a field of applied or intents that is missing here was not set.';
comment on column quota.assistant_limits.applied is
  'The fields that the assistant was last seen to be limited by; null: not limited by us, as far as we know.';
comment on column quota.assistant_limits.intents is
  'Limited states that were, or were about to be, sent since then: the provider may have any of them.';
comment on column quota.assistant_limits.claimed_by is
  'The run that works on the assistant, or that worked on it last.';
comment on column quota.assistant_limits.claimed_until is
  'Until when (real time) nobody else may work on it; null: nobody works on it. Ends by itself when the worker dies.';
comment on column quota.assistant_limits.verified_at is
  'When (real time) the provider was last seen to have what is recorded here.';
comment on column quota.assistant_limits.exact_change is
  'The change whose restore puts original back whatever is found at the provider: values given by an operator.';
create index assistant_limits_applied on quota.assistant_limits (verified_at) where status = 'applied';
create index subscriptions_limited on quota.subscriptions (user_id) where limit_enforced_at is not null;

create table quota.assistant_originals (
  user_id uuid not null references quota.users,
  id bigint generated always as identity,
  assistant_id uuid not null references quota.assistants,
  change bigint not null,
  fields jsonb not null check (jsonb_typeof(fields) = 'object'),
  absent text[] not null default '{}',
  source text not null check (source in ('provider', 'operator', 'file')),
  actor text not null default quota.actor(),
  captured_at timestamptz not null default quota.now(),
  primary key (user_id, id)
);
comment on table quota.assistant_originals is
  'History of originals: what each assistant had in its limited fields before a limit. The newest row of a change is the one to restore.';
comment on column quota.assistant_originals.change is 'The change of assistant_limits that this original belongs to.';
comment on column quota.assistant_originals.absent is 'Limited fields that were not set at all.';
comment on column quota.assistant_originals.source is
  'provider: read before the limit; operator: given by hand; file: from a stored end-of-call report.';
create index assistant_originals_assistant on quota.assistant_originals (assistant_id, captured_at desc, id desc);

create trigger assistant_originals_kept before update or truncate on quota.assistant_originals
  for each statement execute function quota.refuse_change();

create function quota.retry_delay(attempts integer, asked_seconds numeric) returns interval
language sql volatile
as $$
  -- Half of the pause is luck, so that many that failed together do not come back together.
  select make_interval(secs => greatest(
    least(3600, 30 * 2 ^ least(attempts - 1, 20)) * (0.5 + random() / 2), coalesce(asked_seconds, 0)::float8))
$$;
comment on function quota.retry_delay(integer, numeric) is
  'The pause before provider work is tried again: 30 s doubled with each attempt up to an hour, and never less than the provider asked for.';

create function quota.limited_state(p_user uuid) returns jsonb
language sql stable
as $$
  select p.limited_state
  from quota.subscriptions s join quota.plans p on p.key = s.plan
  where s.user_id = p_user and p.limited_state is not null
  order by s.limit_enforced_at is null, s.service
  limit 1
$$;
comment on function quota.limited_state(uuid) is
  'The limited state of the plan that limits a user, else of any plan that has one; null: the configured default.';

create function quota.calls_for_limit(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select q.on_exceeded = 'limit_assistants' and q.closed_at is null and not q.superseded
    and q.period_start <= quota.now() and q.period_end > quota.now()
    and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
$$;
comment on function quota.calls_for_limit(quota.usage_quotas) is
  'Whether a quota of the running period is used up and its plan answers that with limited assistants.';

create function quota.enforce_limits(
  batch_size integer, run uuid default null, only_user uuid default null, reason text default 'over the allowance',
  out users uuid[], out services text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fresh quota.usage_quotas[];
begin
  -- Those that a writer or a reset holds are left to it: it enforces what it writes.
  select array_agg(o.user_id), array_agg(o.service) into users, services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.limit_enforced_at is null and (only_user is null or s.user_id = only_user)
      and exists (
        select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
        where q.user_id = s.user_id and m.service = s.service and quota.calls_for_limit(q))
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  if users is null then
    return;
  end if;

  -- Read again under the lock. Usage that was not of the running period when it was logged has marked nothing
  -- exhausted (R9): that is made up for here.
  select array_agg(q order by q.user_id, q.meter) filter (where q.exhausted_at is null) into fresh
  from quota.usage_quotas q join quota.meters m on m.key = q.meter
  where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q);
  select array_agg(o.user_id order by o.user_id, o.service), array_agg(o.service order by o.user_id, o.service)
  into users, services
  from (
    select distinct q.user_id, m.service
    from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q)
  ) o;
  if users is null then
    return;
  end if;
  perform 1 from quota.assistant_limits l
  where l.user_id = any (enforce_limits.users) order by l.assistant_id for no key update;
  if fresh is not null then
    perform quota.enforce(fresh);
  end if;
  -- Those whose limit was lifted by hand are marked exhausted already, so that enforce passes them over.
  perform quota.mark_limited(users, services, true);
  insert into quota.audit_log (action, user_id, service, run_id, reason)
  select 'limit.enforced', o.user_id, o.service, run, enforce_limits.reason
  from unnest(users, services) o(user_id, service);
end $$;
comment on function quota.enforce_limits(integer, uuid, uuid, text) is
  'Limits up to batch_size users who are over their allowance and not limited; returns who they were, null when none was left.';

create function quota.has_unlimited(p_user uuid) returns boolean
language sql stable
as $$
  select exists (
    select 1 from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.user_id = p_user and a.state = 'active'
      and (l.assistant_id is null or l.desired <> 'limited' or l.status = 'gone'))
$$;
comment on function quota.has_unlimited(uuid) is 'Whether an assistant of a user is neither limited nor queued to be.';

create function quota.queue_unlimited(
  batch_size integer, only_user uuid default null, out users integer, out queued integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_users uuid[];
begin
  -- Locked, so that a reset cannot lift the limit of a user between the look and the queueing.
  select array_agg(distinct o.user_id) into found_users
  from (
    select s.user_id
    from quota.subscriptions s
    where s.limit_enforced_at is not null and (only_user is null or s.user_id = only_user) and quota.has_unlimited(s.user_id)
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  users := coalesce(cardinality(found_users), 0);
  queued := 0;
  if users = 0 then
    return;
  end if;
  perform 1 from quota.assistant_limits l
  where l.user_id = any (found_users) order by l.assistant_id for no key update;
  -- An assistant that was gone and is known again.
  update quota.assistant_limits l
  set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
  from quota.assistants a
  where a.id = l.assistant_id and l.user_id = any (found_users) and l.status = 'gone' and a.state = 'active';
  get diagnostics queued = row_count;
  queued := queued + quota.queue_assistants(found_users, 'limited');
end $$;
comment on function quota.queue_unlimited(integer, uuid) is
  'Queues the assistants of up to batch_size limited users that are not queued to be limited: made, taken over or found again after the limit.';

create function quota.limit_users(users uuid[], reason text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limiting_users uuid[];
  limiting_services text[];
begin
  -- Who has no plan that answers excess with limited assistants gets the default one, as with a first call.
  select array_agg(p.user_id), array_agg(p.service) into limiting_users, limiting_services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.user_id = any (users) and exists (
      select 1 from quota.plan_limits l where l.plan = s.plan and l.on_exceeded = 'limit_assistants')
    union
    select u.user_id, p.service
    from unnest(users) u(user_id)
    join quota.plans p on p.is_default and exists (
      select 1 from quota.plan_limits l where l.plan = p.key and l.on_exceeded = 'limit_assistants')
    where not exists (select 1 from quota.subscriptions s where s.user_id = u.user_id and s.service = p.service)
  ) p;
  if limiting_users is null then
    return 0;
  end if;
  perform quota.lock_subscriptions(limiting_users, limiting_services);
  insert into quota.audit_log (action, user_id, service, reason, before, after)
  select 'limit.applied', s.user_id, s.service, limit_users.reason,
    jsonb_build_object('limitEnforcedAt', s.limit_enforced_at), jsonb_build_object('limitEnforcedAt', quota.now())
  from quota.subscriptions s
  where (s.user_id, s.service) in (select * from unnest(limiting_users, limiting_services)) and s.limit_enforced_at is null;
  perform quota.mark_limited(limiting_users, limiting_services, true);
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'limited' and l.status in ('pending', 'failed'));
end $$;
comment on function quota.limit_users(uuid[], text) is
  'Limits users by hand, until their next reset or until somebody lifts it; returns how many of their assistants are queued.';

create function quota.lift_limits(users uuid[], reason text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  limited_services text[];
begin
  select array_agg(s.user_id), array_agg(s.service) into limited_users, limited_services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.user_id = any (users) and s.limit_enforced_at is not null
    order by s.user_id, s.service
    for no key update
  ) s;
  perform 1 from quota.assistant_limits l where l.user_id = any (users) order by l.assistant_id for no key update;
  if limited_users is not null then
    insert into quota.audit_log (action, user_id, service, reason, before, after)
    select 'limit.lifted', s.user_id, s.service, lift_limits.reason,
      jsonb_build_object('limitEnforcedAt', s.limit_enforced_at), jsonb_build_object('limitEnforcedAt', null)
    from quota.subscriptions s
    where (s.user_id, s.service) in (select * from unnest(limited_users, limited_services));
    perform quota.mark_limited(limited_users, limited_services, false);
  end if;
  -- Also those that are left limited although no limit of their user says so.
  perform quota.queue_assistants(users, 'original');
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'original' and l.status in ('pending', 'failed'));
end $$;
comment on function quota.lift_limits(uuid[], text) is
  'Lifts the limits of users by hand, whatever they have used; returns how many of their assistants are queued.';

create function quota.give_original(
  p_assistant uuid, p_fields jsonb, p_absent text[], p_source text, p_exact boolean, p_reason text)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  given quota.assistant_limits;
  absent_fields jsonb := coalesce((select jsonb_object_agg(f, null) from unnest(p_absent) f), '{}');
begin
  insert into quota.assistant_limits as l
    (assistant_id, user_id, desired, status, next_attempt_at, original, applied, exact_change)
  select a.id, a.user_id, 'original', 'pending', quota.now(), p_fields,
    case when p_exact then absent_fields end, case when p_exact then 1 end
  from quota.assistants a where a.id = p_assistant
  on conflict (assistant_id) do update
  set desired = 'original', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now(), original = excluded.original,
    -- A field that was not set is known by its name in applied.
    applied = case when p_exact then absent_fields || coalesce(l.applied, '{}') else l.applied end,
    exact_change = case when p_exact then l.change + 1 end
  returning * into given;
  insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
  values (given.user_id, p_assistant, given.change, p_fields, p_absent, p_source);
  with audited as (
    insert into quota.audit_log (action, user_id, subject, reason, after)
    select 'assistant.original_given', a.user_id, a.provider_assistant_id, p_reason,
      jsonb_build_object('source', p_source, 'fields', array(select jsonb_object_keys(p_fields)), 'absent', p_absent)
    from quota.assistants a where a.id = p_assistant
    returning id, user_id
  )
  insert into quota.audit_personal (user_id, audit_id, after) select user_id, id, p_fields from audited;
end $$;
comment on function quota.give_original(uuid, jsonb, text[], text, boolean, text) is
  'Queues the restore of an assistant to values that did not come from a look at it before the limit. Exact: whatever is found.';
