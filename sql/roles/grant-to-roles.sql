-- Gives each role what its work needs: apps call functions, operators change users, finance reconciles,
-- readers read. Whatever the roles had before is taken away first, so that this is all they have. Runs where
-- all four exist.

revoke all on all tables in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
revoke all on all sequences in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
revoke all on all functions in schema quota from quota_app, quota_operator, quota_finance, quota_readonly;
grant usage on schema quota to quota_app, quota_operator, quota_finance, quota_readonly;

-- The door for apps, as docs/apps.md tells of it.
grant execute on function
  quota.check, quota.record, quota.start_session, quota.touch_session,
  quota.end_session(bigint, numeric, numeric, integer, integer, text, text, jsonb),
  quota.end_session(text, text, numeric, numeric, integer, integer, text, text, text, text, jsonb),
  quota.ensure_user, quota.add_assistant, quota.remove_assistant, quota.get_user_plan_limits,
  quota.check_concurrent_processing_limit, quota.calculate_usage_stats, quota.alerts,
  quota.acknowledge_alert, quota.usage_history, quota.count_refusal, quota.features, quota.gate,
  quota.gate_owner, quota.warm_up
  to quota_app, quota_operator;
grant execute on function quota.set_plan, quota.reset_usage, quota.grant_allowance to quota_operator;
grant execute on function quota.check, quota.get_user_plan_limits, quota.check_concurrent_processing_limit,
  quota.calculate_usage_stats, quota.alerts, quota.usage_history, quota.features
  to quota_finance, quota_readonly;
grant execute on function quota.refusals_by_day to quota_operator, quota_finance, quota_readonly;
-- What row level security asks, where an app is given a table to read.
grant execute on function quota.caller, quota.bound_user, quota.newcomer to quota_app;

-- What the program asks without changing anything, and what that asks in turn with the rights of who asks. A
-- test holds every function that is given here against what the program and the door name.
grant execute on function
  quota.actor, quota.now, quota.caller, quota.bound_user, quota.newcomer, quota.known_logins,
  quota.alert_level, quota.alert_message, quota.alert_payload, quota.alerts_of, quota.reached,
  quota.retry_alert, quota.audit_reason, quota.bent_reasons, quota.reason_digest,
  quota.calls_for_limit, quota.is_unlimited, quota.limited_state, quota.contains, quota.cost_of,
  quota.counts_model, quota.current_quotas, quota.is_exhausted, quota.percent_used, quota.quantity_of,
  quota.quota_state, quota.runs_out_at, quota.pace_seconds, quota.passed_seconds,
  quota.end_at_pace, quota.adjusted_cost,
  quota.usage_from_facts, quota.users_to_examine, quota.users_touched,
  quota.valid_notes, quota.facts_of_users, quota.counting_terms,
  quota.day_of, quota.days_to_roll, quota.forecast_quotas,
  quota.plan_utilization, quota.stale_days, quota.summarize_days, quota.usage_by_day, quota.usage_by_plan,
  quota.usage_of_month, quota.dead_runs,
  quota.calls_of_days, quota.told_in_unit, quota.usage_by_trait, quota.forecast_costs,
  quota.idle_calls, quota.purgeable_calls, quota.purgeable_details, quota.left_by_partition,
  quota.has_open_period,
  quota.operator_alerts_due, quota.wrong_leases, quota.due_plans, quota.estimated_of,
  quota.is_estimate, quota.is_live, quota.lease_quantity, quota.reserved_for, quota.grant_ledger,
  quota.granted_now, quota.granted_of, quota.overuse_of_grants, quota.overuse_segments,
  quota.stale_grants, quota.is_settled, quota.used_before, quota.used_beyond,
  quota.guess_period, quota.is_known_zone, quota.is_zone_name, quota.limit_anchor, quota.moved_anchor,
  quota.period_at, quota.periods_between, quota.instant_text, quota.interval_text, quota.plan_definition,
  quota.meter_label, quota.measured, quota.units_priced, quota.service_unit, quota.quantity_on,
  quota.told_quantity, quota.wrong_quantity, quota.rounded_quantities, quota.is_told_twice, quota.shown,
  quota.like_patterns, quota.measure_of, quota.meter_definitions, quota.periods_to_count, quota.meter_changes,
  quota.quota_terms, quota.former_terms, quota.is_undone, quota.last_manual_reset,
  quota.cache_key, quota.rendered_key, quota.template_value, quota.app_counters, quota.expected_costs,
  quota.model_family, quota.model_key, quota.call_of_line
  to quota_operator, quota_finance, quota_readonly;
grant select on all tables in schema quota to quota_operator, quota_finance, quota_readonly;
revoke select on quota.audit_personal, quota.logins from quota_readonly, quota_finance;
-- Not the rows themselves, as the app wrote them.
revoke select on quota.adopt_dead from quota_readonly, quota_finance;
grant select
  (id, source, key, operation, reason, attempts, buried_at, next_attempt_at, is_unread) on quota.adopt_dead
  to quota_readonly, quota_finance;
-- Rows of everybody who is on the way, as one piece.
revoke select on quota.arriving_rows from quota_operator, quota_finance, quota_readonly;
revoke select on quota.lock_seeds, quota.erased_names from quota_operator, quota_finance, quota_readonly;
-- What runs alone, and nobody else may keep from running.
grant execute on function quota.lock_key, quota.free_lock to quota_operator, quota_finance;

-- The jobs that take up rows of adopted products.
grant execute on function quota.in_shadow, quota.was_erased to quota_operator, quota_finance, quota_readonly;
grant execute on function
  quota.retry_dead, quota.claim_told, quota.tell_rows, quota.take_told, quota.note_followed,
  quota.note_unfollowed, quota.drop_unread
  to quota_operator;
grant execute on function quota.can_retry to quota_operator, quota_finance, quota_readonly;

-- What the commands and jobs of operators change by; whoever speaks for one user is refused others by each.
grant execute on function
  quota.change_plan, quota.change_zones, quota.move_signup, quota.refuse_unfit_person,
  quota.shown, quota.refuse_unfit_name, quota.move_plan, quota.lift_services, quota.hold_subscriptions,
  quota.revoke_grant, quota.adjust_usage, quota.enforce_limits, quota.give_original, quota.lift_limits,
  quota.limit_users, quota.limit_assistants, quota.restore_assistants,
  quota.queue_unlimited, quota.revive_assistants, quota.retry_delay, quota.reset_due, quota.reopen_after,
  quota.reap_calls, quota.reap_grants, quota.note_settled_grants, quota.reap_sessions,
  quota.claim_alerts, quota.withdraw_alerts,
  quota.roll_up_day, quota.add_up_missing, quota.raise_pace_alerts, quota.raise_operator_alerts,
  quota.claim_operator_alerts,
  quota.acknowledge_operator_alert, quota.set_service, quota.audit_frontier, quota.seal_audit,
  quota.naming_pattern, quota.note_examined
  to quota_operator;
-- A trigger's condition is asked as whoever writes.
grant execute on function quota.keeps_cache, quota.follows_in_cache, quota.keeps_mirrors to quota_operator;

-- Rows are numbered, dated and signed by defaults, triggers and functions: no role may name these columns.
-- The signup of a user and the id that an app has for one are facts, told by who imports them.
grant insert (id, external_id, email, name, timezone, created_at), update (external_id, email, name, timezone)
  on quota.users to quota_operator;
grant insert (user_id, service, plan, anchor_local, timezone), update (plan, anchor_local, timezone)
  on quota.subscriptions to quota_operator;
grant insert (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
    duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, metadata, import_key,
    settled_by, quantities),
  update (user_id, service, assistant_id, model, status, started_at, ended_at, duration_seconds, messages,
    words_spoken, file_size_bytes, cost, error_message, metadata, settled_by, quantities)
  on quota.call_logs to quota_operator, quota_finance;
grant insert (user_id, meter, period_start, kind, quantity, cost, reason) on quota.adjustments
  to quota_operator;
grant insert (user_id, meter, quantity, expires_at, kind, reason) on quota.grants to quota_operator;
grant insert (user_id, plan, meter, limit_quantity, cost_limit, reason),
  update (limit_quantity, cost_limit, reason), delete
  on quota.limit_overrides to quota_operator;
grant insert (user_id, provider_assistant_id, name, organisation, is_gated, numbers),
  update (name, state, organisation, is_gated, numbers, is_given_up)
  on quota.assistants to quota_operator;
grant update (status, original, applied, intents, made, doubtful, attempts, last_error, next_attempt_at,
    claimed_by, claimed_until, verified_at, applied_at, restored_at, updated_at)
  on quota.assistant_limits to quota_operator;
grant insert (user_id, assistant_id, change, fields, absent, source) on quota.assistant_originals
  to quota_operator;
grant insert (job), update (status, counts, error, finished_at) on quota.job_runs to quota_operator;
grant insert on quota.audit_personal to quota_operator;

-- What their jobs keep: days to roll up, alerts to tell, counters to take out of a cache. Purging is the
-- owner's.
grant insert (day), update (horizon) on quota.analytics_days to quota_operator;
grant update (status, target, last_error, next_attempt_at, settled_at)
  on quota.alert_deliveries, quota.operator_alerts to quota_operator;
grant insert (is_kept) on quota.cache_state to quota_operator;
grant delete on quota.cache_outbox to quota_operator;

grant insert (id, provider, format, source, sha256, bytes, lines, calls, billed, currency, reading,
    covered_from, covered_until, whole_seconds, left_out_lines, left_out_amount, left_out_unknown)
  on quota.billing_exports to quota_finance;
grant insert on quota.billing_lines to quota_finance;
grant insert (provider, month), update (duration_tolerance, cost_tolerance, match_seconds, aggregate_percent,
    aggregate_amount, closed_at, closed_by, close_reason, totals)
  on quota.reconciliations to quota_finance;
grant insert, update (control), delete on quota.reconciliation_exports to quota_finance;
grant update (resolution, reason, resolved_at, resolved_by) on quota.discrepancies to quota_finance;
grant execute on function quota.reopen_month, quota.refuse_closed, quota.closed_months, quota.next_export,
  quota.fold_parts, quota.forget_lines, quota.open_reconciliation, quota.compute_reconciliation,
  quota.refuse_other_users, quota.refuse_caller
  to quota_finance;
grant insert, update, delete on quota.rate_cards, quota.export_mappings, quota.model_aliases to quota_finance;
grant insert, update, delete on quota.export_fetches, quota.fetched_calls to quota_finance;

-- A trigger sets the rest of a row of the history.
grant insert (at, actor, action, user_id, service, subject, reason, before, after, run_id, period_end)
  on quota.audit_log to quota_operator, quota_finance;
