create or replace function quota.called_assistant(told jsonb) returns quota.assistants
language plpgsql stable
as $$
declare
  asked text := coalesce(told#>>'{call,assistantId}', told#>>'{assistant,id}');
  dialled text[] := array_remove(array[
    told#>>'{phoneNumber,id}', told#>>'{call,phoneNumberId}', told#>>'{phoneNumber,number}',
    told#>>'{call,phoneNumber,number}'], null);
  found_assistant quota.assistants;
begin
  if asked is not null then
    select a.* into found_assistant from quota.assistants a where a.provider_assistant_id = asked;
    return found_assistant;
  end if;
  select a.* into found_assistant
  from quota.assistants a
  where a.numbers && dialled and a.numbers <> '{}' and a.state = 'active'
  order by a.created_at, a.id limit 1;
  return found_assistant;
end $$;
comment on function quota.called_assistant(jsonb) is
  'The assistant that a webhook of VAPI names, else the one that answers the number that was dialled; null: '
  'nobody knows of it.';
