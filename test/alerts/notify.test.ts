import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

test('whoever listens is told in the transaction that raises, of what is to be told, and of nobody by name', async () => {
  const wes = await desk.addUser({ externalId: 'wes', createdAt: '2026-10-01T00:00:00Z' });
  await desk.session(async (listener) => {
    const heard: unknown[] = [];
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')));
    await listener.query('listen quota_alerts');
    await desk.addCalls({ userId: wes, at: '2026-10-05T10:00:00Z', seconds: '500' });
    await desk.session(async (client) => {
      await client.query(`begin; select set_config('quota.as_of', '2026-10-06T10:00:00Z', true)`);
      await client.query(
        `insert into quota.call_logs (user_id, service, started_at, duration_seconds) values ($1, 'voice', quota.now(), 50)`,
        [wes],
      );
      await client.query('rollback');
    });
    // Long ago: nobody is to be told.
    await desk.addCalls({
      userId: wes,
      at: '2026-10-07T10:00:00Z',
      seconds: '50',
      asOf: '2026-10-20T10:00:00Z',
    });
    await desk.addCalls({ userId: wes, at: '2026-10-21T10:00:00Z', seconds: '60' });
    await expect.poll(() => heard.length).toBe(2);
    expect(heard).toEqual([
      { id: expect.any(String), userId: wes, meter: 'voice_seconds', threshold: 80, level: 'warning' },
      { id: expect.any(String), userId: wes, meter: 'voice_seconds', threshold: 100, level: 'exceeded' },
    ]);
  });
});

test('many alerts at once are told by their number', async () => {
  for (let n = 0; n < 12; n++) {
    await desk.addUser({ externalId: `many-${n}`, createdAt: '2026-10-01T00:00:00Z' });
  }
  await desk.session(async (listener) => {
    const heard: unknown[] = [];
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')));
    await listener.query('listen quota_alerts');
    await desk.queryAt(
      '2026-10-05T10:00:00Z',
      `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
       select id, 'voice', quota.now(), 700 from quota.users where external_id like 'many-%'`,
    );
    await expect.poll(() => heard.length).toBe(1);
    expect(heard).toEqual([{ count: 36 }]);
  });
});

test('every built-in plan warns at 80 and 90 % and tells what is used up', async () => {
  expect(
    await desk.query(`select plan, meter from quota.plan_limits where warn_at <> '{80,90,100}'`),
  ).toEqual([]);
  expect(
    await desk.query(
      `select p.key, p.version, v.definition->'limits'->0->'warnAt' as "warnAt"
       from quota.plans p join quota.plan_versions v on v.plan = p.key and v.version = p.version
       where p.key = 'avatar-monthly'`,
    ),
  ).toEqual([{ key: 'avatar-monthly', version: expect.any(Number), warnAt: [80, 90, 100] }]);
});
