create or replace function quota.guard_reconciliation() returns trigger
language plpgsql
as $$
begin
  -- Reopening takes the mark away; nothing else may touch a closed month.
  if old.closed_at is not null and (tg_op = 'DELETE' or new.closed_at is not null) then
    perform quota.refuse_closed(old.id);
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;

create or replace trigger reconciliations_closed before update or delete on quota.reconciliations
  for each row execute function quota.guard_reconciliation();
