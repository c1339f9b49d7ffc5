create or replace function quota.gate_owner(p_body jsonb) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(null);
  return (
    select u.external_id
    from quota.called_assistant(p_body->'message') a
    join quota.users u on u.id = a.user_id and u.erased_at is null);
end $$;
comment on function quota.gate_owner(jsonb) is
  'Whose assistant a webhook of VAPI concerns, by external id; null: nobody''s here. Of several databases '
  'the one that knows him is given the webhook. QT006: asked by whoever speaks for one user.';
