import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/**
 * What each role may do with each table: select, insert, update, delete. quota_app may nothing, no role may truncate.
 * A new table needs its line here and its grants in sql/roles/grant-to-roles.sql.
 */
const decided: Record<string, [operator: string, finance: string, readonly: string]> = {
  adjustments: ['si', 's', 's'],
  adopt_assistants: ['s', 's', 's'],
  adopt_dead: ['s', 's', 's'],
  adopt_links: ['s', 's', 's'],
  adopt_mirrors: ['s', 's', 's'],
  adopt_products: ['s', 's', 's'],
  adopt_sources: ['s', 's', 's'],
  alert_deliveries: ['su', 's', 's'],
  analytics_changes: ['s', 's', 's'],
  analytics_days: ['siu', 's', 's'],
  analytics_totals: ['s', 's', 's'],
  arriving_rows: ['', '', ''],
  arriving_users: ['s', 's', 's'],
  assistant_limits: ['su', 's', 's'],
  assistant_originals: ['si', 's', 's'],
  assistants: ['siu', 's', 's'],
  audit_complete: ['s', 's', 's'],
  audit_log: ['si', 'si', 's'],
  audit_personal: ['si', '', ''],
  audit_reasons: ['s', 's', 's'],
  audit_seals: ['s', 's', 's'],
  billing_exports: ['s', 'si', 's'],
  billing_lines: ['s', 'si', 's'],
  cache_outbox: ['sd', 's', 's'],
  cache_state: ['si', 's', 's'],
  cache_templates: ['s', 's', 's'],
  call_logs: ['siu', 'siu', 's'],
  concurrent_processing: ['s', 's', 's'],
  database_mark: ['s', 's', 's'],
  discrepancies: ['s', 'su', 's'],
  erased_names: ['', '', ''],
  examined_users: ['s', 's', 's'],
  export_fetches: ['s', 'siud', 's'],
  export_mappings: ['s', 'siud', 's'],
  fetched_calls: ['s', 'siud', 's'],
  former_meters: ['s', 's', 's'],
  former_plans: ['s', 's', 's'],
  grants: ['si', 's', 's'],
  job_runs: ['siu', 's', 's'],
  limit_overrides: ['siud', 's', 's'],
  lock_seeds: ['', '', ''],
  logins: ['s', '', ''],
  meter_terms: ['s', 's', 's'],
  meters: ['s', 's', 's'],
  model_aliases: ['s', 'siud', 's'],
  moved_users: ['s', 's', 's'],
  operator_alerts: ['su', 's', 's'],
  plan_limits: ['s', 's', 's'],
  plan_versions: ['s', 's', 's'],
  plans: ['s', 's', 's'],
  rate_cards: ['s', 'siud', 's'],
  reconciled_items: ['s', 's', 's'],
  reconciliation_exports: ['s', 'siud', 's'],
  reconciliation_items: ['s', 's', 's'],
  reconciliation_matches: ['s', 's', 's'],
  refusals: ['s', 's', 's'],
  reconciliations: ['s', 'siu', 's'],
  schema_core: ['s', 's', 's'],
  schema_migrations: ['s', 's', 's'],
  schema_migrations_lock: ['s', 's', 's'],
  schema_objects: ['s', 's', 's'],
  service_settings: ['s', 's', 's'],
  settings: ['s', 's', 's'],
  simple_plans: ['s', 's', 's'],
  subscriptions: ['siu', 's', 's'],
  usage_alerts: ['s', 's', 's'],
  usage_analytics: ['s', 's', 's'],
  usage_quotas: ['s', 's', 's'],
  user_limits: ['s', 's', 's'],
  users: ['siu', 's', 's'],
};

test('every table has its decision for every role, and the grants are just that', async () => {
  const found = await query<{
    name: string;
    app: string;
    rights: [string, string, string];
    truncates: boolean;
  }>(
    database.url,
    `select c.relname as name, rights[1] as app, rights[2:] as rights,
       has_table_privilege('quota_operator', c.oid, 'truncate') or has_table_privilege('quota_finance', c.oid, 'truncate') as truncates
     from pg_class c
     cross join lateral (select array_agg((
         select coalesce(string_agg(left(p, 1), '' order by n) filter (where has_table_privilege(r.role, c.oid, p)
           or p <> 'delete' and has_any_column_privilege(r.role, c.oid, p)), '')
         from unnest(array['select', 'insert', 'update', 'delete']) with ordinality p(p, n)) order by r.n) as rights
       from unnest(array['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly']) with ordinality r(role, n)) r
     where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')`,
  );
  expect(Object.fromEntries(found.map(({ name, rights }) => [name, rights]))).toEqual(decided);
  expect(found.filter(({ app, truncates }) => app !== '' || truncates)).toEqual([]);
});

test('rows of every table that names a user are chosen by user', async () => {
  expect(
    await query(
      database.url,
      `select c.relname from pg_class c
       where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
         and (c.relname = 'users' or exists (
           select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))`,
    ),
  ).toEqual([]);
});

test('functions that write are for the roles that write, and none for everybody', async () => {
  const rows = await query<{ role: string; names: string[] }>(
    database.url,
    `select r.role, array_agg(distinct p.proname::text order by p.proname::text) as names
     from pg_proc p cross join unnest(array['public', 'quota_app', 'quota_finance', 'quota_readonly']) r(role)
     where p.pronamespace = 'quota'::regnamespace and p.prorettype <> 'trigger'::regtype
       and (r.role = 'public' or p.provolatile = 'v' or r.role = 'quota_app')
       and has_function_privilege(r.role, p.oid, 'execute')
     group by r.role order by r.role`,
  );
  expect(rows).toEqual([
    {
      role: 'quota_app',
      names: [
        'acknowledge_alert',
        'add_assistant',
        'alerts',
        'bound_user',
        'calculate_usage_stats',
        'caller',
        'check',
        'check_concurrent_processing_limit',
        'count_refusal',
        'end_session',
        'ensure_user',
        'features',
        'gate',
        'gate_owner',
        'get_user_plan_limits',
        'newcomer',
        'record',
        'remove_assistant',
        'start_session',
        'touch_session',
        'usage_history',
        'warm_up',
      ],
    },
    {
      role: 'quota_finance',
      names: [
        'compute_reconciliation',
        'fold_parts',
        'forget_lines',
        'free_lock',
        'next_export',
        'open_reconciliation',
        'refuse_closed',
        'reopen_month',
      ],
    },
  ]);
});
