create or replace function quota.guard_attachment() returns trigger
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

create or replace trigger reconciliation_exports_closed
  before insert or update or delete on quota.reconciliation_exports
  for each row execute function quota.guard_attachment();
