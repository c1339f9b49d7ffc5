import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';
import { addCalls, addUser } from '../users/arrange.ts';

let database: TestDatabase;
const asOf = '2026-10-15T00:00:00Z';

beforeAll(async () => {
  database = await createTestDatabase();
  const { url } = database;
  const ada = await addUser(url, { externalId: 'ada', createdAt: '2025-01-01T00:00:00Z' });
  for (const at of ['2025-02-10T00:00:00Z', '2025-03-10T00:00:00Z', '2026-10-10T00:00:00Z']) {
    await addCalls(url, { userId: ada, at, seconds: '540', asOf: at });
  }
  await query(url, `update quota.call_logs set metadata = '{"transcript": "hello"}'`);
  await runCli(['jobs', 'reset-anniversaries', '--quiet', '--as-of', asOf], { env: { DATABASE_URL: url } });
  await query(
    url,
    `insert into quota.reconciliations (provider, month, closed_at, closed_by) values
       ('test', '2025-02-01', '2025-04-01', 'finance'), ('test', '2025-03-01', null, null), ('test', '2026-10-01', null, null)`,
  );
  await query(
    url,
    `insert into quota.job_runs (job, status, started_at) values
       ('reset-months', 'completed', '2026-01-01'), ('reset-months', 'completed', '2026-02-01')`,
  );
});
afterAll(() => database.drop());

const purge = async (...more: string[]) => {
  const { code, stdout, stderr } = await runCli(
    ['jobs', 'purge', '--json', '--quiet', '--as-of', asOf, ...more],
    {
      env: { DATABASE_URL: database.url },
    },
  );
  return { code, stderr, report: stdout === '' ? null : JSON.parse(stdout) };
};

test('details of calls of closed months and periods, told alerts and old runs go; facts stay', async () => {
  await query(
    database.url,
    `update quota.alert_deliveries set status = 'delivered' where period_start < '2025-03-01'`,
  );
  const facts = `select l.id, l.duration_seconds, l.cost from quota.call_logs l order by l.id`;
  const before = await query(database.url, facts);
  const found = [
    { table: 'job_runs', rows: 1, keepDays: 90 },
    { table: 'usage_alerts', rows: 2, keepDays: 400 },
    { table: 'call_details', rows: 1, keepDays: 400 },
  ];
  expect((await purge('--dry-run')).report).toMatchObject({ due: 4, first: found });
  expect((await purge()).report).toMatchObject({ done: 4, job_runs: 1, usage_alerts: 2, call_details: 1 });
  expect(await query(database.url, facts)).toEqual(before);
  const kept = await query(
    database.url,
    `select started_at::date::text as day from quota.call_logs where metadata is not null order by 1`,
  );
  expect(kept).toEqual([{ day: '2025-03-10' }, { day: '2026-10-10' }]);
  const audits = await query(
    database.url,
    `select subject, after from quota.audit_log where action = 'table.purged' order by id`,
  );
  expect(audits).toHaveLength(3);
  expect((await purge()).report).toMatchObject({ due: 0 });
});

test('nothing of an open month, however short the retention', async () => {
  expect((await purge('--keep', 'call_details=0', '--keep', 'usage_alerts=1d')).report).toMatchObject({
    due: 0,
  });
  await query(database.url, `update quota.reconciliations set closed_at = now() where month >= '2025-03-01'`);
  // The month is closed; the period of October 2026 is not.
  expect((await purge('--keep', 'call_details=0')).report).toMatchObject({ due: 1, call_details: 1 });
});

test('a table that is never purged cannot be named', async () => {
  const { code, stderr } = await purge('--keep', 'audit_log=1');
  expect(code).toBe(2);
  expect(stderr).toContain('job_runs, usage_alerts, call_details');
});
