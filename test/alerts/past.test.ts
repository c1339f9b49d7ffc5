import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { alertsOf, deliver, said } from './alert-desk.ts';

const desk = useDeskPerTest();
const signup = '2026-10-03T09:00:00Z';
const now = '2026-10-28T12:00:00Z';

const header = 'provider_call_id,user_external_id,started_at,duration_seconds';
const fill = (...lines: string[]) => desk.write('calls.csv', [header, ...lines].join('\n'));
const state = async (externalId: string) =>
  (
    await desk.query<{ exhausted: Date | null; limited: Date | null }>(
      `select q.exhausted_at as exhausted, s.limit_enforced_at as limited
       from quota.usage_quotas q join quota.subscriptions s using (user_id)
       join quota.users u on u.id = q.user_id where u.external_id = $1`,
      [externalId],
    )
  )[0];

test('an import of the past dates by the call that crossed, limits, and tells nobody', async () => {
  await desk.addUser({ externalId: 'kim', createdAt: signup, assistants: ['kim-1'] });
  const file = await fill(
    'c3,kim,2026-10-09T10:00:00Z,100',
    'c1,kim,2026-10-05T10:00:00Z,300',
    'c5,kim,2026-10-28T11:30:00Z,60',
    'c2,kim,2026-10-07T10:00:00Z,190',
    'c4,kim,2026-10-12T10:00:00Z,30',
  );
  await desk.at(now).json('import', 'call-logs', file);
  expect(await alertsOf(desk, 'kim')).toEqual([
    { threshold: 80, crossedAt: new Date('2026-10-07T10:03:10Z'), stands: true, status: 'past' },
    { threshold: 90, crossedAt: new Date('2026-10-09T10:01:40Z'), stands: true, status: 'past' },
    { threshold: 100, crossedAt: new Date('2026-10-12T10:00:30Z'), stands: true, status: 'past' },
  ]);
  expect(await deliver(desk, '2026-10-28T12:01:00Z')).toMatchObject({ told: [], report: { due: 0 } });
  const dates = await state('kim');
  expect(dates).toEqual({
    exhausted: new Date('2026-10-12T10:00:30Z'),
    limited: new Date('2026-10-12T10:00:30Z'),
  });
  const [limit] = await desk.query('select desired, status from quota.assistant_limits');
  expect(limit).toEqual({ desired: 'limited', status: 'pending' });
});

test('what happens after the import is told as ever, and a larger plan does not tell of the past', async () => {
  await desk.addUser({ externalId: 'lea', createdAt: signup });
  await desk.at(signup).json('user', 'set-plan', 'lea', 'transcription-free', '--reason', 'signup', '--yes');
  const file = await fill('t1,lea,2026-10-05T10:00:00Z,7000', 't2,lea,2026-10-27T20:00:00Z,400');
  const service = ['--service', 'transcription', '--provider', 'whisper'];
  await desk.at(now).json('import', 'call-logs', file, ...service);
  await desk.at(now).json('user', 'set-plan', 'lea', 'transcription-starter', '--reason', 'paid', '--yes');
  expect((await deliver(desk, '2026-10-28T12:01:00Z')).told).toEqual([]);
  await desk.queryAt('2026-10-28T13:00:00Z', `select quota.record('lea', 'transcription', 't3', 800)`);
  expect(said((await deliver(desk, '2026-10-28T13:01:00Z')).told)).toEqual([
    '90: 91.11 % (8200.000 of 9000.000)',
  ]);
});

test('plain rows of long ago are of the past; a call that comes an hour late is news', async () => {
  const mia = await desk.addUser({ externalId: 'mia', createdAt: signup });
  await desk.addCalls({ userId: mia, at: '2026-10-26T10:00:00Z', seconds: '500', asOf: now });
  expect((await deliver(desk, '2026-10-28T12:01:00Z')).told).toEqual([]);
  await desk.addCalls({ userId: mia, at: '2026-10-28T11:00:00Z', seconds: '60', asOf: now });
  const { told } = await deliver(desk, '2026-10-28T12:02:00Z');
  expect(said(told)).toEqual(['90: 93.33 % (560.000 of 600.000)']);
  expect(told[0]?.crossedAt).toBe('2026-10-28T11:01:00.000Z');
});

test('an import of calls as they happen tells, where it is asked to', async () => {
  await desk.addUser({ externalId: 'ned', createdAt: signup });
  const file = await fill('n1,ned,2026-10-20T10:00:00Z,490', 'n2,ned,2026-10-28T11:00:00Z,70');
  await desk.at(now).json('import', 'call-logs', file, '--tell-alerts');
  expect(said((await deliver(desk, '2026-10-28T12:01:00Z')).told)).toEqual([
    '90: 93.33 % (560.000 of 600.000)',
  ]);
});

test('exhaustion by cost and after a reset is dated by the call that crossed last', async () => {
  const ola = await desk.addUser({ externalId: 'ola', createdAt: signup });
  await desk.addCalls({ userId: ola, at: '2026-10-05T10:00:00Z', seconds: '600' });
  expect(await state('ola')).toMatchObject({ exhausted: new Date('2026-10-05T10:00:00Z') });
  await desk.at('2026-10-06T00:00:00Z').json('user', 'reset', 'ola', '--reason', 'r', '--yes', '--no-sync');
  expect(await state('ola')).toEqual({ exhausted: null, limited: null });
  const file = await fill('o2,ola,2026-10-10T10:00:00Z,400', 'o3,ola,2026-10-11T10:00:00Z,210');
  await desk.at(now).json('import', 'call-logs', file);
  expect(await state('ola')).toMatchObject({ exhausted: new Date('2026-10-11T10:03:30Z') });

  const pia = await desk.addUser({ externalId: 'pia', createdAt: signup });
  await desk.at(signup).json('user', 'set-plan', 'pia', 'avatar-monthly', '--reason', 'signup', '--yes');
  for (const [day = '', cost = null] of [
    ['05', '20'],
    ['06', '22'],
    ['07', '9'],
    ['08', '1'],
  ]) {
    await desk.addCalls({
      userId: pia,
      at: `2026-10-${day}T10:00:00Z`,
      seconds: '60',
      service: 'avatar',
      cost,
      asOf: now,
    });
  }
  expect(await state('pia')).toMatchObject({ exhausted: new Date('2026-10-07T10:01:00Z') });
});
