create or replace function quota.refuse_quantity(in_seconds boolean, p_quantity numeric) returns void
language plpgsql
as $$
begin
  if in_seconds then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(p_quantity::text)
      using errcode = 'QT003';
  end if;
  raise exception 'messages are counted one by one: % is no number of them',
    quota.shown(p_quantity::text)
    using errcode = 'QT003';
end $$;
comment on function quota.refuse_quantity(boolean, numeric) is
  'Raises QT003: no call is so long, and no number of messages is this.';
