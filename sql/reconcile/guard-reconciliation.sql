create or replace function quota.guard_reconciliation() returns trigger
language plpgsql
as $$
begin
  -- quota.reopen_month takes the mark away, and an erasure a reason that names somebody; nothing else may
  -- touch a closed month.
  if old.closed_at is not null then
    if tg_op = 'DELETE' or not (
      new.close_reason is not distinct from 'erased'
        and to_jsonb(old) - 'close_reason' = to_jsonb(new) - 'close_reason'
      -- Only its own function runs as the owner with this setting.
      or coalesce(current_setting('quota.reopens_month', true), '') = 'on' and new.closed_at is null
        and has_schema_privilege('quota', 'create with grant option'))
    then
      perform quota.refuse_closed(old.id);
    end if;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;

create or replace trigger reconciliations_closed before update or delete on quota.reconciliations
  for each row execute function quota.guard_reconciliation();
