create or replace function quota.call_logs_before_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  is_erased boolean;
  told quota.told_end;
begin
  if new.user_id is null then
    select a.user_id, u.erased_at is not null into new.user_id, is_erased
    from quota.assistants a join quota.users u on u.id = a.user_id
    where a.provider_assistant_id = new.assistant_id;
    if new.user_id is null then
      raise exception 'a call log needs a user_id or a known assistant_id, not assistant "%"',
        quota.shown(new.assistant_id)
        using errcode = 'QT001', hint = 'Import the assistant first, or give the user_id.';
    elsif is_erased then
      raise exception 'the user of assistant "%" was erased, and its calls are nobody''s',
        quota.shown(new.assistant_id)
        using errcode = 'QT001', hint = 'Give the assistant to whoever has it now, or give the user_id.';
    end if;
  end if;
  if new.quantities is not null and (tg_op = 'INSERT' or new.quantities is distinct from old.quantities) then
    -- What an update leaves as it was is not told by it.
    told.duration_seconds := new.duration_seconds;
    told.messages := new.messages;
    if tg_op = 'UPDATE' then
      told.duration_seconds := nullif(told.duration_seconds, old.duration_seconds);
      told.messages := nullif(told.messages, old.messages);
    end if;
    told.quantities := new.quantities;
    told := quota.with_quantities(told, new.service);
    new.duration_seconds := coalesce(told.duration_seconds, new.duration_seconds);
    new.messages := coalesce(told.messages, new.messages);
    new.quantities := told.quantities;
  end if;
  if new.duration_seconds is null and new.ended_at is not null then
    new.duration_seconds := round(extract(epoch from new.ended_at - new.started_at), 3);
  end if;
  -- Whoever writes other figures than an estimate's, and does not say who told them, tells the end.
  if tg_op = 'UPDATE' and quota.is_estimate(old.settled_by) and new.settled_by = old.settled_by
    and (new.status, new.duration_seconds, new.messages, new.ended_at, new.quantities) is distinct from
      (old.status, old.duration_seconds, old.messages, old.ended_at, old.quantities)
  then
    new.settled_by := null;
    if new.status <> 'error' and new.error_message = old.error_message then
      new.error_message := null;
    end if;
  end if;
  return new;
end $$;

create or replace trigger call_logs_before_insert before insert on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null)
    or new.quantities is not null)
  execute function quota.call_logs_before_write();

create or replace trigger call_logs_before_update before update on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null)
    or old.settled_by is not null or new.quantities is not null)
  execute function quota.call_logs_before_write();
