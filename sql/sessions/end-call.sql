create or replace function quota.end_call(p_call bigint, told quota.told_end) returns quota.record_result
language plpgsql
as $$
declare
  session quota.call_logs;
  result quota.record_result;
begin
  perform quota.refuse_impossible(told.duration_seconds, told.cost, told.started_at);
  perform quota.refuse_endless(array[told.status], told.error_message, null);
  if told.duration_seconds > 604800 then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(told.duration_seconds::text) using errcode = 'QT003';
  elsif told.status not in ('completed', 'error') or told.status is null then
    raise exception 'a session ends as "completed" or "error", not "%"', quota.shown(told.status)
      using errcode = 'QT003';
  elsif told.messages < 0 or told.words_spoken < 0 then
    raise exception 'a quantity cannot be negative' using errcode = 'QT003';
  end if;
  if told.quantities is not null then
    told := quota.with_quantities(told, (select l.service from quota.call_logs l where l.id = p_call));
  end if;
  result := quota.settle_call(p_call, told);
  select * into session from quota.call_logs l where l.id = p_call;
  return quota.with_allowance(result, session.user_id, session.service, session.model);
end $$;
comment on function quota.end_call(bigint, quota.told_end) is
  'Settles a call by what is told of its end, and answers what is left. Raises QT003 for what cannot be.';
