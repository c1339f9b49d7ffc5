create type quota.check_result as (
  allowed boolean, reason text, action text, message text, service text, plan text, meter text, used numeric,
  "limit" numeric, remaining numeric, percent numeric, cost numeric, cost_limit numeric, state text,
  warnings text[], resets_at timestamptz, upgrade_to text, meters jsonb, features jsonb);

create or replace function quota.check(
  p_user text, p_service text, p_model text default null, p_quantity numeric default null,
  p_file_bytes bigint default null, p_for text default 'usage', p_session text default null,
  p_quantities jsonb default null)
returns quota.check_result
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid;
  is_plain boolean;
begin
  select u.id, quota.is_plain_caller() into owner, is_plain from quota.users u where u.external_id = p_user;
  if p_user is null then
    perform quota.refuse_other_user(null);
  elsif owner is null or not is_plain then
    owner := quota.user_or_newcomer(p_user);
  end if;
  return quota.decide(owner, p_service, p_model, p_quantity, p_file_bytes, p_for,
    case when p_session is not null then quota.leased_session(owner, p_service, p_session) end,
    p_quantities);
end $$;
comment on function quota.check(text, text, text, numeric, bigint, text, text, jsonb) is
  'Whether a user, named by external id or id, may use a service now. One whom nobody has told of is '
  'answered as a new one is, and is not made. p_quantity: what the call needs, in the unit of the service '
  '(seconds, messages, tokens ...); p_quantities: by unit or meter, like {"tokens": 900}. p_for = '
  '''assistant'': may create one more. A null user is somebody not signed in. action: block, '
  'switch_to_static or limit_assistants. p_session: the running session that asks, by its key; of what it '
  'has reserved only what it has used counts. meters: what is left of each meter of the plan; features: '
  'what else it includes.';
