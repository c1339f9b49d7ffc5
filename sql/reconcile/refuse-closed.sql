create or replace function quota.refuse_closed(reconciliation uuid) returns void
language plpgsql
as $$
declare
  r quota.reconciliations;
begin
  select * into r from quota.reconciliations where id = reconciliation;
  if r.closed_at is not null then
    raise exception '% of % is closed', to_char(r.month, 'YYYY-MM'), r.provider
      using errcode = 'QT007',
        detail = format('closed by %s at %s', r.closed_by,
          to_char(r.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
        hint = 'quota reconcile reopen, with a reason, opens it again';
  end if;
end $$;
comment on function quota.refuse_closed(uuid) is 'QT007 if the month is closed.';
