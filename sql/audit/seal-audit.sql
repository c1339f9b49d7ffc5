create or replace function quota.seal_audit(frontier bigint, rows_max integer default 10000) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  head quota.audit_seals;
  stretch record;
  sealed integer := 0;
begin
  lock table quota.audit_seals in share row exclusive mode;
  -- Whoever calls this: a row that appears under a seal would break the chain for good.
  frontier := least(frontier, (select c.last_id from quota.audit_complete c));
  select * into head from quota.audit_seals s order by s.id desc limit 1;
  for stretch in
    select max(n.id) as last_id
    from (
      select a.id, (row_number() over (order by a.id) - 1) / rows_max as number
      from quota.audit_log a where a.id > coalesce(head.last_id, 0) and a.id <= frontier
    ) n
    group by n.number order by n.number
  loop
    insert into quota.audit_seals (id, first_id, last_id, row_count, digest)
    select coalesce(head.id, 0) + 1, coalesce(head.last_id, 0) + 1, stretch.last_id, d.row_count, d.digest
    from quota.audit_digest(head.digest, coalesce(head.last_id, 0) + 1, stretch.last_id) d
    returning * into head;
    sealed := sealed + 1;
  end loop;
  return sealed;
end $$;
comment on function quota.seal_audit(bigint, integer) is
  'Seals the audit log up to what audit_frontier() gave, so many rows a seal; returns the number of new '
  'seals.';
