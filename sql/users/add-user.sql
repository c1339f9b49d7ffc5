create or replace function quota.add_user(
  p_external_id text, p_signup_at timestamptz default null, p_timezone text default null)
returns uuid
language plpgsql
as $$
declare
  added uuid;
begin
  -- An app whose ids are uuids finds them here, too. Of two first calls at once the second waits for the
  -- first.
  insert into quota.users (id, external_id, created_at, timezone)
  values (
    case when p_external_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and p_external_id::uuid <> quota.newcomer() then p_external_id::uuid else gen_random_uuid() end,
    p_external_id, coalesce(p_signup_at, quota.now()), coalesce(p_timezone, 'UTC'))
  on conflict do nothing
  returning id into added;
  return added;
end $$;
comment on function quota.add_user(text, timestamptz, text) is
  'Makes a user (signup: this moment, in UTC, unless told); the id, null where somebody else has just made '
  'it.';
