create or replace function quota.record_again(
  p_user uuid, p_service text, p_provider text, p_key text, told quota.told_end)
returns quota.record_result
language plpgsql
as $$
declare
  known bigint := (
    select l.id from quota.call_logs l
    where l.provider = p_provider and l.provider_call_id = p_key
      and l.user_id = p_user and l.service = p_service);
  result quota.record_result;
begin
  if known is null then
    perform quota.refuse_taken_key(p_key);
  end if;
  result := quota.settle_call(known, told);
  return quota.with_allowance(result, p_user, p_service, told.model);
end $$;
comment on function quota.record_again(uuid, text, text, text, quota.told_end) is
  'The answer of quota.record for a key that is there: completes what runs or was estimated. QT003: the key '
  'is that of another call.';
