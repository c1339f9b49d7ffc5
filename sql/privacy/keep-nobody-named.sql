create or replace function quota.keep_nobody_named() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then
    new := jsonb_populate_record(new, tg_argv[0]::jsonb);
  end if;
  return new;
end $$;
comment on function quota.keep_nobody_named() is
  'Text that may name a person: whatever is told later, rows of an erased user have the values of the '
  'argument instead.';

create or replace trigger assistants_of_nobody before insert or update on quota.assistants
  for each row when (new.name is not null) execute function quota.keep_nobody_named('{"name": null}');

create or replace trigger call_logs_of_nobody before insert or update on quota.call_logs
  for each row when (new.metadata is not null or new.error_message is not null)
  execute function quota.keep_nobody_named('{"metadata": null, "error_message": null}');

create or replace trigger grants_of_nobody before insert or update of reason on quota.grants
  for each row execute function quota.keep_nobody_named('{"reason": "erased"}');

create or replace trigger grants_revoked_of_nobody before insert or update of revoke_reason on quota.grants
  for each row when (new.revoke_reason is not null)
  execute function quota.keep_nobody_named('{"revoke_reason": "erased"}');

create or replace trigger adjustments_of_nobody before insert on quota.adjustments
  for each row execute function quota.keep_nobody_named('{"reason": "erased"}');

create or replace trigger limit_overrides_of_nobody before insert or update on quota.limit_overrides
  for each row when (new.reason is not null) execute function quota.keep_nobody_named('{"reason": null}');

create or replace trigger alert_deliveries_of_nobody before insert or update on quota.alert_deliveries
  for each row when (new.last_error is not null)
  execute function quota.keep_nobody_named('{"last_error": "not kept: the user was erased"}');

create or replace trigger assistant_limits_of_nobody before insert or update on quota.assistant_limits
  for each row when (new.last_error is not null)
  execute function quota.keep_nobody_named('{"last_error": "not kept: the user was erased"}');
