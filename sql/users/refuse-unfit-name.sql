create or replace function quota.refuse_unfit_name(p_name text, p_what text default 'the id of a user')
returns void
language plpgsql stable
as $$
begin
  if p_name is null or btrim(p_name) = '' or char_length(p_name) > 255 or p_name ~ '[[:cntrl:]]' then
    raise exception '% has 1 to 255 characters and no control characters: "%"', p_what,
      quota.shown(coalesce(p_name, '')) using errcode = 'QT003';
  end if;
end $$;
comment on function quota.refuse_unfit_name(text, text) is
  'Raises QT003 on a text that cannot name anybody: empty, endless, or with control characters.';
