import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/**
 * What every column that can hold text has to do with people. A new one needs its word here; one that is `personal` or
 * `shared` also its line in sql/privacy/erase-*.sql, and a value in forgotten.test.ts that is searched for after an
 * erasure.
 *
 * - `personal`: names a person, or is free text about one: goes with the person
 * - `shared`: free text about something else, in which a person may be named: goes when it names the one who is erased
 * - `staff`: who did it, by the name of the login or of QUOTA_ACTOR
 * - `fact`: keys, ids and words of the program, of plans and of providers, and what was billed: stays
 */
const decided: Record<string, Record<string, string>> = {
  adjustments: { personal: 'reason', staff: 'actor', fact: 'kind meter' },
  adopt_assistants: { fact: 'key provider_assistant_id' },
  adopt_dead: { shared: 'reason told', fact: 'key operation' },
  adopt_links: { fact: 'key' },
  adopt_mirrors: { shared: 'error', fact: 'meter product relation service' },
  adopt_products: { staff: 'attached_by', fact: 'authority mapping product services' },
  adopt_sources: {
    shared: 'follow_error',
    fact: 'backfilled_to followed kind name on_delete product reading relation staged staged_to',
  },
  alert_deliveries: { personal: 'last_error', fact: 'meter status target' },
  analytics_totals: { fact: 'model plan service' },
  arriving_rows: { personal: 'data', fact: 'table_name' },
  arriving_users: { fact: 'digest shard tables' },
  assistant_limits: {
    personal: 'applied doubtful last_error made original',
    fact: 'desired intents status',
  },
  assistant_originals: { personal: 'fields', staff: 'actor', fact: 'absent source' },
  assistants: { personal: 'name numbers', fact: 'held organisation provider_assistant_id state' },
  audit_log: { staff: 'actor login', fact: 'action after before reason service subject' },
  audit_personal: { personal: 'after before' },
  audit_reasons: { personal: 'reason' },
  audit_seals: { staff: 'actor', fact: 'digest' },
  billing_exports: { staff: 'loaded_by', fact: 'currency format provider reading sha256 source' },
  billing_lines: {
    personal: 'description raw',
    fact: 'assistant_id charge external_id kind model status unit',
  },
  cache_templates: { fact: 'field key meter on_change product value' },
  cache_outbox: { personal: 'external_id', fact: 'meter' },
  call_logs: {
    personal: 'error_message metadata',
    fact: 'assistant_id import_key model provider provider_call_id quantities service settled_by status',
  },
  concurrent_processing: { fact: 'service' },
  database_mark: { staff: 'login marked_by', fact: 'environment' },
  discrepancies: {
    personal: 'reason',
    staff: 'resolved_by',
    fact: 'assistant_id external_id kind model resolution subject',
  },
  erased_names: { fact: 'digest' },
  export_fetches: { fact: 'cursor origin provider' },
  export_mappings: { staff: 'saved_by', fact: 'columns currency date_order decimal_sign name provider' },
  fetched_calls: { fact: 'external_id provider record' },
  former_meters: { fact: 'measure meter models patterns' },
  former_plans: { fact: 'plan service' },
  grants: { personal: 'reason revoke_reason', staff: 'actor revoked_by', fact: 'kind meter' },
  job_runs: { shared: 'error', staff: 'actor', fact: 'counts job status' },
  limit_overrides: { personal: 'reason', staff: 'actor', fact: 'meter plan' },
  lock_seeds: { fact: 'name' },
  logins: { staff: 'registered_by role_name', fact: 'claim speaks_for' },
  meters: { fact: 'key measure models patterns service unit' },
  model_aliases: { staff: 'noted_by', fact: 'alias model' },
  moved_users: { fact: 'digest shard' },
  // Tells of days and services, never of a person.
  operator_alerts: { fact: 'kind last_error service status target' },
  plan_limits: { fact: 'boundary meter on_exceeded plan reset_anchor' },
  plan_versions: { shared: 'reason', staff: 'actor', fact: 'definition plan' },
  plans: { fact: 'allowed_models features key limited_state name service timezone upgrade_to' },
  rate_cards: { fact: 'compares line_has models name note provider rounding unit' },
  reconciliation_exports: { fact: 'control' },
  reconciliation_items: { fact: 'kind model' },
  reconciliations: { shared: 'close_reason', staff: 'closed_by', fact: 'provider totals' },
  refusals: { fact: 'plan reason service' },
  schema_core: { staff: 'installed_by', fact: 'sha256 version' },
  schema_migrations: { fact: 'name sha256' },
  schema_objects: { fact: 'digest identity kind source' },
  service_settings: { staff: 'changed_by', fact: 'service' },
  settings: { staff: 'changed_by', fact: 'name value' },
  simple_plans: { fact: 'allowed_models features meter plan unit' },
  subscriptions: { fact: 'plan service timezone' },
  usage_alerts: { fact: 'level meter' },
  usage_analytics: { fact: 'model plan service' },
  usage_quotas: { fact: 'meter on_exceeded' },
  users: { personal: 'email external_id name', fact: 'timezone' },
};

test('every column that can hold text is decided upon', async () => {
  const found = await query<{ table: string; columns: string[] }>(
    database.url,
    `select c.relname as table, array_agg(a.attname::text order by a.attname::text collate "C") as columns
     from pg_class c
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_type t on t.oid = a.atttypid
     left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
     where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p')
       and coalesce(e.typname, t.typname) in ('text', 'varchar', 'bpchar', 'name', 'json', 'jsonb', 'xml', 'bytea', 'citext', 'hstore')
     group by c.relname`,
  );
  const columnsOf = (classes: Record<string, string>) =>
    Object.values(classes).flatMap((names) => names.split(' '));
  expect(Object.fromEntries(found.map(({ table, columns }) => [table, columns]))).toEqual(
    Object.fromEntries(Object.entries(decided).map(([table, classes]) => [table, columnsOf(classes).sort()])),
  );
});
