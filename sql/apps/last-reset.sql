create or replace function quota.last_reset(p_user uuid, p_meter text, p_period_start timestamptz)
returns timestamptz
language sql stable
as $$
  select greatest(nullif(p_period_start, '-infinity'), (
    select max(a.created_at) from quota.adjustments a
    where a.user_id = p_user and a.meter = p_meter and a.period_start = p_period_start and a.kind = 'reset'
      and not quota.is_undone(a)))
$$;
comment on function quota.last_reset(uuid, text, timestamptz) is
  'When a meter last began at nothing: with its period, or by a reset of an operator in it; null: never, of '
  'a lifetime.';
