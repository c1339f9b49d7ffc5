-- A closed month is defended here: whoever writes, by whatever way, its answer stays.

create function quota.closed_months() returns uuid[]
language sql stable
as $$ select array_agg(r.id) from quota.reconciliations r where r.closed_at is not null $$;

create function quota.refuse_closed(reconciliation uuid) returns void
language plpgsql
as $$
declare
  r quota.reconciliations;
begin
  select * into r from quota.reconciliations where id = reconciliation;
  if r.closed_at is not null then
    raise exception '% of % is closed', to_char(r.month, 'YYYY-MM'), r.provider
      using errcode = 'QT007',
        detail = format('closed by %s at %s', r.closed_by, to_char(r.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
        hint = 'quota reconcile reopen, with a reason, opens it again';
  end if;
end $$;
comment on function quota.refuse_closed(uuid) is 'QT007 if the month is closed.';

create function quota.guard_reconciliation() returns trigger
language plpgsql
as $$
begin
  -- Reopening takes the mark away; nothing else may touch a closed month.
  if old.closed_at is not null and (tg_op = 'DELETE' or new.closed_at is not null) then
    perform quota.refuse_closed(old.id);
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger reconciliations_closed before update or delete on quota.reconciliations
  for each row execute function quota.guard_reconciliation();

create function quota.guard_attachment() returns trigger
language plpgsql
as $$
begin
  if tg_op <> 'INSERT' then
    perform quota.refuse_closed(old.reconciliation_id);
  end if;
  if tg_op <> 'DELETE' then
    perform quota.refuse_closed(new.reconciliation_id);
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger reconciliation_exports_closed before insert or update or delete on quota.reconciliation_exports
  for each row execute function quota.guard_attachment();

create function quota.guard_answer() returns trigger
language plpgsql
as $$
declare
  closed uuid[] := quota.closed_months();
  touched uuid;
begin
  if closed is null then
    return null;
  end if;
  if tg_op <> 'DELETE' then
    select n.reconciliation_id into touched from new_rows n where n.reconciliation_id = any (closed) limit 1;
  end if;
  if tg_op <> 'INSERT' and touched is null then
    select o.reconciliation_id into touched from old_rows o where o.reconciliation_id = any (closed) limit 1;
  end if;
  perform quota.refuse_closed(touched);
  return null;
end $$;
comment on function quota.guard_answer() is 'Refuses changes of items and discrepancies of closed months. By statement: a month has millions.';

create trigger reconciliation_items_insert after insert on quota.reconciliation_items
  referencing new table as new_rows for each statement execute function quota.guard_answer();
create trigger reconciliation_items_update after update on quota.reconciliation_items
  referencing old table as old_rows new table as new_rows for each statement execute function quota.guard_answer();
create trigger reconciliation_items_delete after delete on quota.reconciliation_items
  referencing old table as old_rows for each statement execute function quota.guard_answer();
create trigger discrepancies_insert after insert on quota.discrepancies
  referencing new table as new_rows for each statement execute function quota.guard_answer();
create trigger discrepancies_update after update on quota.discrepancies
  referencing old table as old_rows new table as new_rows for each statement execute function quota.guard_answer();
create trigger discrepancies_delete after delete on quota.discrepancies
  referencing old table as old_rows for each statement execute function quota.guard_answer();

create function quota.guard_lines() returns trigger
language plpgsql
as $$
declare
  export integer;
begin
  select o.export_id into export
  from (select distinct export_id from old_rows) o join quota.reconciliation_exports x using (export_id) limit 1;
  if export is not null then
    raise exception 'lines of export % belong to a month', export
      using errcode = 'QT005', hint = 'What was billed is history. A newer export takes its place with quota reconcile --replace.';
  end if;
  return null;
end $$;
comment on function quota.guard_lines() is 'Lines can be removed only with their whole export, once no month has it.';
create trigger billing_lines_kept after delete on quota.billing_lines
  referencing old table as old_rows for each statement execute function quota.guard_lines();

-- What a person could be known by, raw and description, is taken out when a user is erased.
create trigger billing_lines_unchanged
  before truncate or update of export_id, line, kind, external_id, assistant_id, model, status, created_at, started_at, ended_at,
    duration_seconds, quantity, unit, cost, day
  on quota.billing_lines for each statement execute function quota.refuse_change();
create trigger reconciliation_items_kept before truncate on quota.reconciliation_items
  for each statement execute function quota.refuse_change();
create trigger discrepancies_kept before truncate on quota.discrepancies
  for each statement execute function quota.refuse_change();
