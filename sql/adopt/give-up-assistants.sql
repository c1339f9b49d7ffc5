create or replace function quota.give_up_assistants(p_ids text[]) returns void
language plpgsql
as $$
declare
  other record;
  there text[];
  gone uuid[];
  owners uuid[];
begin
  -- What another row says of one of them holds: whose it is, and that it is there.
  for other in
    select l.source, array_agg(l.key order by l.key) as keys
    from quota.adopt_assistants l join quota.adopt_sources s on s.id = l.source
    where l.provider_assistant_id = any (p_ids) and s.is_attached and s.reading is null
    group by l.source order by l.source
  loop
    there := quota.take_keys(other.source, other.keys);
    delete from quota.adopt_assistants l
    where l.source = other.source and l.key = any (other.keys) and l.key <> all (there);
  end loop;
  select array_agg(a.id), array_agg(a.user_id) into gone, owners
  from quota.assistants a
  where a.provider_assistant_id = any (p_ids) and not (a.state = 'gone' and a.is_given_up) and not exists (
    select from quota.adopt_assistants l join quota.adopt_sources s on s.id = l.source
    where l.provider_assistant_id = a.provider_assistant_id and s.is_attached);
  if gone is null then
    return;
  end if;
  -- A limit that is put on in the meantime reaches these assistants, or this sees it.
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  update quota.assistants a set state = 'gone', is_given_up = true where a.id = any (gone);
  -- What was limited for their user comes back; what an operator has limited by itself stays so.
  perform quota.queue_changes(array(
    select a.id from quota.assistants a
    where a.id = any (gone) and a.held is distinct from 'limited'), 'original');
  -- Where nothing was sent, or by the app alone, there is nothing to bring back.
  update quota.assistant_limits l
  set status = 'restored', next_attempt_at = null, updated_at = quota.now()
  where l.assistant_id = any (gone) and l.desired = 'original' and l.status in ('pending', 'failed')
    and l.original is null and l.applied is null and l.intents = '[]';
end $$;
comment on function quota.give_up_assistants(text[]) is
  'Assistants that no row of an adopted product has any more are gone: they count for no maximum, are '
  'limited with nobody, and get back what they had.';

create or replace function quota.limit_found(p_assistants uuid[]) returns void
language plpgsql
as $$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.revive_assistants(p_assistants, null);
  perform quota.limit_as_owners(owners);
end $$;
comment on function quota.limit_found(uuid[]) is
  'Assistants that an adopted product has given up and has again are limited where their users are.';
