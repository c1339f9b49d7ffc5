create or replace function quota.refusal_reason(
  plan quota.plans, worst quota.allowance, p_user uuid, p_service text, p_model text, p_needed numeric,
  p_file_bytes bigint, p_for text, p_session bigint)
returns text
language plpgsql stable
as $$
begin
  if plan.key is null then
    return case when p_user is null then 'sign_in_required' else 'no_plan' end;
  elsif p_for = 'assistant' then
    return case when plan.max_assistants <= (
      select count(*) from quota.assistants a where a.user_id = p_user and a.state = 'active')
      then 'assistant_limit' else 'ok' end;
  elsif not quota.allows_model(plan.allowed_models, p_model) then
    return case when plan.anonymous then 'sign_in_required' else 'model_not_allowed' end;
  elsif p_file_bytes > plan.max_file_bytes then
    return 'file_too_large';
  elsif worst.by_cost then
    return 'cost_limit_exceeded';
  elsif worst.exhausted or worst.remaining = 0 or worst.room = 0 then
    return 'quota_exceeded';
  elsif p_needed > worst.remaining then
    return 'would_exceed';
  elsif plan.max_concurrent is not null and plan.max_concurrent <= (
    select count(*) from quota.concurrent_processing c
    where c.user_id = p_user and c.service = p_service and c.expires_at > quota.now()
      and c.call_log_id is distinct from p_session)
  then
    return 'too_many_concurrent';
  end if;
  return 'ok';
end $$;
comment on function quota.refusal_reason(
  quota.plans, quota.allowance, uuid, text, text, numeric, bigint, text, bigint) is
  'Why a use is refused, the first reason that holds; ok: it is not. worst: the meter with the least left, '
  'of which the use takes p_needed.';
