create or replace function quota.gate(
  p_provider text, p_body jsonb, p_service text default 'voice', p_refusal text default null)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told jsonb := p_body->'message';
begin
  if p_provider is distinct from 'vapi' then
    raise exception 'the gate answers the webhooks of "vapi", not of "%"', quota.shown(p_provider)
      using errcode = 'QT003';
  elsif jsonb_typeof(told) is distinct from 'object' or jsonb_typeof(told->'type') is distinct from 'string'
  then
    raise exception 'this is no body of a webhook of VAPI: a "message" with a "type" is missing'
      using errcode = 'QT003', hint = 'Give the whole body as it came, as jsonb.';
  end if;
  case told->>'type'
    when 'assistant-request' then
      return quota.admit_call(told, p_service, p_refusal);
    when 'end-of-call-report' then
      return quota.settle_admitted(told, p_service);
    else
      return '{}';
  end case;
end $$;
comment on function quota.gate(text, jsonb, text, text) is
  'What to answer a webhook of the provider with, as it is. A call that wants to begin gets the assistant '
  'and what is left as its length, reserved under its id, or {error}, which is spoken: p_refusal, else what '
  'the plan says, else a sentence. The report of its end settles it; to anything else {} is said. QT003: no '
  'such body.';
