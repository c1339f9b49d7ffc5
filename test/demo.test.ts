import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embeddedStatus } from '../src/db/embedded/control.ts';
import { createTestDatabase, query, type TestDatabase } from './database.ts';
import { type CliResult, runBin, startBin } from './run-cli.ts';

interface Step {
  title: string;
  command: string;
  explanation: string;
  exitCode: number;
  // biome-ignore lint/suspicious/noExplicitAny: each command has a shape of its own
  result: any;
}

const dataDir = mkdtempSync(join(tmpdir(), 'quota-demo-'));
chmodSync(dataDir, 0o711); // as root, the server's account must be able to pass
let own: TestDatabase;
let first: CliResult;
let steps: Step[];
let env: Record<string, string>;

const step = (command: string, nth = 0) => steps.filter((one) => one.command.startsWith(command))[nth];

beforeAll(async () => {
  own = await createTestDatabase();
  await query(own.url, `insert into quota.users (external_id) values ('ada')`);
  env = { QUOTA_DATA_DIR: dataDir, DATABASE_URL: own.url };
  first = await runBin(['demo', '--json'], { env });
  steps = JSON.parse(first.stdout).steps;
});

afterAll(async () => {
  await own?.drop();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

test('every step goes well, and says what it did and which command does it', () => {
  expect(first.stderr).toBe('');
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({
    dataDir: join(dataDir, 'demo'),
    database: join(dataDir, 'demo', 'postgres-18'),
  });
  for (const { title, command, explanation, exitCode } of steps) {
    expect(exitCode, command).toBe(command.startsWith('quota reconcile --month') ? 3 : 0);
    expect([title, command, explanation].every((text) => text.length > 3)).toBe(true);
  }
});

test('the tables are made and filled', () => {
  expect(step('quota db migrate')?.result.applied).toContain('0001_core');
  expect(step('quota fixtures seed')?.result.created).toMatchObject({ users: 200, calls: 5000 });
});

test('somebody runs out by a plain insert, and is limited at the provider', () => {
  const quota = (nth: number) =>
    step('quota user show demo-critical', nth)?.result.subscriptions[0].quotas[0];
  expect(quota(0)).toMatchObject({ used: '540.000', state: 'critical' });
  expect(step('psql')?.result).toEqual({ inserted: 1 });
  expect(quota(1)).toMatchObject({ used: '660.000', state: 'exceeded' });
  const limited = step('quota limits sync', 0)?.result;
  expect(limited.left).toMatchObject({ pending: 0, failed: 0 });
  expect(limited.assistants.map((one: { user: string }) => one.user)).toContain('demo-critical');
});

test('is reset, first dry, then for good; the originals come back', () => {
  const meters = [
    expect.objectContaining({
      meter: 'voice_seconds',
      before: expect.objectContaining({ used: '660.000' }),
      after: expect.objectContaining({ used: '0.000' }),
    }),
  ];
  expect(step('quota user reset', 0)?.result).toMatchObject({ dryRun: true, auditId: null, meters });
  expect(step('quota user reset', 1)?.result).toMatchObject({
    dryRun: false,
    auditId: expect.any(String),
    meters,
  });
  const statuses = step('quota user reset', 1)?.result.assistants.map(
    (one: { status: string }) => one.status,
  );
  expect(statuses).toEqual(['restored']);
  expect(step('quota limits status')?.result).toMatchObject({
    checked: { same: 1 },
    assistants: [{ user: 'demo-critical', status: 'restored', check: { state: 'same', changes: [] } }],
  });
});

test('the anniversary job of next month resets everybody once', () => {
  const job = step('quota jobs reset-anniversaries', 0)?.result;
  expect(job.reset).toBeGreaterThan(100);
  expect(job.reset).toBe(job.due);
  expect(step('quota jobs reset-anniversaries', 1)?.result).toMatchObject({ due: 0, reset: 0 });
  const shown = step('quota user show demo-exceeded')?.result.subscriptions[0];
  expect(shown.quotas[0]).toMatchObject({ used: '0.000', state: 'ok' });
  expect(shown.assistants.map((one: { status: string }) => one.status)).toEqual(['restored', 'restored']);
});

test('ends with a bill, what differs in it, and a page for finance', () => {
  expect(step('quota fixtures seed', 1)?.result).toMatchObject({
    created: { users: 0, calls: 0 },
    exports: [{ format: 'vapi-calls', provider: 'vapi' }],
  });
  const { kinds, totals } = step('quota reconcile --month')?.result ?? {};
  const counts = Object.fromEntries(
    Object.entries<{ count: number }>(kinds).map(([kind, { count }]) => [kind, count]),
  );
  expect(counts).toMatchObject({
    unlogged: 4,
    duplicate_line: 3,
    duration_mismatch: 3,
    cost_mismatch: 3,
    unbilled: 2,
  });
  expect(counts.matched).toBeGreaterThan(50);
  const last = steps.at(-1);
  expect(last?.command).toContain(`--report ${last?.result.report}`);
  expect(last?.result).toMatchObject({ provider: 'vapi', discrepancies: 15, listed: 15 });
  const page = readFileSync(last?.result.report, 'utf8');
  expect(last?.result.report.startsWith(join(dataDir, 'demo'))).toBe(true);
  expect(page).toContain('What the provider billed, held against what we logged.');
  expect(page.replaceAll(',', '')).toContain(totals.billed);
});

test('the data of whoever runs it is left alone', async () => {
  expect(await query(own.url, 'select external_id from quota.users')).toEqual([{ external_id: 'ada' }]);
  expect(readdirSync(dataDir)).toEqual(['demo']);
});

test('again, as a story to read: begun anew', async () => {
  const again = await runBin(['demo', '--as-of', '2027-01-31T23:30:00Z'], { env });
  expect(again.code).toBe(0);
  expect(again.stderr).toBe('');
  expect(again.stdout).toMatch(/^1\/\d+ {2}Begin anew\n\$ quota db reset --yes\n {2}dropped \d+ tables/m);
  expect(again.stdout).toMatch(/^\$ quota fixtures seed --as-of 2027-01-31T23:30:00.000Z$/m);
  expect(again.stdout).toMatch(/^\$ quota user show demo-critical --as-of 2027-01-31T23:30:00.000Z$/m);
  expect(again.stdout).toMatch(/11:00 of 10:00 minutes used/);
  expect(again.stdout).toMatch(/^ {2}nothing due$/m);
  expect(again.stdout).toMatch(/^ {2}written to .*reconciliation-vapi-2026-12\.html$/m);
  expect(again.stdout).toContain(`QUOTA_DATA_DIR=${join(dataDir, 'demo')}\n`);
});

/** Whether a demo holds its lock: one of a single key, as leases are not. */
async function isLocked(): Promise<boolean> {
  const { url } = await embeddedStatus(join(dataDir, 'demo'));
  const locks = await query(
    url,
    `select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted`,
  ).catch(() => []); // the server is about to start
  return locks.length > 0;
}

test('a second demo beside the first is told to wait; one that is interrupted leaves no server', async () => {
  const serverFile = join(dataDir, 'demo', 'postgres-18', 'postmaster.pid');
  const running = startBin(['demo'], { env });
  await expect.poll(isLocked).toBe(true);
  const second = await runBin(['demo'], { env });
  expect(second.code).toBe(75);
  expect(second.stderr).toMatch(/demo is being done by another process/);
  running.kill('SIGTERM');
  expect((await running.result).code).toBe(143);
  await expect.poll(() => existsSync(serverFile)).toBe(false);
});
