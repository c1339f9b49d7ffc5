create or replace function quota.note_direct_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  rows_max constant integer := 10000;
  what text := lower(tg_op) || case when tg_op = 'INSERT' then 'ed' else 'd' end;
  old_lines jsonb[];
  new_lines jsonb[];
  rows bigint;
begin
  -- One more than is told row by row; rows that are as they were are none.
  if tg_op = 'INSERT' then
    new_lines := array(select to_jsonb(n) from new_rows n limit rows_max + 1);
  elsif tg_op = 'DELETE' then
    old_lines := array(select to_jsonb(o) from old_rows o limit rows_max + 1);
  else
    old_lines := array(
      select to_jsonb(o) from old_rows o except select to_jsonb(n) from new_rows n limit rows_max + 1);
    new_lines := array(
      select to_jsonb(n) from new_rows n except select to_jsonb(o) from old_rows o limit rows_max + 1);
  end if;
  if greatest(cardinality(old_lines), cardinality(new_lines)) > rows_max then
    -- Apart: what one statement names must be there, and no other change has both.
    if tg_op = 'INSERT' then
      select count(*) into rows from new_rows;
    else
      select count(*) into rows from old_rows;
    end if;
    insert into quota.audit_log (action, subject, after)
    values (tg_table_name || '.' || what, 'more than ' || rows_max || ' rows',
      jsonb_build_object('rows', rows));
  else
    perform quota.note_rows(tg_table_name, what, tg_argv, old_lines, new_lines);
  end if;
  return null;
end $$;
comment on function quota.note_direct_change() is
  'Writes into the history what somebody changed by SQL of their own, not through the tool or the functions '
  'of the schema. Arguments of its triggers, each a list: the key of the table, the column of the user, '
  'columns that may name a person, the columns that count (none: all), and whether calls that run are left '
  'out. Of more than 10,000 rows at once: one row with their number.';

-- The tool and every function of the schema look for names in pg_catalog alone: whoever writes under another
-- search_path writes by hand, the owner too. A role that is not the owner is noted under any.

create or replace trigger users_updated_directly after update on quota.users
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'id', 'external_id email name', '');

create or replace trigger users_deleted_directly after delete on quota.users
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'id', 'external_id email name', '');

create or replace trigger subscriptions_updated_directly after update on quota.subscriptions
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id service', 'user_id', '', '');

create or replace trigger subscriptions_deleted_directly after delete on quota.subscriptions
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id service', 'user_id', '', '');

create or replace trigger plans_inserted_directly after insert on quota.plans
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plans_updated_directly after update on quota.plans
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plans_deleted_directly after delete on quota.plans
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger plan_limits_inserted_directly after insert on quota.plan_limits
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger plan_limits_updated_directly after update on quota.plan_limits
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger plan_limits_deleted_directly after delete on quota.plan_limits
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('plan meter', '', '', '');

create or replace trigger meters_inserted_directly after insert on quota.meters
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger meters_updated_directly after update on quota.meters
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger meters_deleted_directly after delete on quota.meters
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('key', '', '', '');

create or replace trigger grants_inserted_directly after insert on quota.grants
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger grants_updated_directly after update on quota.grants
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger grants_deleted_directly after delete on quota.grants
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');

create or replace trigger adjustments_inserted_directly after insert on quota.adjustments
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id id', 'user_id', 'reason', '');

create or replace trigger limit_overrides_inserted_directly after insert on quota.limit_overrides
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger limit_overrides_updated_directly after update on quota.limit_overrides
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger limit_overrides_deleted_directly after delete on quota.limit_overrides
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('user_id meter', 'user_id', 'reason', '');

create or replace trigger call_logs_updated_directly after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'error_message metadata', '', 'running');

create or replace trigger call_logs_deleted_directly after delete on quota.call_logs
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'error_message metadata', '');

create or replace trigger assistants_updated_directly after update on quota.assistants
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'name', '');

create or replace trigger assistants_deleted_directly after delete on quota.assistants
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'name', '');

create or replace trigger discrepancies_updated_directly after update on quota.discrepancies
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'reason',
    'resolution resolved_at resolved_by reason');

create or replace trigger discrepancies_deleted_directly after delete on quota.discrepancies
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', 'user_id', 'reason',
    'resolution resolved_at resolved_by reason');

create or replace trigger reconciliations_updated_directly after update on quota.reconciliations
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');

create or replace trigger reconciliations_deleted_directly after delete on quota.reconciliations
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');

create or replace trigger settings_inserted_directly after insert on quota.settings
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger settings_updated_directly after update on quota.settings
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger settings_deleted_directly after delete on quota.settings
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('name', '', '', '');

create or replace trigger logins_inserted_directly after insert on quota.logins
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');

create or replace trigger logins_updated_directly after update on quota.logins
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');

create or replace trigger logins_deleted_directly after delete on quota.logins
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('role_name', 'user_id', '', '');

create or replace trigger service_settings_inserted_directly after insert on quota.service_settings
  referencing new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('service', '', '', '');

create or replace trigger service_settings_updated_directly after update on quota.service_settings
  referencing old table as old_rows new table as new_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('service', '', '', '');

create or replace trigger service_settings_deleted_directly after delete on quota.service_settings
  referencing old table as old_rows
  for each statement when (current_setting('search_path') <> 'pg_catalog, pg_temp'
    or not has_schema_privilege('quota', 'create with grant option'))
  execute function quota.note_direct_change('service', '', '', '');
