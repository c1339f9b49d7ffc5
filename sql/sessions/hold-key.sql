create or replace function quota.hold_key(p_provider text, p_key text) returns void
language sql
as $$
  select pg_catalog.pg_advisory_xact_lock(hashtextextended(p_provider || ' ' || p_key, s.seed))
  from quota.lock_seeds s where s.name = ''
$$;
comment on function quota.hold_key(text, text) is
  'Until the transaction ends, keeps others from telling of the call of this key by quota.record and '
  'quota.start_session, whose row may not be there yet; null: nothing to keep.';
