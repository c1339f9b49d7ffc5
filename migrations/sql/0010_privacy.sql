-- The person in the data: what an audit row must not keep for ever, and how a user is erased.

create table quota.audit_personal (
  user_id uuid not null references quota.users,
  audit_id bigint not null references quota.audit_log,
  before jsonb,
  after jsonb,
  primary key (user_id, audit_id)
);
comment on table quota.audit_personal is
  'Names and addresses beside audit rows: the history is never rewritten, this part of it goes when its user is erased.';

create function quota.erase_user(p_user uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update quota.users u
  set external_id = 'erased-' || u.id, email = null, name = null, erased_at = coalesce(u.erased_at, quota.now())
  where u.id = p_user;
  update quota.call_logs l set metadata = null, error_message = null
  where l.user_id = p_user and (l.metadata is not null or l.error_message is not null);
  update quota.assistants a set name = null where a.user_id = p_user and a.name is not null;
  update quota.billing_lines b set raw = null, description = null
  where (b.raw is not null or b.description is not null) and (
    b.external_id in (select l.provider_call_id from quota.call_logs l where l.user_id = p_user)
    or b.assistant_id in (select a.provider_assistant_id from quota.assistants a where a.user_id = p_user));
  -- What an assistant that is limited had before stays until it is restored, which takes it away.
  update quota.assistant_limits l
  set last_error = null, original = case when l.status <> 'gone' then l.original end,
    applied = case when l.status <> 'gone' then l.applied end
  where l.user_id = p_user and (l.last_error is not null or l.original is not null or l.applied is not null);
  delete from quota.assistant_originals o where o.user_id = p_user;
  delete from quota.audit_personal p where p.user_id = p_user;
end $$;
comment on function quota.erase_user(uuid) is
  'Takes the person out and leaves the facts: usage, costs, resets and reconciliations stay, under an id that names nobody.';

create function quota.keep_nobody_erased() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return case when not exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then new end;
end $$;
comment on function quota.keep_nobody_erased() is
  'Work that goes on after an erasure, such as restoring assistants, writes nothing down about the person again.';
create trigger audit_personal_of_nobody before insert on quota.audit_personal
  for each row execute function quota.keep_nobody_erased();
create trigger assistant_originals_of_nobody before insert on quota.assistant_originals
  for each row execute function quota.keep_nobody_erased();
