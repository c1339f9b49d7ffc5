create or replace function quota.refuse_endless(p_names text[], p_error text, p_metadata jsonb) returns void
language plpgsql stable
as $$
declare
  longest text := (select n from unnest(p_names) n order by char_length(n) desc nulls last limit 1);
begin
  if char_length(longest) > 255 then
    raise exception 'a key, provider, assistant, model or status has up to 255 characters, not %: "%"',
      char_length(longest), quota.shown(longest) using errcode = 'QT003';
  elsif char_length(p_error) > 10000 then
    raise exception 'an error message has up to 10000 characters, not %', char_length(p_error)
      using errcode = 'QT003';
  elsif octet_length(p_metadata::text) > 100000 then
    raise exception 'the metadata of a call has up to 100000 bytes, not %', octet_length(p_metadata::text)
      using errcode = 'QT003';
  end if;
end $$;
comment on function quota.refuse_endless(text[], text, jsonb) is
  'Raises QT003 on what is too long to be kept with a call.';
