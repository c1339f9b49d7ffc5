import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';
import { addUser } from '../users/arrange.ts';

const asOf = '2026-11-30T23:30:00Z';
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await addUser(database.url, { externalId: 'ada', createdAt: '2026-09-01T00:00:00Z' });
});
afterAll(() => database.drop());

const run = (...args: string[]) => runCli([...args, '--json'], { env: { DATABASE_URL: database.url } });
const answer = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
};

test('an expiry in days is counted ahead, from --as-of', async () => {
  const grant = ['user', 'grant', 'ada', 'voice_seconds', '5m', '--reason', 'goodwill', '--yes'];
  await answer(...grant, '--expires', '30d', '--as-of', asOf);
  const { grants } = await answer('grants', 'list', '--as-of', asOf);
  expect(grants).toMatchObject([{ expiresAt: '2026-12-30T23:30:00.000Z' }]);
});

test('rows are listed since yesterday or some hours, counted from --as-of', async () => {
  const rows = async (since: string, at: string) =>
    (await answer('audit', 'log', '--since', since, '--as-of', at)).entries.length;
  expect(await rows('2h', '2026-12-01T00:00:00Z')).toBe(1);
  expect(await rows('29 minutes ago', '2026-12-01T00:00:00Z')).toBe(0);
  expect(await rows('yesterday', '2026-12-01T18:00:00Z')).toBe(1);
  expect(await rows('yesterday', '2026-12-02T00:00:00Z')).toBe(0);
});

test('days and months', async () => {
  const report = await answer('usage', 'analytics', '--from', '7d', '--to', 'yesterday', '--as-of', asOf);
  expect(report).toMatchObject({ from: '2026-11-23', to: '2026-11-29' });
  const show = await run('reconcile', 'show', '--month', 'last-month', '--provider', 'vapi', '--as-of', asOf);
  expect(show).toMatchObject({ code: 4, stderr: expect.stringContaining('2026-10') });
});

test('--as-of itself is counted from the clock', async () => {
  const hourMs = 3_600_000;
  const before = Date.now();
  const { asOf: seen } = await answer('jobs', 'run', 'reset-months', '--dry-run', '--as-of', '1h');
  expect(Date.parse(seen) + hourMs).toBeGreaterThanOrEqual(before);
  expect(Date.parse(seen) + hourMs).toBeLessThanOrEqual(Date.now());
});

test.each([
  [['audit', 'log', '--since', '2 fortnights'], '--since: "2 fortnights" is not an instant'],
  [['usage', 'analytics', '--from', 'monday'], '--from: "monday" is not a date'],
  [['reconcile', 'list', '--month', 'monthly'], '--month: "monthly" is not a month'],
])('%j is a usage error that names the flag', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect({ code, ...JSON.parse(stderr).error }).toMatchObject({ code: 'usage', message });
});
