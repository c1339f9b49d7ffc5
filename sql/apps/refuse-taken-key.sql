create or replace function quota.refuse_taken_key(p_key text) returns void
language plpgsql
as $$
begin
  raise exception 'the key "%" belongs to another call', quota.shown(p_key)
    using errcode = 'QT003', hint = 'A key names one call of one user and service, and is used once: '
      || 'what is new needs a key of its own.';
end $$;
comment on function quota.refuse_taken_key(text) is
  'Raises QT003: to take usage under a key of somebody else, or of a session that has ended, for a '
  'repetition would lose it.';
