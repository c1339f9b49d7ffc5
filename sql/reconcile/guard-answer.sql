create or replace function quota.guard_answer() returns trigger
language plpgsql
as $$
declare
  closed uuid[] := quota.closed_months();
  touched uuid;
begin
  if closed is null then
    return null;
  end if;
  -- An erasure takes out reasons, for they may name a person, and changes nothing else.
  if tg_op = 'UPDATE' and tg_table_name = 'discrepancies' then
    if not exists (
      select from new_rows n full join old_rows o using (id)
      where o.id is null or n.id is null or n.reason is distinct from 'erased'
        or to_jsonb(n) - 'reason' <> to_jsonb(o) - 'reason')
    then
      return null;
    end if;
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
comment on function quota.guard_answer() is
  'Refuses changes of items, matches and discrepancies of closed months. By statement: a month has millions.';

create or replace trigger reconciliation_items_insert after insert on quota.reconciliation_items
  referencing new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger reconciliation_items_update after update on quota.reconciliation_items
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger reconciliation_items_delete after delete on quota.reconciliation_items
  referencing old table as old_rows
  for each statement execute function quota.guard_answer();

create or replace trigger reconciliation_matches_insert after insert on quota.reconciliation_matches
  referencing new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger reconciliation_matches_update after update on quota.reconciliation_matches
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger reconciliation_matches_delete after delete on quota.reconciliation_matches
  referencing old table as old_rows
  for each statement execute function quota.guard_answer();

create or replace trigger discrepancies_insert after insert on quota.discrepancies
  referencing new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger discrepancies_update after update on quota.discrepancies
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.guard_answer();

create or replace trigger discrepancies_delete after delete on quota.discrepancies
  referencing old table as old_rows
  for each statement execute function quota.guard_answer();
