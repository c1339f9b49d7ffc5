create or replace function quota.spoken_refusal(p_refusal text, p_user uuid, p_service text) returns jsonb
language sql stable
as $$
  select jsonb_build_object('error', left(coalesce(nullif(btrim(p_refusal), ''), (
    select p.limited_state->>'firstMessage'
    from quota.subscriptions s join quota.plans p on p.key = s.plan
    where s.user_id = p_user and s.service = p_service),
    'Hello. This assistant cannot take calls now. Please call again later. Goodbye.'), 1000))
$$;
comment on function quota.spoken_refusal(text, uuid, text) is
  'What a caller hears in place of the assistant: no word of the plan of whoever is called.';
