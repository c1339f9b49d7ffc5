create or replace function quota.refuse_unfit_numbers(p_numbers text[], p_assistant_id text) returns void
language plpgsql stable
as $$
declare
  number text;
begin
  if cardinality(p_numbers) > 100 then
    raise exception 'an assistant answers up to 100 numbers, not %', cardinality(p_numbers)
      using errcode = 'QT003';
  end if;
  foreach number in array coalesce(p_numbers, '{}') loop
    perform quota.refuse_unfit_name(number, 'a phone number, or the id of one,');
    if exists (
      select from quota.assistants a
      where a.numbers @> array[number] and a.numbers <> '{}' and a.state = 'active'
        and a.provider_assistant_id <> p_assistant_id)
    then
      raise exception 'another assistant answers the number "%"', left(number, 60) using errcode = 'QT003';
    end if;
  end loop;
end $$;
comment on function quota.refuse_unfit_numbers(text[], text) is
  'Raises QT003 on numbers that cannot be, and on those that another assistant answers.';
