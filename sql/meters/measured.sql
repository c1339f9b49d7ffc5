create or replace function quota.measured(
  unit text, measure jsonb, status text, duration_seconds numeric, messages integer, file_bytes bigint,
  quantities jsonb)
returns numeric
language plpgsql immutable parallel safe
as $$
declare
  size numeric := (measure->>'rounding')::numeric;
  quantity numeric := coalesce((quantities->>(measure->>'meter'))::numeric,
    (quantities->>(unit || 's'))::numeric,
    case unit
      when 'second' then duration_seconds
      when 'byte' then file_bytes
      when 'credit' then duration_seconds / (measure->>'creditSeconds')::numeric
      when 'token' then 0
      -- What failed was not delivered; tokens, bytes and seconds of it were spent all the same.
      else case when status = 'error' then 0 when unit = 'message' then coalesce(messages, 1) else 1 end
    end, 0);
begin
  return round(case when size is null then quantity else ceil(quantity / size) * size end, 3);
end $$;
comment on function quota.measured(text, jsonb, text, numeric, integer, bigint, jsonb) is
  'What a call counts on a meter that has a measure: as it is told of the meter or its unit, else of its '
  'length, its file or itself; each call rounded up where the meter says so.';
