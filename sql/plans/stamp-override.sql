create or replace function quota.stamp_override() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  new.actor := quota.actor();
  new.created_at := quota.now();
  return new;
end $$;
comment on function quota.stamp_override() is
  'A custom limit that is given anew is that of who gave it, from then on.';

create or replace trigger limit_overrides_stamped before update on quota.limit_overrides
  for each row when (new.reason <> 'erased'
    and (old.limit_quantity, old.cost_limit, old.reason)
      is distinct from (new.limit_quantity, new.cost_limit, new.reason))
  execute function quota.stamp_override();
