create or replace function quota.refuse_impossible(p_quantity numeric, p_cost numeric, p_at timestamptz)
returns void
language plpgsql stable
as $$
begin
  if p_quantity < 0 or p_cost < 0 then
    raise exception 'a quantity or cost cannot be negative: %', left(least(p_quantity, p_cost)::text, 40)
      using errcode = 'QT003';
  end if;
  -- A float of a millionth of a cent has its 17 digits after nine zeros.
  if greatest(scale(p_quantity), scale(p_cost)) > 40 or p_quantity >= 1e12 or p_cost >= 1e9 then
    raise exception 'a quantity is below 10^12, a cost below 10^9, both with up to 40 digits after the point'
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
  'Raises QT003 on negative values and on those of endless digits, '
  'QT004 on times to come and on those of more than a year ago.';
