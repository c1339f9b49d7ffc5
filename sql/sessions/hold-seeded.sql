create or replace function quota.hold_seeded(p_seed bigint, p_provider text, p_key text) returns boolean
language sql
as $$
  select pg_catalog.pg_advisory_xact_lock(hashtextextended(p_provider || ' ' || p_key, p_seed)) is not null
$$;
comment on function quota.hold_seeded(bigint, text, text) is
  'True; holds what quota.hold_key holds, for a statement that has the seed of the locks already. Inlined.';
