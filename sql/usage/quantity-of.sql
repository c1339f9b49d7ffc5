create or replace function quota.quantity_of(
  unit text, measure jsonb, status text, duration_seconds numeric, messages integer, file_bytes bigint,
  quantities jsonb)
returns numeric
language sql immutable parallel safe
as $$
  -- A failed message was not delivered and does not count; seconds of a failed call were spent all the same.
  select case
    when measure is not null
      then quota.measured(unit, measure, status, duration_seconds, messages, file_bytes, quantities)
    when unit = 'second' then coalesce(duration_seconds, 0)
    when status = 'error' then 0
    else coalesce(messages, 1)
  end
$$;
comment on function quota.quantity_of(text, jsonb, text, numeric, integer, bigint, jsonb) is
  'What a call log counts on a meter of this unit and measure (null: as it is).';
