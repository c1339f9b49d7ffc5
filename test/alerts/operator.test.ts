import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { deliver } from './alert-desk.ts';

const desk = useDesk({ asOf: '2026-10-20T12:00:00Z' });
const list = async (...more: string[]) => (await desk.json('alerts', 'list', ...more)).alerts;
const set = (...words: string[]) => desk.json('service', 'set', ...words);
let ada: string;

const calls = (at: string, cost: string, times: number, service = 'voice') =>
  desk.addCalls({ userId: ada, at, seconds: '1', cost, times, service });

/** Every nth of the calls of a day ends as an error. */
const fail = (day: string, nth: number) =>
  desk.query(
    `update quota.call_logs set status = 'error' where id in (
       select id from (select id, row_number() over (order by id) as n from quota.call_logs
         where (started_at at time zone 'UTC')::date = $1 and service = 'voice') c where n % $2 = 0)`,
    [day, nth],
  );

beforeAll(async () => {
  ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-10-01T00:00:00Z' });
  await calls('2026-10-18T10:00:00Z', '9', 10);
  await calls('2026-10-19T10:00:00Z', '1', 19);
  await calls('2026-10-20T10:00:00Z', '1', 30);
  await calls('2026-10-20T10:00:00Z', '21.5', 1, 'avatar');
  await fail('2026-10-19', 2);
  await fail('2026-10-20', 10);
});

test('limits are data: set with a dry run, a reason and its audit row, shown, and taken away', async () => {
  const before = await desk.snapshot();
  expect(await set('all', '--max-daily-cost', '50', '--dry-run')).toMatchObject({
    dryRun: true,
    auditId: null,
    after: { maxDailyCost: '50', maxErrorPercent: null, keepDetailsDays: null },
  });
  expect(await desk.snapshot()).toEqual(before);
  await set('all', '--max-daily-cost', '50', '--reason', 'our budget', '--yes');
  expect(await set('all', '--max-daily-cost', '50', '--yes')).toMatchObject({ auditId: null });
  await set('voice', '--max-error-rate', '9.5%', '--max-daily-cost', '31', '--yes');
  const { services } = await desk.json('service', 'list');
  expect(services[0]).toMatchObject({ service: 'all', maxDailyCost: '50', maxErrorPercent: null });
  expect(services.at(-1)).toMatchObject({ service: 'voice', maxDailyCost: '31', maxErrorPercent: '9.5' });
  expect((await desk.run('service', 'list')).stdout).toMatch(/voice +31\.00 USD +9\.5 %/);
  const [{ subject, reason, after }] = (
    await desk.json('audit', 'log', '--action', 'service.changed')
  ).entries.filter((entry: { reason: string }) => entry.reason === 'our budget');
  expect({ subject, reason, after }).toEqual({
    subject: 'all',
    reason: 'our budget',
    after: { maxDailyCost: '50' },
  });
});

test.each([
  [4, ['vioce', '--max-daily-cost', '5']],
  [2, ['voice']],
  [2, ['voice', '--max-daily-cost', '0']],
  [2, ['voice', '--max-daily-cost', '-1']],
  [2, ['voice', '--max-error-rate', '100']],
  [2, ['all', '--keep-details', '30']],
  [2, ['chat', '--keep-details', '0']],
])('exit %i: service set %j', async (code, words) => {
  const before = await desk.snapshot();
  await desk.json(code, 'service', 'set', ...words, '--yes');
  expect(await desk.snapshot()).toEqual(before);
});

test('a day that goes beyond a limit is told once, with what it came to; another day again', async () => {
  // 51.50 of 50 in all; voice: 30 of 31, 3 of 30 calls are errors; yesterday 9 of 19, too few for a share.
  const due = await desk
    .with({ env: { QUOTA_ALERT_COMMAND: 'cat' } })
    .json('jobs', 'raise-alerts', '--dry-run');
  expect(due.first.filter(({ kind }: { kind?: string }) => kind !== undefined)).toEqual([
    { day: '2026-10-20', service: null, kind: 'daily_cost', value: '51.5', limit: '50' },
    { day: '2026-10-20', service: 'voice', kind: 'error_rate', value: '10.00', limit: '9.5' },
  ]);
  expect(await list()).toEqual([]);
  const { told, report } = await deliver(desk, '2026-10-20T12:00:00Z');
  expect(report).toMatchObject({ delivered: 2, left: 0 });
  // Both are told at once, to two processes: which writes its line first is chance.
  expect(told.sort((one, other) => one.kind.localeCompare(other.kind))).toMatchObject([
    {
      type: 'operator.alert',
      kind: 'daily_cost',
      service: null,
      day: '2026-10-20',
      value: '51.5',
      limit: '50',
      calls: 31,
      level: 'exceeded',
      raisedAt: '2026-10-20T12:00:00.000Z',
    },
    { kind: 'error_rate', service: 'voice', value: '10.00', limit: '9.5', calls: 30 },
  ]);
  await calls('2026-10-20T12:00:00Z', '0.5', 2);
  // The cost of voice comes to its limit, too; what was told is not told again.
  const later = await deliver(desk, '2026-10-20T12:05:00Z');
  expect(later.told).toMatchObject([{ kind: 'daily_cost', service: 'voice', value: '31.0', limit: '31' }]);
  expect((await deliver(desk, '2026-10-20T12:10:00Z')).report).toMatchObject({ due: 0 });
  await calls('2026-10-21T00:10:00Z', '60', 1, 'avatar');
  const { told: next } = await deliver(desk, '2026-10-21T00:15:00Z');
  expect(next).toMatchObject([{ kind: 'daily_cost', service: null, day: '2026-10-21', value: '60' }]);
});

test('listed beside those of users, and acknowledged', async () => {
  const alerts = await list();
  expect(alerts).toHaveLength(4);
  expect(alerts[0]).toMatchObject({
    kind: 'daily_cost',
    user: null,
    service: null,
    meter: null,
    day: '2026-10-21',
  });
  expect(alerts.find(({ kind }: { kind: string }) => kind === 'error_rate')).toMatchObject({
    service: 'voice',
    value: '10.00',
    limit: '9.5',
    percent: '105.26',
    level: 'exceeded',
    active: true,
    delivery: 'delivered',
  });
  expect((await desk.run('alerts', 'list')).stdout).toMatch(/\(voice\) +errors of a day +100 % +105\.26/);
  expect(await list('ada')).toEqual([]);
  const [{ id }] = alerts;
  const before = await desk.snapshot();
  expect(await desk.json('alerts', 'ack', id, '--dry-run')).toMatchObject({ alerts: [{ id }] });
  expect(await desk.snapshot()).toEqual(before);
  const answer = await desk.run('alerts', 'ack', id, '--reason', 'a launch', '--yes');
  expect(answer.stdout).toContain('acknowledged daily_cost of all services: 60 of 50');
  expect(await desk.json('alerts', 'ack', id, '--yes')).toMatchObject({ alerts: [] });
  expect(await list('--open')).toHaveLength(3);
  const over = (await desk.at('2026-10-22T00:00:00Z').json('alerts', 'list')).alerts;
  expect(over[0]).toMatchObject({ active: false, endedAt: '2026-10-22T00:00:00.000Z' });
  const { entries } = await desk.json('audit', 'log', '--action', 'alert.acknowledged');
  expect(entries).toMatchObject([{ user: null, subject: id, reason: 'a launch' }]);
});

test('a receiver that fails is tried again; without one the nightly roll-up raises what is listed', async () => {
  await calls('2026-10-25T10:00:00Z', '70', 1, 'avatar');
  const failed = await deliver(desk, '2026-10-25T11:00:00Z', { receiver: 'exit 3', code: 75 });
  expect(failed.report).toMatchObject({ failedAttempts: 1, left: 1 });
  expect((await list('--delivery', 'failed'))[0]).toMatchObject({ lastError: 'the command ended with 3' });
  expect((await deliver(desk, '2026-10-25T11:02:00Z')).told).toMatchObject([{ value: '70' }]);
  await calls('2026-10-26T23:00:00Z', '80', 1, 'avatar');
  const night = desk.at('2026-10-27T01:30:00Z');
  expect(await night.json('jobs', 'roll-up-analytics')).toMatchObject({ operatorAlerts: 1 });
  expect(await night.json('jobs', 'roll-up-analytics')).toMatchObject({ operatorAlerts: 0 });
  await set('all', '--max-daily-cost', 'none', '--yes');
  await calls('2026-10-27T02:00:00Z', '90', 1, 'avatar');
  expect((await deliver(desk, '2026-10-27T02:05:00Z')).told).toMatchObject([{ day: '2026-10-26' }]);
});
