create or replace function quota.quantity_on(
  unit text, measure jsonb, p_service_unit text, p_quantity numeric, p_quantities jsonb)
returns numeric
language sql immutable parallel safe
as $$
  select case
    when p_quantity is null and p_quantities is null and unit <> 'request' then null
    else quota.quantity_of(unit, measure, 'active',
      case p_service_unit when 'second' then round(p_quantity, 3) end,
      case p_service_unit when 'message' then least(ceil(p_quantity), 2147483647)::integer end, null,
      case
        when p_service_unit in ('second', 'message') then p_quantities
        else jsonb_strip_nulls(jsonb_build_object(p_service_unit || 's', p_quantity))
          || coalesce(p_quantities, '{}')
      end)
  end
$$;
comment on function quota.quantity_on(text, jsonb, text, numeric, jsonb) is
  'What a call that is to come counts on a meter: its quantity, in the unit of the service, and what else it '
  'needs. Null: nothing is told.';
