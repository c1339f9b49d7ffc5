create or replace function quota.take_assistants(
  p_source integer, p_assistants quota.adopted_assistant[])
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken integer;
  changed integer;
  former text[];
  anew text[];
  found_again uuid[];
begin
  perform quota.bury_row(p_source, a.key, 'take', null,
    case when coalesce(a.provider_assistant_id, '') = '' then 'it has no id at the provider'
      else format('there is no user "%s"', quota.shown(coalesce(a.user_name, ''))) end)
  from unnest(p_assistants) a
  where a.is_there and (coalesce(a.provider_assistant_id, '') = ''
    or not exists (select from quota.users u where u.external_id = a.user_name)
      and quota.was_erased(a.user_name) is not true);
  with given_up as (
    delete from quota.adopt_assistants l using unnest(p_assistants) a
    where l.source = p_source and l.key = a.key
      and (not a.is_there or l.provider_assistant_id is distinct from a.provider_assistant_id)
    returning l.provider_assistant_id
  )
  select array_agg(g.provider_assistant_id) into former from given_up g;
  with linked as (
    insert into quota.adopt_assistants as l (source, key, provider_assistant_id)
    select p_source, a.key, a.provider_assistant_id
    from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
    where a.is_there and a.provider_assistant_id <> '' and a.key is not null
    on conflict (source, key) do update set provider_assistant_id = excluded.provider_assistant_id
      where l.provider_assistant_id <> excluded.provider_assistant_id
    returning l.provider_assistant_id
  )
  select array_agg(l.provider_assistant_id) into anew from linked l;
  -- Before the others are counted: in the place of one that is given up another may be had.
  if former is not null then
    perform quota.give_up_assistants(former);
  end if;
  insert into quota.assistants (user_id, provider_assistant_id, name)
  select u.id, a.provider_assistant_id, a.name
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and a.provider_assistant_id <> ''
    and not exists (select from quota.assistants o where o.provider_assistant_id = a.provider_assistant_id)
  order by u.id, a.provider_assistant_id
  on conflict do nothing;
  get diagnostics taken = row_count;
  -- One that the provider does not know any more stays gone, however often its row is told.
  found_again := array(
    select o.id from quota.assistants o where o.provider_assistant_id = any (anew) and o.state = 'gone');
  update quota.assistants o
  set user_id = u.id, name = coalesce(a.name, o.name),
    state = case when o.id = any (found_again) then 'active' else o.state end
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and o.provider_assistant_id = a.provider_assistant_id
    and ((o.user_id, o.name) is distinct from (u.id, coalesce(a.name, o.name)) or o.id = any (found_again));
  get diagnostics changed = row_count;
  taken := taken + changed;
  if found_again <> '{}' then
    perform quota.limit_found(found_again);
  end if;
  return taken;
end $$;
comment on function quota.take_assistants(integer, quota.adopted_assistant[]) is
  'Makes the assistants that rows of an adopted product tell of, or brings them up to date; how many were '
  'made or changed.';

create or replace function quota.retire_assistants(p_source integer, p_keys text[]) returns void
language plpgsql
as $$
declare
  former text[];
begin
  with given_up as (
    delete from quota.adopt_assistants l where l.source = p_source and l.key = any (p_keys)
    returning l.provider_assistant_id
  )
  select array_agg(g.provider_assistant_id) into former from given_up g;
  if former is not null then
    perform quota.give_up_assistants(former);
  end if;
end $$;
comment on function quota.retire_assistants(integer, text[]) is
  'Assistants whose rows an adopted product has deleted are gone, unless another row has them.';
