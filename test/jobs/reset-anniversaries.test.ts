import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';

let database: TestDatabase;
const data = 'fixtures/voice-2026-10';

beforeAll(async () => {
  database = await createTestDatabase();
  for (const kind of ['users', 'assistants', 'call-logs']) {
    const file = `${data}/${kind.replace('-', '_')}.csv`;
    const { code, stderr } = await quota('import', kind, file, '--yes', '--as-of', '2026-11-01T00:00:00Z');
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
  }
});
afterAll(() => database.drop());

const quota = (...args: string[]) =>
  runCli(args, { env: { DATABASE_URL: database.url }, cwd: process.cwd() });
const asOf = ['--as-of', '2026-12-15T00:00:00Z', '--no-sync'];

test('each due user is reset once, months that were missed are caught up, and the next run finds nothing', async () => {
  const [before] = await query<{ due: number }>(
    database.url,
    `select count(*)::integer as due from quota.subscriptions where next_reset_at <= '2026-12-15T00:00:00Z'`,
  );
  const first = await quota('jobs', 'reset-anniversaries', ...asOf, '--json', '--batch-size', '150');
  expect(first.code).toBe(0);
  const report = JSON.parse(first.stdout);
  expect(report).toMatchObject({ due: before?.due, reset: before?.due, asOf: '2026-12-15T00:00:00.000Z' });
  expect(report.periodsCaughtUp).toBeGreaterThan(0);

  const audits = await query(
    database.url,
    `select count(*)::integer as rows, count(distinct user_id)::integer as users, count(distinct run_id)::integer as runs
     from quota.audit_log where action = 'subscription.reset'`,
  );
  expect(audits).toEqual([{ rows: before?.due, users: before?.due, runs: 1 }]);
  const left = await query(
    database.url,
    `select 1 from quota.usage_quotas where period_end <= '2026-12-15T00:00:00Z' and (closed_at is null or used_at_close <> used)`,
  );
  expect(left).toEqual([]);

  const second = await quota('jobs', 'reset-anniversaries', ...asOf);
  expect(second).toMatchObject({ code: 0, stdout: 'nothing due\n' });
});

test('what was used follows from the facts after all of it', async () => {
  const different = await query(
    database.url,
    `select * from quota.usage_from_facts() except
     select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas`,
  );
  expect(different).toEqual([]);
});

test('a limited user is queued for restore by the reset, and the run counts it', async () => {
  const queued = await query<{ n: number }>(
    database.url,
    `select count(*)::integer as n from quota.assistant_limits where desired = 'original' and status = 'pending'`,
  );
  const { stdout } = await quota('jobs', 'history', 'reset-anniversaries', '--json');
  const runs: { counts: Record<string, number>; status: string }[] = JSON.parse(stdout);
  expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
  expect(runs[1]?.counts.assistantsQueued).toBe(queued[0]?.n);
});

test('a run left behind by a process that died is told as abandoned', async () => {
  await query(database.url, `insert into quota.job_runs (job) values ('reset-anniversaries')`);
  const { stderr } = await quota('jobs', 'reset-anniversaries', ...asOf);
  expect(stderr).toContain('an earlier run of reset-anniversaries ended without a word');
  const [run] = await query(
    database.url,
    `select count(*)::integer as n from quota.job_runs where status = 'abandoned'`,
  );
  expect(run).toEqual({ n: 1 });
});
