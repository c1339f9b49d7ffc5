create or replace function quota.is_told_twice(p_quantities jsonb, p_seconds numeric, p_messages numeric)
returns boolean
language sql immutable parallel safe
as $$
  -- As they are kept: a column has rounded one of them already.
  select coalesce(round((p_quantities->>'seconds')::numeric, 3) <> round(p_seconds, 3), false)
    or coalesce((p_quantities->>'messages')::numeric <> p_messages, false)
$$;
comment on function quota.is_told_twice(jsonb, numeric, numeric) is
  'Whether seconds or messages are told among the quantities of a call and beside them, and differ.';

create or replace function quota.with_quantities(told quota.told_end, p_service text) returns quota.told_end
language plpgsql stable
as $$
declare
  quantities jsonb := quota.told_quantities(p_service, told.quantities);
begin
  if quota.is_told_twice(told.quantities, told.duration_seconds, told.messages) then
    raise exception 'one quantity is told twice, and differs' using errcode = 'QT003',
      hint = 'Seconds and messages are told by their own arguments or among the quantities.';
  end if;
  told.duration_seconds := coalesce(told.duration_seconds, (quantities->>'seconds')::numeric);
  told.messages := coalesce(told.messages, (quantities->>'messages')::integer);
  told.quantities := nullif(quantities - '{seconds,messages}'::text[], '{}');
  return told;
end $$;
comment on function quota.with_quantities(quota.told_end, text) is
  'What is told of a call, its quantities put where they are kept: seconds and messages have columns of '
  'their own. QT003: no meter counts one, it cannot be, or it is told twice and differs.';

create or replace function quota.told_quantities_of(
  p_service text, in_seconds boolean, in_messages boolean, p_quantity numeric, p_quantities jsonb)
returns quota.told_end
language plpgsql stable
as $$
declare
  told quota.told_end;
  unit text;
begin
  told.quantities := p_quantities;
  if in_seconds then
    told.duration_seconds := p_quantity;
  elsif in_messages then
    -- Half a message is refused where all of them are.
    told.messages := case
      when p_quantity = trunc(p_quantity) and p_quantity <= 2147483647 then p_quantity end;
  elsif p_quantity is not null then
    unit := quota.service_unit(p_service) || 's';
    if (p_quantities->unit)::text <> p_quantity::text and (p_quantities->>unit)::numeric <> p_quantity then
      raise exception 'one quantity is told twice, and differs' using errcode = 'QT003';
    end if;
    told.quantities := coalesce(p_quantities, '{}') || jsonb_build_object(unit, p_quantity);
  end if;
  return quota.with_quantities(told, p_service);
end $$;
comment on function quota.told_quantities_of(text, boolean, boolean, numeric, jsonb) is
  'The quantities of a call that is recorded: the one in the unit of its service, and what else is told, '
  'where they are kept. QT003 as quota.with_quantities.';
