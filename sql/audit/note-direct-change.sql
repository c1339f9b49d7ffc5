create or replace function quota.note_direct_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    perform quota.note_rows(tg_table_name, 'inserted', tg_argv,
      null, array(select to_jsonb(n) from new_rows n));
  elsif tg_op = 'DELETE' then
    perform quota.note_rows(tg_table_name, 'deleted', tg_argv,
      array(select to_jsonb(o) from old_rows o), null);
  else
    perform quota.note_rows(tg_table_name, 'updated', tg_argv,
      array(select to_jsonb(o) from old_rows o), array(select to_jsonb(n) from new_rows n));
  end if;
  return null;
end $$;
comment on function quota.note_direct_change() is
  'Writes into the history what a role changed by SQL of its own, not through the functions of the schema. '
  'Its triggers fire for such statements only. Their arguments, each a list: the key of the table, the '
  'column of the user, columns that may name a person, and the columns that count (none: all).';

-- A statement of a role's own, in no function of the schema: whoever runs as the owner has other ways.

create or replace trigger users_updated_directly after update on quota.users
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'id', 'external_id email name', '');

create or replace trigger users_deleted_directly after delete on quota.users
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'id', 'external_id email name', '');

create or replace trigger subscriptions_updated_directly after update on quota.subscriptions
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id service', 'user_id', '', '');

create or replace trigger subscriptions_deleted_directly after delete on quota.subscriptions
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id service', 'user_id', '', '');

create or replace trigger plans_inserted_directly after insert on quota.plans
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plans_updated_directly after update on quota.plans
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plans_deleted_directly after delete on quota.plans
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plan_limits_inserted_directly after insert on quota.plan_limits
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger plan_limits_updated_directly after update on quota.plan_limits
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger plan_limits_deleted_directly after delete on quota.plan_limits
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger meters_inserted_directly after insert on quota.meters
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger meters_updated_directly after update on quota.meters
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger meters_deleted_directly after delete on quota.meters
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger grants_inserted_directly after insert on quota.grants
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger grants_updated_directly after update on quota.grants
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger grants_deleted_directly after delete on quota.grants
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger adjustments_inserted_directly after insert on quota.adjustments
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason', '');

create or replace trigger limit_overrides_inserted_directly after insert on quota.limit_overrides
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger limit_overrides_updated_directly after update on quota.limit_overrides
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger limit_overrides_deleted_directly after delete on quota.limit_overrides
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger call_logs_updated_directly after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'error_message metadata', '');

create or replace trigger call_logs_deleted_directly after delete on quota.call_logs
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'error_message metadata', '');

create or replace trigger assistants_updated_directly after update on quota.assistants
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'name', '');

create or replace trigger assistants_deleted_directly after delete on quota.assistants
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'name', '');

create or replace trigger discrepancies_updated_directly after update on quota.discrepancies
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'reason',
    'resolution resolved_at resolved_by reason');

create or replace trigger discrepancies_deleted_directly after delete on quota.discrepancies
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'reason',
    'resolution resolved_at resolved_by reason');

create or replace trigger reconciliations_updated_directly after update on quota.reconciliations
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');

create or replace trigger reconciliations_deleted_directly after delete on quota.reconciliations
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');

create or replace trigger settings_inserted_directly after insert on quota.settings
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger settings_updated_directly after update on quota.settings
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger settings_deleted_directly after delete on quota.settings
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger logins_inserted_directly after insert on quota.logins
  referencing new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');

create or replace trigger logins_updated_directly after update on quota.logins
  referencing old table as old_rows new table as new_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');

create or replace trigger logins_deleted_directly after delete on quota.logins
  referencing old table as old_rows
  for each statement when (not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');
