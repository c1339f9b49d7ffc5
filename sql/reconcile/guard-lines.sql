create or replace function quota.guard_lines() returns trigger
language plpgsql
as $$
declare
  export integer;
begin
  select o.export_id into export
  from (select distinct export_id from old_rows) o join quota.reconciliation_exports x using (export_id)
    limit 1;
  if export is not null then
    raise exception 'lines of export % belong to a month', export
      using errcode = 'QT005',
        hint = 'What was billed is history. A newer export takes its place with quota reconcile --replace.';
  end if;
  return null;
end $$;
comment on function quota.guard_lines() is
  'Lines can be removed only with their whole export, once no month has it.';

create or replace trigger billing_lines_kept after delete on quota.billing_lines
  referencing old table as old_rows for each statement execute function quota.guard_lines();
