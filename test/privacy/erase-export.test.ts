import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

beforeAll(async () => {
  await desk.query(
    `insert into quota.users (external_id, email, name) values ('ada', 'ada@example.com', 'Ada Lovelace'), ('bob', null, 'Bob')`,
  );
  await desk.query(
    `select quota.record('ada', 'voice', 'call-1', 120, p_cost => 0.25, p_error => 'Ada hung up', p_metadata => '{"phone": "+49 30 1"}')`,
  );
  await desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id, name) select id, 'a1', 'Ada''s desk' from quota.users where external_id = 'ada'`,
  );
  await desk.query(`insert into quota.assistant_limits (assistant_id, user_id, desired, status, original, applied, last_error)
     select id, user_id, 'limited', 'applied', '{"firstMessage": "Hello, Ada speaking"}', '{}', 'Ada is busy' from quota.assistants`);
  await desk.query(`with export as (
       insert into quota.billing_exports (provider, format, source, sha256) values ('vapi', 'csv', 'x.csv', 'x') returning id)
     insert into quota.billing_lines (export_id, line, kind, external_id, assistant_id, cost, description)
     select id, n, 'call', 'billed-' || n, assistant, 0.1, description
     from export, (values (1, 'a1', 'Ada called, nobody logged it'), (2, 'b1', 'of somebody else')) l(n, assistant, description)`);
});

/** All rows of all tables but the record of migrations, as text. */
async function everything(): Promise<string> {
  const tables = await desk.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'quota' and tablename not like 'schema_%' order by 1`,
  );
  const dumps = tables.map(({ name }) => desk.query(`select t::text from quota.${name} t order by 1`));
  return JSON.stringify(await Promise.all(dumps));
}

test('export holds every row that names the user, and nobody else', async () => {
  const { code, stdout } = await desk.run('user', 'export', 'ada', '--json');
  expect(code).toBe(0);
  const exported = JSON.parse(stdout);
  expect(exported.user.email).toBe('ada@example.com');
  expect(exported.tables.call_logs).toMatchObject([
    { provider_call_id: 'call-1', metadata: { phone: '+49 30 1' } },
  ]);
  expect(exported.tables.assistants).toMatchObject([{ name: "Ada's desk" }]);
  expect(exported.tables.usage_quotas).toHaveLength(1);
  expect(stdout).not.toContain('Bob');
  // Money and quantities are exact: a number of JSON is read as a float.
  expect(exported.tables.call_logs).toMatchObject([{ duration_seconds: '120.000', cost: '0.25' }]);
  expect(exported.tables.billing_lines).toMatchObject([
    { external_id: 'billed-1', cost: '0.1', description: 'Ada called, nobody logged it' },
  ]);
});

test('a dry run of erase changes nothing', async () => {
  const before = await everything();
  expect(await desk.json('user', 'erase', 'ada', '--reason', 'request 17', '--dry-run')).toMatchObject({
    dryRun: true,
    erased: { callLogs: 1, assistants: 1, assistantsToRestore: 1 },
    auditId: null,
  });
  expect(await everything()).toBe(before);
});

test('erase in production wants the typed name', async () => {
  const production = desk.with({ env: { QUOTA_ENV: 'production' } });
  const refused = await production.run('user', 'erase', 'ada', '--reason', 'request 17', '--yes');
  expect(refused.code).toBe(5);
  expect(await everything()).toContain('Ada Lovelace');
});

test('erase takes the person and leaves the facts', async () => {
  await desk.json('user', 'erase', 'ada', '--reason', 'request 17', '--yes');
  // R7: what is still to be put back at the provider stays until it is, and goes with it.
  expect(await desk.query('select original, last_error from quota.assistant_limits')).toEqual([
    { original: { firstMessage: 'Hello, Ada speaking' }, last_error: null },
  ]);
  await desk.query(
    `update quota.assistant_limits set desired = 'original', status = 'restored', original = null`,
  );
  await desk.query(`insert into quota.audit_personal (user_id, audit_id, after) select user_id, id, '{"firstMessage": "Hello, Ada speaking"}'
     from quota.audit_log where action = 'user.erased'`);
  const left = await everything();
  for (const personal of ['Ada', 'ada@example.com', '+49 30 1', 'hung up']) {
    expect(left).not.toContain(personal);
  }
  expect(
    await desk.query(`select q.used::text, q.cost::text, u.erased_at is not null as erased
       from quota.usage_quotas q join quota.users u on u.id = q.user_id`),
  ).toEqual([{ used: '120.000', cost: '0.25', erased: true }]);
  expect(
    await desk.query(`select reason, before, after from quota.audit_log where action = 'user.erased'`),
  ).toEqual([{ reason: 'request 17', before: null, after: null }]);
  expect((await desk.run('user', 'show', 'ada')).code).toBe(4);
});
