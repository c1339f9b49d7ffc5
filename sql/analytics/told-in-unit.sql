create or replace function quota.told_in_unit(p_quantities jsonb, p_service text, p_unit text) returns numeric
language sql stable
as $$
  select coalesce((p_quantities->>(p_unit || 's'))::numeric, (
    select sum((p_quantities->>m.key)::numeric) from quota.meters m
    where p_quantities is not null and m.service = p_service and m.unit = p_unit
      and m.models is null))
$$;
comment on function quota.told_in_unit(jsonb, text, text) is
  'How much of a unit a call told: as such ("tokens"), else by the meters of its service that count it of '
  'all models; null: nothing.';
