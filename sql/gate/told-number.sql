create or replace function quota.told_number(told jsonb, p_name text) returns numeric
language plpgsql immutable
as $$
declare
  value text := told->>p_name;
begin
  if value is null then
    return null;
  elsif value !~ '^-?[0-9]{1,15}(\.[0-9]{1,40})?$' then
    raise exception '"%" is not a number of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003';
  end if;
  return value::numeric;
end $$;
comment on function quota.told_number(jsonb, text) is
  'A number of a webhook, also as text; null: it is not told. QT003: something else, or one without end.';
