create or replace function quota.call_logs_before_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if new.user_id is null then
    select a.user_id into new.user_id from quota.assistants a where a.provider_assistant_id = new.assistant_id;
    if new.user_id is null then
      raise exception 'a call log needs a user_id or a known assistant_id, not assistant "%"', new.assistant_id
        using errcode = 'QT001', hint = 'Import the assistant first, or give the user_id.';
    end if;
  end if;
  if new.duration_seconds is null and new.ended_at is not null then
    new.duration_seconds := round(extract(epoch from new.ended_at - new.started_at), 3);
  end if;
  return new;
end $$;

create or replace trigger call_logs_before_insert before insert on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null))
  execute function quota.call_logs_before_write();

create or replace trigger call_logs_before_update before update on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null))
  execute function quota.call_logs_before_write();
