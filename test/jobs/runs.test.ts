import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { withClient } from '../../src/db/client.ts';
import type { Job } from '../../src/jobs/job.ts';
import { runJob } from '../../src/jobs/run-job.ts';
import { countDueResets, resetBatch } from '../../src/resets/due-resets-store.ts';
import { copyTestDatabase, createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runBin, runCli, startBin } from '../run-cli.ts';
import { snapshot } from '../snapshot.ts';
import { arrangeDueUsers, dueAt, selectResetErrors, selectWrongQuotas } from './due-users.ts';

const users = 600;

let arranged: TestDatabase;
let database: TestDatabase;
beforeAll(async () => {
  arranged = await createTestDatabase();
  await arrangeDueUsers(arranged.url, users);
  return () => arranged.drop();
});
beforeEach(async () => {
  database = await copyTestDatabase(arranged);
});
afterEach(() => database.drop());

const job = (...args: string[]) => ['jobs', 'reset-anniversaries', '--as-of', dueAt, '--no-sync', ...args];
const env = () => ({ DATABASE_URL: database.url });
const run = (...args: string[]) => runCli(job(...args), { env: env() });

interface RunRow {
  status: string;
  counts: Record<string, number>;
  error: string | null;
}

const selectRuns = () =>
  query<RunRow>(database.url, 'select status, counts, error from quota.job_runs order by started_at, id');

async function countResets(): Promise<number> {
  const [row] = await query<{ resets: number }>(
    database.url,
    `select count(*)::integer as resets from quota.audit_log where action = 'subscription.reset'`,
  );
  return row?.resets ?? 0;
}

/** Waits until the run has committed a batch. */
const someDone = () => expect.poll(countResets, { interval: 5 }).toBeGreaterThan(0);

test('two runs started together are one run', async () => {
  const results = await Promise.all(
    [1, 2].map(() => runBin(job('--json', '--batch-size', '50'), { env: env() })),
  );
  for (const { code, stderr } of results) {
    expect([0, 75]).toContain(code);
    if (code === 75) {
      expect(stderr).toContain('another run of reset-anniversaries is in progress');
    }
  }
  expect(results.map(({ code }) => code)).toContain(0);
  expect(await selectResetErrors(database.url)).toEqual([]);
  expect(await countResets()).toBe(users);
  expect(await run()).toMatchObject({ code: 0, stdout: 'nothing due\n' });
});

test('two runs that do not see each other’s lock share the work', async () => {
  const batches = () =>
    withClient(database.url, async (client) => {
      await client.query(`select set_config('quota.as_of', $1, false)`, [dueAt]);
      let total = 0;
      for (;;) {
        const { rows } = await client.query<{ reset: number }>(
          `select reset from quota.reset_due('signup', 20, null)`,
        );
        if (!rows[0]?.reset) {
          return total;
        }
        total += rows[0].reset;
      }
    });
  const shares = await Promise.all([batches(), batches(), batches()]);
  expect(shares.reduce((sum, share) => sum + share)).toBe(users);
  expect(await selectResetErrors(database.url)).toEqual([]);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends the run after its batch with %i, everything consistent', async (signal, code) => {
  const interrupted = startBin(job('--json', '--batch-size', '5'), { env: env() });
  await someDone();
  interrupted.kill(signal);
  const result = await interrupted.result;
  expect(result.code).toBe(code);

  const resets = await countResets();
  expect(JSON.parse(result.stdout)).toMatchObject({ due: users, reset: resets });
  expect(resets % 5).toBe(0);
  expect(resets).toBeLessThan(users);
  const [record] = await selectRuns();
  expect(record).toMatchObject({
    status: 'incomplete',
    counts: { due: users, done: resets },
    error: `stopped: interrupted, ${users - resets} left`,
  });
  expect(await selectWrongQuotas(database.url)).toEqual([]);

  const next = await run('--json');
  expect(next.code).toBe(0);
  expect(JSON.parse(next.stdout)).toMatchObject({ due: users - resets, reset: users - resets });
  expect(await selectResetErrors(database.url)).toEqual([]);
});

test('at the deadline a run says what is left, and exits 75', async () => {
  const { code, stdout, stderr } = await run(
    '--json',
    '--quiet',
    '--batch-size',
    '1',
    '--max-duration',
    '1s',
  );
  expect(code).toBe(75);
  const { reset } = JSON.parse(stdout);
  expect(reset).toBe(await countResets());
  expect(reset).toBeLessThan(users);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'try_again',
    message: `reset-anniversaries has reached its deadline: ${users - reset} subscriptions are left`,
  });
});

test('while another run holds the lock, a run says since when and does nothing', async () => {
  await withClient(database.url, async (client) => {
    await client.query(`select pg_advisory_lock(quota.lock_key('job reset-anniversaries'))`);
    await client.query(
      `insert into quota.job_runs (job, started_at) values ('reset-anniversaries', '2026-12-15T00:00:01Z')`,
    );
    const before = await snapshot(database.url);
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
    expect(stderr).toContain(
      'another run of reset-anniversaries is in progress since 2026-12-15T00:00:01.000Z',
    );
    expect(await snapshot(database.url)).toEqual(before);
  });
  expect(await run()).toMatchObject({ code: 0 });
  expect((await selectRuns()).map(({ status }) => status).sort()).toEqual(['abandoned', 'completed']);
});

test('a subscription that somebody has locked is passed over, and done once it is free', async () => {
  await withClient(database.url, async (client) => {
    await client.query('begin');
    await client.query(
      'select 1 from quota.subscriptions where next_reset_at <= $1 limit 3 for no key update',
      [dueAt],
    );
    const running = runBin(job('--json'), { env: env() });
    await expect.poll(countResets).toBe(users - 3);
    await client.query('rollback');
    const { code, stdout } = await running;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, due: users, reset: users });
  });
});

test('what stays locked is left to the next run', async () => {
  await withClient(database.url, async (writer) => {
    await writer.query('begin');
    await writer.query(
      'select 1 from quota.subscriptions where next_reset_at <= $1 limit 3 for no key update',
      [dueAt],
    );
    const outcome = await withClient(database.url, async (client) => {
      await client.query(`select set_config('quota.as_of', $1, false)`, [dueAt]);
      const job: Job = {
        name: 'reset-anniversaries',
        unit: 'subscriptions',
        countDue: (on, scope) => countDueResets(on, 'signup', scope),
        runBatch: (on, request) => resetBatch(on, 'signup', request),
      };
      return runJob(client, job, {
        userId: null,
        batchSize: 100,
        limit: undefined,
        lockedWaitMsMax: 500,
        redact: (text) => text,
        signal: new AbortController().signal,
        onStart: () => {},
        withProgress: (_due, use) => use({ update: () => {} }),
      });
    });
    expect(outcome).toMatchObject({ stop: 'locked', due: users, done: users - 3, left: 3 });
  });
  expect(await selectRuns()).toMatchObject([{ status: 'incomplete', error: 'stopped: locked, 3 left' }]);
});

test('a dry run names who is due and changes not one byte', async () => {
  const before = await snapshot(database.url);
  const { code, stdout } = await run('--dry-run', '--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ dryRun: true, due: users, asOf: '2026-12-15T00:00:00.000Z' });
  expect(report.first).toHaveLength(100);
  expect(report.first[0]).toMatchObject({ service: 'voice', plan: 'voice-free' });
  expect(await snapshot(database.url)).toEqual(before);
});

test('--limit resets so many, --user one, and neither is a failure', async () => {
  expect(await run('--limit', '70', '--batch-size', '30', '--json')).toMatchObject({ code: 0 });
  expect(await countResets()).toBe(70);
  const [one] = await query<{ id: string; external_id: string }>(
    database.url,
    `select u.id, u.external_id from quota.users u join quota.subscriptions s on s.user_id = u.id
    where s.next_reset_at <= $1 limit 1`,
    [dueAt],
  );
  const { stdout } = await run('--user', one?.external_id ?? '', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ due: 1, reset: 1 });
  expect(await countResets()).toBe(71);
  expect(await run('--user', one?.id ?? '')).toMatchObject({ code: 0, stdout: 'nothing due\n' });
  expect(await run('--user', 'nobody')).toMatchObject({ code: 4 });
});

test('one line per batch for a log, none with --quiet', async () => {
  const told = await run('--batch-size', '250');
  expect(told.stderr.trim().split('\n')).toEqual([
    'reset-anniversaries: 250 of 600',
    'reset-anniversaries: 500 of 600',
    'reset-anniversaries: 600 of 600',
  ]);
  expect(told.stdout).toMatch(/^reset-anniversaries: 600 of 600 subscriptions, .*assistants queued.* in \d/);
  const quiet = await run('--as-of', '2027-01-20', '--quiet');
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
});

test('the report has the keys of the contract', async () => {
  const report = JSON.parse((await run('--json')).stdout);
  expect(report).toEqual({
    runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    asOf: '2026-12-15T00:00:00.000Z',
    due: users,
    reset: users,
    periodsCaughtUp: expect.any(Number),
    assistants: { queued: expect.any(Number), restored: 0, failed: 0 },
    durationMs: expect.any(Number),
  });
  const [missed] = await query<{ missed: number }>(
    database.url,
    `select sum((after->>'missed')::integer)::integer as missed from quota.audit_log where run_id = $1`,
    [report.runId],
  );
  expect(report.periodsCaughtUp).toBe(missed?.missed);
});

test('a metrics file tells how the last run went, and keeps when one last succeeded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quota-test-metrics-'));
  const path = join(directory, 'reset.prom');
  const metric = (name: string) =>
    new RegExp(`^quota_job_${name}{job="reset-anniversaries"} ([\\d.]+)$`, 'm').exec(
      readFileSync(path, 'utf8'),
    )?.[1];
  try {
    expect((await run('--limit', '50', '--metrics-file', path)).code).toBe(0);
    expect([metric('success'), metric('due'), metric('done'), metric('left')]).toEqual([
      '1',
      '600',
      '50',
      '550',
    ]);
    const succeededAt = metric('last_success_timestamp_seconds');
    expect(Number(succeededAt)).toBeGreaterThan(1_700_000_000);

    const late = await run('--batch-size', '1', '--max-duration', '1s', '--metrics-file', path);
    expect(late.code).toBe(75);
    expect([metric('success'), metric('last_success_timestamp_seconds')]).toEqual(['0', succeededAt]);

    await query(database.url, 'alter table quota.audit_log add constraint broken check (id < 0) not valid');
    expect((await run('--metrics-file', path)).code).toBe(1);
    expect([metric('success'), metric('last_success_timestamp_seconds'), metric('done')]).toEqual([
      '0',
      succeededAt,
      undefined,
    ]);
    expect((await selectRuns()).at(-1)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('broken'),
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
  const before = await selectRuns();
  const nowhere = await run('--metrics-file', join(directory, 'gone', 'x.prom'));
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('gone: there is no such') });
  // What is there already, and is no file, is never one of metrics.
  const folder = await run('--metrics-file', tmpdir());
  expect(folder).toMatchObject({ code: 2, stderr: expect.stringContaining('it is a folder') });
  expect(await selectRuns()).toEqual(before); // Told before the work, not after it.
});

test('jobs list and history tell what is due and how it went', async () => {
  const list = async () =>
    JSON.parse((await runCli(['jobs', 'list', '--json', '--as-of', dueAt], { env: env() })).stdout).find(
      ({ name }: { name: string }) => name === 'reset-anniversaries',
    );
  expect(await list()).toMatchObject({ due: users, lastRun: null });
  await runCli(['jobs', 'run', 'reset-anniversaries', '--as-of', dueAt], { env: env() });
  expect(await list()).toMatchObject({ due: 0, lastRun: { status: 'completed', error: null } });
  const history = await runCli(['jobs', 'history', '--json'], { env: env() });
  expect(JSON.parse(history.stdout)).toMatchObject([
    { job: 'reset-anniversaries', status: 'completed', asOf: '2026-12-15T00:00:00.000Z', actor: 'tester' },
  ]);
  expect(await runCli(['jobs', 'run', 'reset-everything'], { env: env() })).toMatchObject({ code: 2 });
});
