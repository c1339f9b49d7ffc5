import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-20T12:00:00Z' });
const list = async (...more: string[]) => (await desk.json('alerts', 'list', ...more)).alerts;

beforeAll(async () => {
  for (const externalId of ['xia', 'yan']) {
    const userId = await desk.addUser({ externalId, createdAt: '2026-10-03T09:00:00Z' });
    await desk.addCalls({ userId, at: '2026-10-20T11:00:00Z', seconds: '550' });
  }
  await desk.queryAt(
    '2026-10-20T11:30:00Z',
    `update quota.call_logs set duration_seconds = 500
     where user_id = (select id from quota.users where external_id = 'yan')`,
  );
});

test('lists what is so, of whom, and what became of it, in every format', async () => {
  expect(await list()).toHaveLength(4);
  expect(await list('yan')).toMatchObject([
    { user: 'yan', threshold: 90, active: false, delivery: 'withdrawn', percent: '91.67' },
    { user: 'yan', threshold: 80, active: true, delivery: 'pending', percent: '83.33', acknowledgedAt: null },
  ]);
  expect(await list('--active', '--limit', '2')).toHaveLength(2);
  expect(await list('--delivery', 'withdrawn')).toMatchObject([{ user: 'yan' }]);
  const csv = (await desk.run('alerts', 'list', '--output', 'csv')).stdout.trim().split('\n');
  expect(csv).toHaveLength(5);
  expect(csv[0]).toContain('crossedAt,endedAt,acknowledgedAt,delivery');
  expect((await desk.run('alerts', 'list')).stdout).toMatch(
    /yan +voice_seconds +90 % +91\.67 +critical .* over +withdrawn/,
  );
});

test('acknowledges one, or what is so of a user, through the bracket and once', async () => {
  const [{ id }] = await list('xia');
  const before = await desk.snapshot();
  expect(await desk.json('alerts', 'ack', id, '--dry-run')).toMatchObject({ dryRun: true, alerts: [{ id }] });
  expect(await desk.snapshot()).toEqual(before);
  expect(await desk.json('alerts', 'ack', id, '--reason', 'called', '--yes')).toMatchObject({
    dryRun: false,
    alerts: [{ id, acknowledgedAt: '2026-10-20T12:00:00.000Z' }],
  });
  expect(await desk.json('alerts', 'ack', id, '--yes')).toMatchObject({ alerts: [] });
  expect(await desk.json('alerts', 'ack', '--user', 'yan', '--yes')).toMatchObject({
    alerts: [{ user: 'yan', threshold: 80 }],
  });
  expect(await list('--open')).toMatchObject([
    { user: 'yan', threshold: 90 },
    { user: 'xia', threshold: 80 },
  ]);
  const { entries } = await desk.json('audit', 'log', '--action', 'alert.acknowledged');
  expect(entries).toMatchObject([{ user: 'yan' }, { user: 'xia', reason: 'called', subject: id }]);
});

test('what is not there, and what says two things', async () => {
  await desk.json(4, 'alerts', 'ack', '00000000-0000-4000-8000-000000000000', '--yes');
  await desk.json(4, 'alerts', 'list', 'nobody');
  await desk.json(2, 'alerts', 'ack', '--yes');
  await desk.json(2, 'alerts', 'list', '--delivery', 'lost');
});
