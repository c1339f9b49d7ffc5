create or replace function quota.hold_key(p_provider text, p_key text) returns boolean
language sql
as $$
  select quota.hold_seeded(s.seed, p_provider, p_key)
  from quota.lock_seeds s where s.name = ''
$$;
comment on function quota.hold_key(text, text) is
  'True; until the transaction ends, keeps others from telling of the call of this key by quota.record and '
  'quota.start_session, whose row may not be there yet; null: nothing to keep.';
