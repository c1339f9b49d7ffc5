import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { alertsOf, deliver, said } from './alert-desk.ts';

const desk = useDeskPerTest();
const signup = '2027-01-05T09:00:00Z';

async function subscribe(externalId: string, plan: string) {
  await desk.addUser({ externalId, createdAt: signup });
  await desk.at(signup).json('user', 'set-plan', externalId, plan, '--reason', 'signup', '--yes');
}
let key = 0;
const record = (at: string, user: string, service: string, seconds: number) =>
  desk.queryAt(at, `select * from quota.record($1, $2, $3, $4)`, [user, service, `k${++key}`, seconds]);
const change = (at: string, ...words: string[]) =>
  desk.at(at).json(...words, '--reason', 'goodwill', '--yes');

test('a reset withdraws what was not told yet, and arms all thresholds again', async () => {
  await subscribe('ann', 'voice-free');
  await record('2027-01-10T10:00:00Z', 'ann', 'voice', 600);
  await change('2027-01-10T10:00:30Z', 'user', 'reset', 'ann', '--no-sync');
  const nothing = await deliver(desk, '2027-01-10T10:01:00Z');
  expect(nothing).toMatchObject({ told: [], report: { due: 0, delivered: 0 } });
  expect(await alertsOf(desk, 'ann')).toMatchObject(
    [80, 90, 100].map((threshold) => ({ threshold, stands: false, status: 'withdrawn' })),
  );

  await record('2027-01-11T10:00:00Z', 'ann', 'voice', 600);
  const { told, report } = await deliver(desk, '2027-01-11T10:01:00Z');
  expect(report).toMatchObject({ delivered: 3, withdrawn: 0 });
  expect(said(told)).toEqual([
    '100: 100.00 % (600.000 of 600.000)',
    '80: 100.00 % (600.000 of 600.000)',
    '90: 100.00 % (600.000 of 600.000)',
  ]);
  expect(told.map(({ crossedAt }) => crossedAt)).toEqual(Array(3).fill('2027-01-11T10:00:00.000Z'));
  expect(told[0]).toMatchObject({ asOf: '2027-01-11T10:01:00.000Z' });
  expect((await deliver(desk, '2027-01-11T10:02:00Z')).told).toEqual([]);
});

test('after a reset of what was told, the same thresholds are told again', async () => {
  await subscribe('bob', 'voice-free');
  for (const day of ['10', '12', '14']) {
    await record(`2027-01-${day}T10:00:00Z`, 'bob', 'voice', 500);
    expect(said((await deliver(desk, `2027-01-${day}T10:01:00Z`)).told)).toEqual([
      '80: 83.33 % (500.000 of 600.000)',
    ]);
    await change(`2027-01-${day}T11:00:00Z`, 'user', 'reset', 'bob', '--no-sync');
  }
  expect(await alertsOf(desk, 'bob')).toMatchObject(Array(3).fill({ stands: false, status: 'delivered' }));
});

test('a larger plan arms again: 82 % and 104 % of it are told', async () => {
  await subscribe('cleo', 'transcription-free');
  await record('2027-01-10T10:00:00Z', 'cleo', 'transcription', 1800);
  expect((await deliver(desk, '2027-01-10T10:01:00Z')).told).toHaveLength(3);
  await change('2027-01-10T12:00:00Z', 'user', 'set-plan', 'cleo', 'transcription-starter');
  expect((await deliver(desk, '2027-01-10T12:01:00Z')).told).toEqual([]);
  await record('2027-01-11T10:00:00Z', 'cleo', 'transcription', 5580);
  expect(said((await deliver(desk, '2027-01-11T10:01:00Z')).told)).toEqual([
    '80: 82.00 % (7380.000 of 9000.000)',
  ]);
  await record('2027-01-12T10:00:00Z', 'cleo', 'transcription', 1980);
  expect(said((await deliver(desk, '2027-01-12T10:01:00Z')).told)).toEqual([
    '100: 104.00 % (9360.000 of 9000.000)',
    '90: 104.00 % (9360.000 of 9000.000)',
  ]);
});

test('whoever is beyond a threshold of a larger allowance at once is told of that one', async () => {
  await subscribe('dora', 'transcription-free');
  await record('2027-01-10T10:00:00Z', 'dora', 'transcription', 7400);
  expect((await deliver(desk, '2027-01-10T10:01:00Z')).told).toHaveLength(3);
  await change('2027-01-13T12:00:00Z', 'user', 'set-plan', 'dora', 'transcription-starter');
  const { told } = await deliver(desk, '2027-01-13T12:01:00Z');
  expect(said(told)).toEqual(['80: 82.22 % (7400.000 of 9000.000)']);
  expect(told[0]).toMatchObject({ level: 'warning', crossedAt: '2027-01-13T12:00:00.000Z' });
});

test('a grant withdraws what it makes untrue, and what is left says the present figures', async () => {
  await subscribe('eve', 'voice-free');
  await record('2027-01-10T10:00:00Z', 'eve', 'voice', 600);
  await change('2027-01-10T10:00:30Z', 'user', 'grant', 'eve', 'voice_seconds', '100', '--no-sync');
  const { told, report } = await deliver(desk, '2027-01-10T10:01:00Z');
  expect(said(told)).toEqual(['80: 85.71 % (600.000 of 700.000)']);
  expect(report).toMatchObject({ due: 1, delivered: 1 });
  await record('2027-01-10T11:00:00Z', 'eve', 'voice', 30);
  expect(said((await deliver(desk, '2027-01-10T11:01:00Z')).told)).toEqual([
    '90: 90.00 % (630.000 of 700.000)',
  ]);
  await change('2027-01-11T10:00:30Z', 'user', 'grant', 'eve', 'voice_seconds', '200', '--no-sync');
  await record('2027-01-12T10:00:00Z', 'eve', 'voice', 180);
  expect(said((await deliver(desk, '2027-01-12T10:01:00Z')).told)).toEqual([
    '80: 90.00 % (810.000 of 900.000)',
    '90: 90.00 % (810.000 of 900.000)',
  ]);
});

test('a grant that ends before the alert is sent is not told of; a smaller plan is crossed when it comes', async () => {
  await subscribe('fay', 'transcription-starter');
  await change(
    '2027-01-06T00:00:00Z',
    'user',
    'grant',
    'fay',
    'transcription_seconds',
    '1000',
    '--expires',
    '2027-01-10T12:00:00Z',
  );
  await record('2027-01-10T10:00:00Z', 'fay', 'transcription', 8000);
  expect(said((await deliver(desk, '2027-01-10T12:30:00Z')).told)).toEqual([
    '80: 88.89 % (8000.000 of 9000.000)',
  ]);
  await desk.at('2027-01-10T13:00:00Z').json('jobs', 'reap-stale');
  await change('2027-01-20T00:00:00Z', 'user', 'set-plan', 'fay', 'transcription-free');
  const { told } = await deliver(desk, '2027-01-20T00:01:00Z');
  // The grant covers what was used beyond the limit before it ended.
  expect(said(told)).toEqual(['100: 285.71 % (8000.000 of 2800.000)', '90: 285.71 % (8000.000 of 2800.000)']);
  expect(told[0]).toMatchObject({ crossedAt: '2027-01-20T00:00:00.000Z' });
});

test('a call that is corrected withdraws; one that is corrected back is told', async () => {
  await subscribe('gus', 'voice-free');
  await record('2027-01-10T10:00:00Z', 'gus', 'voice', 590);
  const correct = (at: string, seconds: number) =>
    desk.queryAt(at, `update quota.call_logs set duration_seconds = $1`, [seconds]);
  await correct('2027-01-10T10:00:30Z', 490);
  expect(said((await deliver(desk, '2027-01-10T10:01:00Z')).told)).toEqual([
    '80: 81.67 % (490.000 of 600.000)',
  ]);
  await correct('2027-01-10T10:02:00Z', 545);
  expect(said((await deliver(desk, '2027-01-10T10:03:00Z')).told)).toEqual([
    '90: 90.83 % (545.000 of 600.000)',
  ]);
});

test('what belongs to a period that is over, or to somebody who is gone, is withdrawn', async () => {
  await subscribe('hal', 'voice-free');
  await subscribe('ida', 'voice-free');
  await record('2027-02-04T23:50:00Z', 'hal', 'voice', 500);
  await record('2027-02-04T23:50:00Z', 'ida', 'voice', 500);
  await desk
    .at('2027-02-04T23:55:00Z')
    .json('user', 'erase', 'ida', '--reason', 'asked', '--confirm', 'ida', '--yes');
  expect(
    (await deliver(desk, '2027-02-04T23:56:00Z', { receiver: 'exit 3', code: 75 })).report,
  ).toMatchObject({
    failedAttempts: 1,
    withdrawn: 1,
  });
  expect(await deliver(desk, '2027-02-05T00:10:00Z')).toMatchObject({
    told: [],
    report: { withdrawn: 1, left: 0 },
  });
  expect(await alertsOf(desk, 'hal')).toMatchObject([{ stands: false, status: 'withdrawn' }]);
});

test('99.996 % is not told as used up', async () => {
  await subscribe('jim', 'voice-free');
  await record('2027-01-10T10:00:00Z', 'jim', 'voice', 599.98);
  expect(said((await deliver(desk, '2027-01-10T10:01:00Z')).told)).toEqual([
    '80: 99.99 % (599.980 of 600.000)',
    '90: 99.99 % (599.980 of 600.000)',
  ]);
});
