create or replace function quota.told_instant(told jsonb, p_name text) returns timestamptz
language plpgsql stable
as $$
declare
  value text := told->>p_name;
begin
  if value is null then
    return null;
  elsif value !~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?'
    '(Z|[+-][0-9]{2}:?[0-9]{2})$')
  then
    raise exception '"%" is not an instant of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003',
      hint = 'It is one of ISO 8601, like 2026-10-03T13:12:46.005Z.';
  end if;
  return value::timestamptz;
exception
  when datetime_field_overflow or invalid_datetime_format then
    raise exception '"%" is not an instant of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003';
end $$;
comment on function quota.told_instant(jsonb, text) is
  'An instant of a webhook, with its zone; null: it is not told. QT003: something else.';
