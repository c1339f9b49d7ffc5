create or replace function quota.take_assistants(
  p_source integer, p_assistants quota.adopted_assistant[])
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken integer;
  changed integer;
begin
  perform quota.bury_row(p_source, a.key, 'take', null,
    case when coalesce(a.provider_assistant_id, '') = '' then 'it has no id at the provider'
      else format('there is no user "%s"', quota.shown(coalesce(a.user_name, ''))) end)
  from unnest(p_assistants) a
  where a.is_there and (coalesce(a.provider_assistant_id, '') = ''
    or not exists (select from quota.users u where u.external_id = a.user_name)
      and quota.was_erased(a.user_name) is not true);
  insert into quota.assistants (user_id, provider_assistant_id, name)
  select u.id, a.provider_assistant_id, a.name
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and a.provider_assistant_id <> ''
    and not exists (select from quota.assistants o where o.provider_assistant_id = a.provider_assistant_id)
  order by u.id, a.provider_assistant_id
  on conflict do nothing;
  get diagnostics taken = row_count;
  update quota.assistants o set user_id = u.id, name = coalesce(a.name, o.name), state = 'active'
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and o.provider_assistant_id = a.provider_assistant_id
    and (o.user_id, o.name, o.state) is distinct from (u.id, coalesce(a.name, o.name), 'active');
  get diagnostics changed = row_count;
  taken := taken + changed;
  insert into quota.adopt_assistants as l (source, key, provider_assistant_id)
  select p_source, a.key, a.provider_assistant_id from unnest(p_assistants) a
  where a.is_there and a.provider_assistant_id <> '' and a.key is not null
  on conflict (source, key) do update set provider_assistant_id = excluded.provider_assistant_id
    where l.provider_assistant_id <> excluded.provider_assistant_id;
  perform quota.retire_assistants(p_source,
    array(select a.key from unnest(p_assistants) a where not a.is_there));
  return taken;
end $$;
comment on function quota.take_assistants(integer, quota.adopted_assistant[]) is
  'Makes the assistants that rows of an adopted product tell of, or brings them up to date; how many were '
  'made or changed.';

create or replace function quota.retire_assistants(p_source integer, p_keys text[]) returns void
language sql
as $$
  update quota.assistants o set state = 'gone'
  from quota.adopt_assistants l
  where l.source = p_source and l.key = any (p_keys) and o.provider_assistant_id = l.provider_assistant_id
    and o.state <> 'gone'
$$;
comment on function quota.retire_assistants(integer, text[]) is
  'Assistants whose rows an adopted product has deleted are gone: they count for no maximum.';
