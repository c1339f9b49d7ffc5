import { beforeAll, expect, test } from 'vitest';
import type { HistoryPage } from '../../src/usage/history.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-03-03T00:00:00Z' });
let userId: string;

/** Signed up on the 31st: periods begin on the 31st, the 30th and at the end of February. */
beforeAll(async () => {
  userId = await desk.addUser({
    externalId: 'ada',
    timezone: 'Europe/Berlin',
    createdAt: '2025-12-31T11:00:00Z',
  });
  const voice = { userId, service: 'voice' };
  await desk.addCalls({ ...voice, at: '2026-01-10T10:00:00Z', seconds: '100', cost: '0.25' });
  await desk.addCalls({ ...voice, at: '2026-02-10T10:00:00Z', seconds: '650' });
  await desk.addCalls({ userId, service: 'avatar', at: '2026-02-11T10:00:00Z', seconds: '60.5' });
  await desk
    .at('2026-02-12T00:00:00Z')
    .json('user', 'reset', 'ada', '--service', 'voice', '--reason', 'outage', '--yes');
  await desk.queryAt('2026-03-01T00:00:00Z', `select quota.reset_due('signup', 10, gen_random_uuid())`);
  await desk.addCalls({ ...voice, at: '2026-03-02T10:00:00Z', seconds: '5' });
  await desk.addCalls({
    ...voice,
    at: '2026-02-20T10:00:00Z',
    seconds: '7.25',
    asOf: '2026-03-03T00:00:00Z',
  });
});

const ada = ['user', 'history', 'ada@example.com'];
const run = (...args: string[]) => desk.run(...ada, ...args);
const history = (...args: string[]): Promise<HistoryPage> => desk.json(...ada, ...args);

test('every period with what was used, corrected, reset and late', async () => {
  const { user, periods, next } = await history();
  expect(user.externalId).toBe('ada');
  expect(next).toBeNull();
  expect(periods).toMatchObject([
    {
      meter: 'voice_seconds',
      period: { start: '2026-02-27T23:00:00.000Z', end: '2026-03-30T22:00:00.000Z' },
      used: '5.000',
      closedAt: null,
      usedAtClose: null,
      late: null,
      resets: [],
    },
    {
      meter: 'voice_seconds',
      unit: 'second',
      period: { start: '2026-01-30T23:00:00.000Z', end: '2026-02-27T23:00:00.000Z' },
      limit: '600.000',
      used: '7.250',
      adjusted: '-650.000',
      usedAtClose: '0.000',
      late: '7.250',
      calls: 2,
      exhaustedAt: null,
      closedAt: '2026-03-01T00:00:00.000Z',
      superseded: false,
      resets: [{ at: '2026-02-12T00:00:00.000Z', quantity: '-650.000', actor: 'tester', reason: 'outage' }],
    },
    { used: '100.000', cost: '0.25', late: '0.000', closedAt: '2026-03-01T00:00:00.000Z' },
    { meter: 'avatar_seconds', period: { start: null, end: null }, used: '60.500', late: null },
  ]);
});

test('of chosen meters, page by page', async () => {
  expect((await history('--meter', 'avatar_seconds')).periods).toHaveLength(1);
  expect((await history('--service', 'voice')).periods).toHaveLength(3);
  const { periods } = await history();
  const paged = [];
  for (let next: string | null = ''; next !== null; ) {
    const page: HistoryPage = await history('--limit', '1', ...(next === '' ? [] : ['--after', next]));
    paged.push(...page.periods);
    next = page.next;
  }
  expect(paged).toEqual(periods);
});

test('table, csv and ndjson', async () => {
  const { stdout } = await run();
  expect(stdout).toMatch(
    /\nvoice_seconds +2026-01-30 23:00Z +.*\(2026-02-27 23:00Z\) +0:07.25 +10:00 +-10:50 +0:07.25 +2 +1 +.*\(2026-03-01 00:00Z\)\n/,
  );
  expect(stdout).toMatch(/\navatar_seconds +ever +ever +1:00.5 +20:00 +1 +open\n/);
  const [head, , february] = (await run('--output', 'csv')).stdout.split('\n');
  expect(head).toMatch(/^externalId,service,meter,unit,periodStart,periodEnd,limit,granted,used,adjusted,/);
  expect(february).toContain(',600.000,0.000,7.250,-650.000,0.000,7.250,0,2,');
  const lines = (await run('--output', 'ndjson')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(4);
  expect(lines[1].resets).toMatchObject([{ reason: 'outage' }]);
});

test('a position that is none is refused', async () => {
  const { code, stderr } = await run('--after', 'yesterday');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('2026-10-31T04:00:00.000000Z/voice_seconds'),
  });
});
