create or replace function quota.told_call(told jsonb) returns text
language plpgsql stable
as $$
declare
  key text := told#>>'{call,id}';
begin
  if jsonb_typeof(told#>'{call,id}') is distinct from 'string' then
    raise exception 'the call has no id: without it a webhook cannot be told from its repetition'
      using errcode = 'QT003';
  end if;
  perform quota.refuse_unfit_name(key, 'the id of a call');
  return key;
end $$;
comment on function quota.told_call(jsonb) is
  'The id of the call that a webhook of VAPI tells of; QT003: it has none.';
