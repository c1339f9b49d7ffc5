import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-11T00:00:00Z' });

beforeAll(async () => {
  const createdAt = '2026-10-01T00:00:00Z';
  const fast = await desk.addUser({ externalId: 'fast', createdAt });
  const slow = await desk.addUser({ externalId: '<slow>', createdAt });
  const spent = await desk.addUser({ externalId: 'spent', createdAt });
  await desk.addUser({ externalId: 'idle', createdAt });
  // 40 s a day of 600 are used up after 15 days; 10 s a day are not.
  for (let day = 1; day <= 10; day++) {
    const at = `2026-10-${String(day).padStart(2, '0')}T12:00:00Z`;
    await desk.addCalls({ userId: fast, at, seconds: '40', cost: '0.05' });
    await desk.addCalls({ userId: slow, at, seconds: '10' });
  }
  await desk.addCalls({ userId: spent, at: '2026-10-05T00:00:00Z', seconds: '600' });
  await desk.addCalls({
    userId: slow,
    at: '2026-10-10T01:00:00Z',
    service: 'chat',
    model: 'claude-3-opus',
    times: 3,
  });
  await desk.addCalls({
    userId: slow,
    at: '2026-10-10T02:00:00Z',
    service: 'chat',
    model: 'gemini-2.0-flash',
  });
  // A lifetime: 20 minutes, 5 of them within the last 30 days.
  await desk.addCalls({ userId: fast, at: '2026-10-04T00:00:00Z', service: 'avatar', seconds: '300' });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'transcription', 'transcription-free')`,
    [fast],
  );
  await desk.addCalls({ userId: fast, at: '2026-10-04T00:00:00Z', service: 'transcription', seconds: '100' });
});

const october = ['usage', 'analytics', '--from', '2026-10-01', '--to', '2026-10-11'];
const analytics = (...args: string[]) => desk.run(...october, ...args);
const json = (...args: string[]) => desk.json(...october, ...args);

test('sums per service, day and user tie out with the totals', async () => {
  const { totals, rows, days } = await json();
  expect(totals).toEqual({
    calls: 27,
    errors: 0,
    activeUsers: 3,
    seconds: '1500.000',
    messages: '4',
    premiumMessages: '3',
    cost: '0.510000',
    tokens: '0',
    bytes: '0',
  });
  expect(rows.map((row: { key: string }) => row.key)).toEqual(['voice', 'transcription', 'chat', 'avatar']);
  expect(rows[1]).toMatchObject({ calls: 1, cost: '0.010000' });
  expect(days).toHaveLength(10);
  expect(days[9]).toMatchObject({ day: '2026-10-10', calls: 6, activeUsers: 2 });
  const users = await json('--by', 'user', '--top', '2');
  expect(users.rows).toMatchObject([
    { key: 'fast', calls: 12, cost: '0.510000' },
    { key: '<slow>', calls: 14, messages: '4' },
  ]);
});

test('by model, assistant and hour of day, whether the days are rolled up or not', async () => {
  // As some providers write it: it is one model, and a premium one.
  await desk.query(`update quota.call_logs set model = 'Claude-3-Opus'
    where id = (select min(id) from quota.call_logs where model = 'claude-3-opus')`);
  const models = await json('--by', 'model', '--service', 'chat');
  expect(models.rows).toMatchObject([
    { key: 'claude-3-opus', calls: 3, activeUsers: 1, messages: '3', premiumMessages: '3' },
    { key: 'gemini-2.0-flash', calls: 1, activeUsers: 1, messages: '1', premiumMessages: '0' },
  ]);
  const hours = await json('--by', 'hour');
  expect(
    hours.rows.map(({ key, calls, activeUsers, cost }: Record<string, unknown>) => [
      key,
      calls,
      activeUsers,
      cost,
    ]),
  ).toEqual([
    ['00', 3, 2, '0.010000'],
    ['01', 3, 1, '0'],
    ['02', 1, 1, '0'],
    ['12', 20, 2, '0.50'],
  ]);
  await desk.query(
    `update quota.call_logs set assistant_id = case when cost is null then 'quiet' else 'talker' end
     where service = 'voice' and duration_seconds < 600`,
  );
  const named = await json('--by', 'assistant', '--service', 'voice');
  expect(named.rows.map(({ key, calls, seconds }: Record<string, unknown>) => [key, calls, seconds])).toEqual(
    [
      ['talker', 10, '400.000'],
      ['quiet', 10, '100.000'],
      ['', 1, '600.000'],
    ],
  );
  const { rows } = await json('--by', 'assistant', '--top', '1');
  expect(rows).toMatchObject([{ key: 'talker', cost: '0.50' }]);
  expect((await analytics('--by', 'assistant', '--service', 'voice')).stdout).toMatch(
    /no assistant .*1 call,/,
  );
});

test('the same answer before, during and after the roll-up', async () => {
  const strip = ({ daysToRollUp: _, ...report }: Record<string, unknown>) => report;
  const before = await json('--by', 'plan');
  await desk.json('jobs', 'roll-up-analytics', '--limit', '4');
  expect(strip(await json('--by', 'plan'))).toEqual(strip(before));
  await desk.json('jobs', 'roll-up-analytics');
  const after = await json('--by', 'plan');
  expect(strip(after)).toEqual(strip(before));
  expect(after.daysToRollUp).toBe(0);
  await desk.query(`update quota.call_logs set cost = 0.06 where cost = 0.05`);
  const changed = await json('--by', 'plan');
  expect(changed.totals.cost).toBe('0.610000');
  expect(changed.daysToRollUp).toBe(10);
});

test('plans: who is active, who has used it up, cost against what it may cost', async () => {
  const { plans } = await json('--service', 'voice');
  expect(plans).toEqual([
    {
      service: 'voice',
      plan: 'voice-free',
      name: 'Voice Free',
      meter: 'voice_seconds',
      unit: 'second',
      subscribers: 3,
      active: 3,
      warned: 0,
      exceeded: 1,
      used: '1100.000',
      allowance: '1800.000',
      percent: '61.11',
      cost: '0.60',
      costAllowance: null,
      costPercent: null,
    },
  ]);
  const transcription = (await json('--service', 'transcription')).plans;
  expect(transcription.find(({ plan }: { plan: string }) => plan === 'transcription-free')).toMatchObject({
    subscribers: 1,
    cost: '0.010000',
    costAllowance: '0.180000',
    costPercent: '5.56',
  });
});

test('who runs out before the reset, and when; a lifetime by its last 30 days', async () => {
  const { forecasts } = await json();
  expect(forecasts.total).toBe(2);
  expect(forecasts.first).toMatchObject([
    {
      user: 'fast',
      meter: 'voice_seconds',
      perDay: '40.000',
      runsOutAt: '2026-10-16T00:00:00.000Z',
      resetsAt: '2026-11-01T00:00:00.000Z',
      limit: 'quantity',
    },
    {
      user: 'fast',
      meter: 'avatar_seconds',
      perDay: '10.000',
      runsOutAt: '2027-01-09T00:00:00.000Z',
      resetsAt: null,
    },
  ]);
});

test('a person sees bars and a line of days, a sheet has the rows, a page needs nothing else', async () => {
  const text = (await analytics('--by', 'user')).stdout;
  expect(text).toContain('Usage from 2026-10-01 to 2026-10-10 (UTC), all services');
  expect(text).toMatch(/[▁▂▃▄▅▆▇█]{10} {2}most on 2026-10-10: 6 calls/);
  expect(text).toMatch(/fast +█{16} {2}12 calls, 0:13:20 h, cost 0.61 USD/);
  expect(text).toMatch(
    /in \d+ days \(2026-10-16 00:00Z\) {2}voice_seconds: 6:40 of 10:00 minutes \(66\.67 %\), reset 2026-11-01 00:00Z/,
  );
  expect((await analytics('--by', 'service', '--output', 'csv')).stdout.split(/\r?\n/).slice(0, 2)).toEqual([
    'service,calls,errors,activeUsers,seconds,messages,premiumMessages,cost,tokens,bytes',
    'voice,21,0,3,1100.000,0,0,0.60,0,0',
  ]);
  const path = desk.path('usage.html');
  const company = desk.with({ env: { QUOTA_COMPANY: 'Slow & Steady' } });
  expect((await company.run(...october, '--by', 'user', '--html', path)).code).toBe(0);
  const page = readFileSync(path, 'utf8');
  expect(page).toContain('&lt;slow&gt;');
  expect(page).toContain('<div class="company">Slow &amp; Steady</div>');
  expect(page).not.toMatch(/<slow>|<script|https?:/);
});

test('a month is the days up to before the next, however it is said', async () => {
  const whole = await desk.json('usage', 'analytics', '--month', '2026-10');
  const { days, ...sums } = await desk.json(
    'usage',
    'analytics',
    ...['--from', '2026-10-01', '--to', '2026-11-01'],
  );
  expect(whole).toEqual({ days, ...sums });
  expect(whole).toMatchObject({ from: '2026-10-01', to: '2026-10-31' });
  expect((await desk.run('usage', 'analytics', '--month', '2026-10', '--to', '2026-11-01')).code).toBe(2);
});

test('a range of no days and an unknown service are refused', async () => {
  expect((await analytics('--to', '2026-09-01')).code).toBe(2);
  const { code, stderr } = await analytics('--service', 'vioce');
  expect(code).toBe(4);
  expect(stderr).toContain('avatar, chat, transcription, voice');
  expect((await analytics('--html', '/no/such/folder/x.html')).code).toBe(2);
});

test('a correction is no pace, neither of seconds nor of money', async () => {
  const userId = await desk.addUser({ externalId: 'dear', createdAt: '2026-10-01T00:00:00Z' });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'avatar', 'avatar-monthly')`,
    [userId],
  );
  for (let day = 1; day <= 10; day++) {
    const at = `2026-10-${String(day).padStart(2, '0')}T12:00:00Z`;
    await desk.addCalls({ userId, at, service: 'avatar', seconds: '10', cost: '4' });
  }
  await desk.json('user', 'reset', 'dear', '--service', 'avatar', '--reason', 'sorry', '--yes');
  // 4 dollars a day of 50 from here on: twelve days and a half.
  const { forecasts } = await json('--service', 'avatar');
  expect(forecasts.first[0]).toMatchObject({
    user: 'dear',
    cost: '0',
    perDay: '10.000',
    limit: 'cost',
    runsOutAt: '2026-10-23T12:00:00.000Z',
  });
});
