-- Gives each role what its work needs: apps call functions, operators change users, finance reconciles,
-- readers read. Whatever the roles had before is taken away first, so that this is all they have. Runs where
-- all four exist.

revoke all on all tables in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
revoke all on all sequences in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
revoke all on all functions in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
grant usage on schema quota to quota_app, quota_operator, quota_finance, quota_readonly;

grant execute on function
  quota.check, quota.record, quota.start_session, quota.touch_session,
  quota.end_session(bigint, numeric, numeric, integer, integer, text, text),
  quota.end_session(text, text, numeric, numeric, integer, integer, text, text, text, text),
  quota.ensure_user, quota.add_assistant, quota.remove_assistant, quota.get_user_plan_limits,
  quota.check_concurrent_processing_limit, quota.calculate_usage_stats, quota.alerts,
  quota.acknowledge_alert, quota.usage_history, quota.count_refusal
  to quota_app, quota_operator;
-- What row level security asks, where an app is given a table to read.
grant execute on function quota.caller, quota.bound_user, quota.newcomer to quota_app;

grant select on all tables in schema quota to quota_operator, quota_finance, quota_readonly;
revoke select on quota.audit_personal, quota.logins from quota_readonly, quota_finance;
grant execute on all functions in schema quota to quota_operator;
-- Triggers alone write what was changed without the functions.
revoke execute on function quota.note_rows, quota.reopen_month from quota_operator;
revoke execute on function quota.erase_user, quota.erase_reasons, quota.erase_mentions, quota.forget_lines,
  quota.is_plain_caller, quota.note_refusal, quota.open_reconciliation, quota.compute_reconciliation,
  quota.fold_parts
  from quota_operator;

-- Readers and finance may ask whatever changes nothing.
do $$
declare
  f regprocedure;
begin
  for f in
    select p.oid from pg_proc p
    where p.pronamespace = 'quota'::regnamespace and p.provolatile <> 'v'
      and p.prorettype <> 'trigger'::regtype
      -- They read what is kept from both, or make users.
      and p.proname <> all (array['is_plain_caller', 'naming_pattern', 'resolve_user', 'role_standing',
        'speaker', 'user_or_newcomer'])
  loop
    execute format('grant execute on function %s to quota_finance, quota_readonly', f);
  end loop;
end $$;

grant insert on quota.users, quota.subscriptions, quota.call_logs, quota.adjustments, quota.grants,
quota.assistants,
  quota.limit_overrides, quota.assistant_limits, quota.assistant_originals, quota.job_runs,
  quota.audit_personal to quota_operator;
grant update on quota.users, quota.subscriptions, quota.call_logs, quota.usage_quotas, quota.usage_alerts,
  quota.assistants, quota.assistant_limits, quota.job_runs, quota.limit_overrides to quota_operator;
grant delete on quota.limit_overrides to quota_operator;

-- What their jobs keep: days to roll up, alerts to tell, counters to take out of a cache. Purging is the
-- owner's.
grant insert, update on quota.analytics_days, quota.alert_deliveries to quota_operator;
grant insert on quota.cache_state to quota_operator;
grant delete on quota.cache_outbox to quota_operator;

grant insert, update on quota.billing_exports, quota.billing_lines, quota.reconciliations,
  quota.reconciliation_exports, quota.reconciliation_items, quota.discrepancies to quota_finance;
grant delete on quota.billing_exports, quota.billing_lines, quota.reconciliation_exports,
quota.reconciliation_items,
  quota.discrepancies to quota_finance;
grant execute on function quota.reopen_month, quota.refuse_closed, quota.next_export,
  quota.fold_parts, quota.forget_lines, quota.open_reconciliation, quota.compute_reconciliation
  to quota_finance;
grant insert, update, delete on quota.rate_cards, quota.export_mappings, quota.model_aliases to quota_finance;
grant insert, update, delete on quota.export_fetches, quota.fetched_calls to quota_finance;
grant insert, update on quota.call_logs to quota_finance;

-- A trigger sets the rest of a row of the history.
grant insert (at, actor, action, user_id, service, subject, reason, before, after, run_id, period_end)
  on quota.audit_log to quota_operator, quota_finance;
