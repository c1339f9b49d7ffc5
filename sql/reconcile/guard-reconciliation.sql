create or replace function quota.guard_reconciliation() returns trigger
language plpgsql
as $$
begin
  -- Reopening takes the mark away, and an erasure a reason that names somebody; nothing else may touch a
  -- closed month.
  if old.closed_at is not null and (tg_op = 'DELETE' or new.closed_at is not null) then
    if tg_op = 'DELETE' or new.close_reason is distinct from 'erased'
      or to_jsonb(old) - 'close_reason' <> to_jsonb(new) - 'close_reason'
    then
      perform quota.refuse_closed(old.id);
    end if;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;

create or replace trigger reconciliations_closed before update or delete on quota.reconciliations
  for each row execute function quota.guard_reconciliation();
