create or replace function quota.refuse_impossible(p_quantity numeric, p_cost numeric, p_at timestamptz)
returns void
language plpgsql stable
as $$
begin
  if p_quantity < 0 or p_cost < 0 then
    raise exception 'a quantity or cost cannot be negative: %', least(p_quantity, p_cost)
      using errcode = 'QT003';
  end if;
  if p_at > quota.now() + interval '5 minutes' then
    raise exception 'usage cannot lie in the future: %', p_at
      using errcode = 'QT004', hint = 'Up to 5 minutes of clock difference are accepted.';
  elsif p_at < quota.now() - interval '366 days' then
    raise exception 'usage of more than a year ago is not recorded by an app: %', p_at
      using errcode = 'QT004', hint = 'Calls of the past are loaded with quota import call-logs.';
  end if;
end $$;
comment on function quota.refuse_impossible(numeric, numeric, timestamptz) is
  'Raises QT003 on negative values, QT004 on times to come and on those of more than a year ago.';
