create or replace function quota.meter_label(p_meter text, p_unit text) returns text
language sql immutable parallel safe
as $$
  select replace(case p_unit
    when 'second' then regexp_replace(p_meter, '_seconds$', '') || '_minutes'
    else p_meter || case when p_meter like '%' || p_unit || 's' then '' else '_' || p_unit || 's' end end,
    '_', ' ')
$$;
comment on function quota.meter_label(text, text) is
  'A meter in words for people: voice minutes, premium messages, input tokens.';
