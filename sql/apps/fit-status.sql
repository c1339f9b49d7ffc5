create or replace function quota.fit_status(p_status text, p_file_bytes bigint, p_words integer) returns text
language plpgsql immutable
as $$
begin
  if p_status not in ('active', 'completed', 'error') then
    raise exception 'a call is "active", "completed" or "error", not "%"', quota.shown(p_status)
      using errcode = 'QT003';
  elsif least(p_file_bytes, p_words) < 0 then
    raise exception 'neither the bytes of a file nor words can be negative: %', least(p_file_bytes, p_words)
      using errcode = 'QT003';
  end if;
  return coalesce(p_status, 'completed');
end $$;
comment on function quota.fit_status(text, bigint, integer) is
  'The status of a call as it is kept: completed, where none is told. Raises QT003 on a word that is none, '
  'and on negative sizes.';
