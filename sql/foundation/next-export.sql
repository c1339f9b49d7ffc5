create or replace function quota.next_export() returns integer
language plpgsql
as $$
begin
  -- Not a sequence: a load that is refused or only tried leaves no trace. Two loads at once wait for each
  -- other.
  perform pg_advisory_xact_lock(quota.lock_key('billing export'));
  return (select coalesce(max(e.id), 0) + 1 from quota.billing_exports e);
end $$;
comment on function quota.next_export() is 'The id of a new export; held for it until the transaction ends.';
