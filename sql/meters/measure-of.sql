create or replace function quota.measure_of(key text, unit text, rounding numeric, credit_seconds numeric)
returns jsonb
language sql stable parallel safe
as $$
  select case when unit not in ('second', 'message') or rounding is not null then jsonb_strip_nulls(
    jsonb_build_object('meter', key, 'rounding', rounding, 'creditSeconds', credit_seconds)) end
$$;
comment on function quota.measure_of(text, text, numeric, numeric) is
  'How a meter measures a call, for quota.quantity_of; null: by its seconds or its messages, as they are.';
