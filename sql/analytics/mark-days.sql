create or replace function quota.mark_days() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  today timestamptz := date_trunc('day', clock_timestamp(), 'UTC');
begin
  -- Calls of today, as apps log them all day long, cost one look into an index. The clock closes a gap: a
  -- transaction whose snapshot is older than the claim of its day does not see the claim.
  if tg_op = 'INSERT' then
    if not exists (select from new_rows n where n.started_at < today)
      and not exists (select from quota.analytics_days d where d.day >= (today at time zone 'UTC')::date)
    then
      return null;
    end if;
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(n.started_at) from new_rows n
    where n.started_at < today
      or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(n.started_at))
    on conflict do nothing;
  elsif tg_op = 'DELETE' then
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(o.started_at) from old_rows o
    where o.started_at < today
      or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(o.started_at))
    on conflict do nothing;
  else
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(c.started_at)
    from new_rows n
    join old_rows o using (id)
    cross join lateral (values (n.started_at), (o.started_at)) c(started_at)
    where (n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
          n.file_size_bytes, n.quantities)
        is distinct from (o.user_id, o.service, o.model, o.status, o.started_at, o.duration_seconds,
          o.messages, o.cost, o.file_size_bytes, o.quantities)
      and (c.started_at < today
        or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(c.started_at)))
    on conflict do nothing;
  end if;
  return null;
end $$;

create or replace trigger call_logs_mark_inserted after insert on quota.call_logs
  referencing new table as new_rows
  for each statement execute function quota.mark_days();

create or replace trigger call_logs_mark_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.mark_days();

create or replace trigger call_logs_mark_deleted after delete on quota.call_logs
  referencing old table as old_rows
  for each statement execute function quota.mark_days();
