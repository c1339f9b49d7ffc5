create type quota.told_end as (
  status text, started_at timestamptz, duration_seconds numeric, messages integer, cost numeric,
  words_spoken integer, error_message text, assistant_id text, model text, file_size_bytes bigint,
  metadata jsonb, quantities jsonb);
comment on type quota.told_end is 'What is told of a call that is over; null: nothing is said of that.';

create or replace function quota.settle_call(p_call bigint, told quota.told_end) returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  stored quota.call_logs;
  result quota.record_result;
  in_seconds boolean;
begin
  -- As an update does: the call first, then its subscription.
  select * into stored from quota.call_logs l where l.id = p_call for no key update;
  if not found then
    raise exception 'the call is no longer there: it was deleted meanwhile' using errcode = 'QT003';
  end if;
  in_seconds := quota.service_unit(stored.service) = 'second';
  told.duration_seconds := round(told.duration_seconds, 3);
  if stored.status <> 'active' and quota.is_estimate(stored.settled_by) is not true then
    result.recorded := false;
    result.differs := quota.differs(stored, told, in_seconds);
  elsif stored.status <> 'active' and in_seconds and told.duration_seconds is null
    and told.quantities is null then
    -- Of an end without a length an estimate remains the best that is known.
    update quota.call_logs l
    set cost = coalesce(told.cost, l.cost), words_spoken = coalesce(told.words_spoken, l.words_spoken)
    where l.id = p_call;
    result.recorded := false;
    result.differs := false;
  else
    update quota.call_logs l
    set status = told.status, started_at = s.starts, duration_seconds = s.seconds,
      ended_at = s.starts + make_interval(secs => s.seconds::float8),
      messages = case when in_seconds then coalesce(told.messages, l.messages) else told.messages end,
      cost = coalesce(told.cost, l.cost), words_spoken = coalesce(told.words_spoken, l.words_spoken),
      error_message = coalesce(told.error_message, case when l.settled_by is null then l.error_message end),
      assistant_id = coalesce(told.assistant_id, l.assistant_id), model = coalesce(told.model, l.model),
      file_size_bytes = coalesce(told.file_size_bytes, l.file_size_bytes),
      metadata = case when told.metadata is null then l.metadata
        else coalesce(l.metadata, '{}') || told.metadata end,
      quantities = case when told.quantities is null then l.quantities
        else coalesce(l.quantities, '{}') || told.quantities end,
      settled_by = null
    from (
      select t.starts, coalesce(told.duration_seconds, least(604800,
        round(extract(epoch from greatest(quota.now() - t.starts, interval '0')), 3))) as seconds
      from (select coalesce(told.started_at, stored.started_at) as starts) t) s
    where l.id = p_call
    returning l.* into stored;
    result.recorded := true;
    result.differs := false;
  end if;
  result.call_log_id := p_call;
  result.stored_status := stored.status;
  result.stored_quantity := coalesce(quota.told_quantity(stored), case
    when quota.service_unit(stored.service) = 'message' then 1 end);
  result.stored_cost := stored.cost;
  result.is_estimate := coalesce(quota.is_estimate(stored.settled_by), false);
  return result;
end $$;
comment on function quota.settle_call(bigint, quota.told_end) is
  'Completes a call that runs or was settled at an estimate; one whose end is known stays as it is, and '
  'differs says whether something else is told now. Answers what is stored, not yet what is left. QT003: it '
  'is not there.';
