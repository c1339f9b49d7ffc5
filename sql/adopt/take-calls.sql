-- What the app writes and what a backfill finds goes this one way. The link of a row (source, key) is what
-- counts it once: whoever makes it first counts the row, and who comes second at the same moment leaves word
-- (bury_row), so that the row is looked at again as it stands then.

create or replace function quota.take_calls(p_source integer, p_calls quota.adopted_call[])
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  source quota.adopt_sources;
  fresh quota.adopted_call[];
  known quota.adopted_call[];
  gone quota.adopted_call[];
  taken integer := 0;
begin
  select * into source from quota.adopt_sources s where s.id = p_source;
  if exists (select from quota.erased_names) then
    p_calls := array(
      select c from unnest(p_calls) c
      where not c.is_there or quota.was_erased(c.user_name) is not true
        or exists (select from quota.users u where u.external_id = c.user_name));
  end if;
  if source.makes_users then
    perform quota.add_adopted_users(p_calls);
  end if;
  select array_agg(c) filter (where c.is_there and l.call_log_id is null),
    array_agg(c) filter (where c.is_there and l.call_log_id is not null),
    array_agg(c) filter (where not c.is_there and source.on_delete = 'remove')
  into fresh, known, gone
  from unnest(p_calls) c
  left join quota.adopt_links l on l.source = p_source and l.key = c.key;
  if known is not null or gone is not null then
    perform quota.hold_adopted(p_source, p_calls);
  end if;
  if fresh is not null then
    taken := quota.insert_adopted(p_source, fresh);
  end if;
  if known is not null then
    taken := taken + quota.update_adopted(p_source, known);
  end if;
  if gone is not null then
    taken := taken + quota.remove_adopted(p_source, gone);
  end if;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(array_agg(distinct g.user_id), g.service)
    from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
    group by g.service;
  end if;
  return taken;
end $$;
comment on function quota.take_calls(integer, quota.adopted_call[]) is
  'Brings call logs to what rows of an adopted product say; how many were made, changed or removed. The same '
  'again changes nothing, and nothing is taken of those who were erased. What cannot be taken waits in '
  'quota.adopt_dead.';
