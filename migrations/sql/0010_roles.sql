-- Roles for others than the owner of the schema. Roles belong to the whole server: they are made where the owner may
-- make roles and they are not there yet, and they stay when the schema goes.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;
exception
  when duplicate_object or unique_violation then null; -- Another database's migration made it at this very moment.
  when insufficient_privilege then
    raise notice 'the roles of quota were not made: the owner may not create roles';
end $$;

create function quota.protect_rows() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  t record;
begin
  for t in
    select c.oid::regclass as name, case when c.relname = 'users' then 'id' else 'user_id' end as key
    from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relnamespace = 'quota'::regnamespace and c.relkind = 'r'
      and (a.attname = 'user_id' or (c.relname = 'users' and a.attname = 'id'))
      and not exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'one_user')
  loop
    execute format('alter table %s enable row level security', t.name);
    execute format(
      'create policy one_user on %s using ((select quota.bound_user()) is null or %I = (select quota.bound_user()))',
      t.name, t.key);
  end loop;
end $$;
comment on function quota.protect_rows() is
  'Lets a login role bound to a user see that user''s rows only, in every table that has a user; the owner and unbound roles see all.';

create function quota.grant_roles() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  t text;
begin
  revoke all on all functions in schema quota from public;
  -- The default gives every new function to everybody.
  alter default privileges in schema quota revoke execute on functions from public;
  if (select count(*) from pg_roles where rolname in ('quota_app', 'quota_operator', 'quota_finance', 'quota_readonly')) < 4 then
    return;
  end if;
  grant usage on schema quota to quota_app, quota_operator, quota_finance, quota_readonly;

  grant execute on function
    quota.check(text, text, text, numeric, bigint, text), quota.check(uuid, text, text, numeric, bigint, text), quota.record,
    quota.start_session, quota.end_session, quota.get_user_plan_limits, quota.check_concurrent_processing_limit,
    quota.calculate_usage_stats
    to quota_app, quota_operator;

  grant select on all tables in schema quota to quota_operator, quota_finance, quota_readonly;
  revoke select on quota.audit_personal, quota.role_bindings from quota_readonly, quota_finance;
  grant execute on all functions in schema quota to quota_operator;
  revoke execute on function quota.erase_user, quota.grant_roles, quota.protect_rows from quota_operator;
  for t in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'quota'::regnamespace and p.provolatile <> 'v' and p.prorettype <> 'trigger'::regtype
  loop
    execute format('grant execute on function %s to quota_finance, quota_readonly', t);
  end loop;

  grant insert on quota.users, quota.subscriptions, quota.call_logs, quota.adjustments, quota.grants, quota.assistants,
    quota.limit_overrides, quota.assistant_limits, quota.assistant_originals, quota.job_runs, quota.audit_log, quota.audit_personal to quota_operator;
  grant update on quota.users, quota.subscriptions, quota.call_logs, quota.usage_quotas, quota.usage_alerts, quota.assistants,
    quota.assistant_limits, quota.job_runs, quota.limit_overrides to quota_operator;
  grant delete on quota.limit_overrides to quota_operator;

  -- What their jobs keep: days to roll up, alerts to tell, counters to take out of a cache. Purging is the owner's.
  grant insert, update on quota.analytics_days, quota.alert_deliveries to quota_operator;
  grant insert on quota.cache_state to quota_operator;
  grant delete on quota.cache_outbox to quota_operator;

  grant insert, update on quota.billing_exports, quota.billing_lines, quota.reconciliations, quota.reconciliation_exports,
    quota.reconciliation_items, quota.discrepancies to quota_finance;
  grant delete on quota.billing_exports, quota.billing_lines, quota.reconciliation_exports, quota.reconciliation_items,
    quota.discrepancies to quota_finance;
  grant execute on function quota.next_export, quota.open_reconciliation, quota.compute_reconciliation to quota_finance;
  grant insert, update, delete on quota.rate_cards, quota.export_mappings to quota_finance;
  grant insert, update on quota.call_logs to quota_finance;
  grant insert on quota.audit_log to quota_finance;
end $$;
comment on function quota.grant_roles() is
  'Gives each role what its work needs: apps call functions, operators change users, finance reconciles, readers read.';

select quota.protect_rows();
select quota.grant_roles();
