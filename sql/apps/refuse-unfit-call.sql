create or replace function quota.refuse_unfit_call(p_status text, p_file_bytes bigint, p_words integer)
returns void
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
end $$;
comment on function quota.refuse_unfit_call(text, bigint, integer) is
  'Raises QT003 on a word that is no status of a call (null: none is told), and on negative sizes.';
