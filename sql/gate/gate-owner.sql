create or replace function quota.gate_owner(p_body jsonb) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select u.external_id
  from quota.called_assistant(p_body->'message') a join quota.users u on u.id = a.user_id
$$;
comment on function quota.gate_owner(jsonb) is
  'Whose assistant a webhook of VAPI concerns, by external id; null: nobody''s here. Of several databases '
  'the one that knows him is given the webhook.';
