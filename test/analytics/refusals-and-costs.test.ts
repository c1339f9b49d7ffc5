import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-11T00:00:00Z' });
const october = ['usage', 'analytics', '--from', '2026-10-01', '--to', '2026-10-11'];
const refuse = (day: string, user: string | null, service: string, reason: string) =>
  desk.queryAt(`2026-10-${day}T10:00:00Z`, 'select quota.count_refusal($1, $2, $3)', [user, service, reason]);

beforeAll(async () => {
  const ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-10-01T00:00:00Z' });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free'),
       ($1, 'chat', 'chat-free')`,
    [ada],
  );
  for (let day = 1; day <= 10; day++) {
    const at = `2026-10-${String(day).padStart(2, '0')}T12:00:00Z`;
    await desk.addCalls({ userId: ada, at, seconds: '10', cost: '0.31' });
  }
  await desk.addCalls({ userId: ada, at: '2026-10-02T12:00:00Z', service: 'chat', cost: '9', times: 2 });
  await refuse('03', 'ada', 'chat', 'quota_exceeded');
  await refuse('03', 'ada', 'chat', 'quota_exceeded');
  await refuse('04', 'ada', 'voice', 'would_exceed');
  await refuse('04', null, 'chat', 'sign_in_required');
  await refuse('12', 'ada', 'chat', 'quota_exceeded');
});

test('refusals per day, service, plan and reason, on a terminal, as JSON, as a sheet and on the page', async () => {
  const { refusals, days } = await desk.json(...october);
  expect(refusals).toEqual({
    total: 4,
    rows: [
      { day: null, service: 'chat', plan: 'chat-free', reason: 'quota_exceeded', refused: 2 },
      { day: null, service: 'chat', plan: 'chat-anonymous', reason: 'sign_in_required', refused: 1 },
      { day: null, service: 'voice', plan: 'voice-free', reason: 'would_exceed', refused: 1 },
    ],
  });
  expect(days.map(({ refused }: { refused: number }) => refused)).toEqual([0, 0, 2, 2, 0, 0, 0, 0, 0, 0]);
  expect((await desk.json(...october, '--service', 'voice')).refusals.total).toBe(1);
  const sheet = (await desk.run(...october, '--by', 'refusal', '--output', 'csv')).stdout;
  expect(sheet.trimEnd().split(/\r?\n/)).toEqual([
    'day,service,plan,reason,refused',
    '2026-10-03,chat,chat-free,quota_exceeded,2',
    '2026-10-04,chat,chat-anonymous,sign_in_required,1',
    '2026-10-04,voice,voice-free,would_exceed,1',
  ]);
  const byDay = (await desk.run(...october, '--by', 'day', '--output', 'csv')).stdout.split(/\r?\n/);
  expect(byDay[0]).toMatch(/^day,calls,.*,refused$/);
  expect(byDay[3]).toMatch(/^2026-10-03,1,.*,2$/);
  const { stdout } = await desk.run(...october);
  expect(stdout).toContain('Refused, 4 times');
  expect(stdout).toMatch(/chat {2}chat-free {2}quota_exceeded +2\n/);
  const path = desk.path('usage.html');
  expect((await desk.run(...october, '--by', 'refusal', '--html', path)).code).toBe(0);
  expect(readFileSync(path, 'utf8')).toMatch(/>2026-10-03<\/th>.*quota_exceeded/);
});

test('what the month costs so far and at its end, by the pace that tells who runs out', async () => {
  const { costs } = await desk.json(...october);
  expect(costs).toEqual({
    month: '2026-10',
    // 21.10 in ten of 31 days.
    total: { calls: 12, cost: '21.10', forecast: '65.410000' },
    plans: [
      { service: 'chat', plan: 'chat-free', calls: 2, cost: '18', forecast: null },
      { service: 'voice', plan: 'voice-free', calls: 10, cost: '3.10', forecast: '9.610000' },
    ],
  });
  // The running month, whatever is asked for.
  expect((await desk.json('usage', 'analytics', '--month', '2026-09')).costs).toEqual(costs);
  const { stdout } = await desk.run(...october);
  expect(stdout).toContain('Cost of 2026-10, at the present pace');
  expect(stdout).toMatch(/all +21.10 USD so far, 65.41 USD at its end/);
  expect(stdout).toMatch(/chat-free +18.00 USD so far, too few calls to tell more/);
  // On the first day a day's cost is spread over no less than a thirtieth of the month.
  const [early] = await desk.queryAt<{ forecast: string }>(
    '2026-10-01T13:00:00Z',
    `select forecast from quota.forecast_costs('voice') where plan is null`,
  );
  expect(early).toEqual({ forecast: null });
});

test('a refusal waits for no refusal of a transaction that is still open, and none is lost', async () => {
  const count = `select quota.note_refusal('chat', 'chat-free', 'test')`;
  await desk.query(count);
  await desk.session(async (one) => {
    await one.query('begin');
    await one.query(count);
    await one.query(count);
    await desk.session(async (other) => {
      await other.query(`set lock_timeout = '1ms'`);
      await other.query(count);
      await other.query('begin isolation level repeatable read');
      await other.query('select');
      await desk.query(count);
      await other.query(count);
      await other.query('commit');
    });
    await one.query('commit');
  });
  const [sums] = await desk.query(
    `select sum(refused)::integer as refused, count(*) <= 3 as few from quota.refusals where reason = 'test'`,
  );
  expect(sums).toEqual({ refused: 6, few: true });
});

test('an assistant too many is a refusal', async () => {
  for (const assistant of ['a1', 'a2', 'a3', 'a4']) {
    await desk.queryAt('2026-10-05T10:00:00Z', 'select quota.add_assistant($1, $2)', ['ada', assistant]);
  }
  expect(
    await desk.query(
      `select plan, refused::integer from quota.refusals_by_day('2026-10-05', '2026-10-05')
       where reason = 'assistant_limit'`,
    ),
  ).toEqual([{ plan: 'voice-free', refused: 1 }]);
});
