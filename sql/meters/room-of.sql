create or replace function quota.room_of(unit text, measure jsonb, p_service_unit text, remaining numeric)
returns numeric
language sql immutable parallel safe
as $$
  select case when unit = p_service_unit or measure ? 'creditSeconds' and p_service_unit = 'second' then
    coalesce(floor(remaining / (measure->>'rounding')::numeric) * (measure->>'rounding')::numeric, remaining)
      * coalesce(trim_scale((measure->>'creditSeconds')::numeric), 1) end
$$;
comment on function quota.room_of(text, jsonb, text, numeric) is
  'What a call may use, in the unit of its service, of what remains on a meter: whole steps where each call '
  'is rounded up. Null: no limit, or none that can be told in that unit.';
