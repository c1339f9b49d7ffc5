import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const asOf = '2026-11-30T23:30:00Z';
const desk = useDesk();
beforeAll(() => desk.addUser({ externalId: 'ada', createdAt: '2026-09-01T00:00:00Z' }));

test('an expiry in days is counted ahead, from --as-of', async () => {
  const grant = ['user', 'grant', 'ada', 'voice_seconds', '5m', '--reason', 'goodwill', '--yes'];
  await desk.json(...grant, '--expires', '30d', '--as-of', asOf);
  const { grants } = await desk.json('grants', 'list', '--as-of', asOf);
  expect(grants).toMatchObject([{ expiresAt: '2026-12-30T23:30:00.000Z' }]);
});

test('rows are listed since yesterday or some hours, counted from --as-of', async () => {
  const rows = async (since: string, at: string) =>
    (await desk.json('audit', 'log', '--since', since, '--as-of', at)).entries.length;
  expect(await rows('2h', '2026-12-01T00:00:00Z')).toBe(1);
  expect(await rows('29 minutes ago', '2026-12-01T00:00:00Z')).toBe(0);
  expect(await rows('yesterday', '2026-12-01T18:00:00Z')).toBe(1);
  expect(await rows('yesterday', '2026-12-02T00:00:00Z')).toBe(0);
});

test('days and months', async () => {
  const report = await desk.json('usage', 'analytics', '--from', '7d', '--to', 'now', '--as-of', asOf);
  expect(report).toMatchObject({ from: '2026-11-23', to: '2026-11-29' });
  const month = ['--month', 'last-month', '--provider', 'vapi'];
  const { error } = await desk.json(4, 'reconcile', 'show', ...month, '--as-of', asOf);
  expect(error.message).toContain('2026-10');
});

test('--as-of itself is counted from the clock', async () => {
  const hourMs = 3_600_000;
  const before = Date.now();
  const { asOf: seen } = await desk.json('jobs', 'run', 'reset-months', '--dry-run', '--as-of', '1h');
  expect(Date.parse(seen) + hourMs).toBeGreaterThanOrEqual(before);
  expect(Date.parse(seen) + hourMs).toBeLessThanOrEqual(Date.now());
});

test.each([
  [['audit', 'log', '--since', '2 fortnights'], '--since: "2 fortnights" is not an instant'],
  [['usage', 'analytics', '--from', 'monday'], '--from: "monday" is not a date'],
  [['reconcile', 'list', '--month', 'monthly'], '--month: "monthly" is not a month'],
])('%j is a usage error that names the flag', async (args, message) => {
  expect(await desk.json(2, ...args)).toMatchObject({ error: { code: 'usage', message } });
});
