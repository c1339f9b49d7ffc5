import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { voiceMapping } from './voice-mapping.ts';

const desk = useDesk({ asOf: '2026-11-20T12:00:00Z' });
const now = '2026-11-20T12:00:00Z';
const app = (sql: string, values: unknown[] = []) => desk.queryAt(now, sql, values);
const waiting = () => desk.query('select source, key, operation, reason from quota.adopt_dead order by id');
const verified = async () => {
  const { code, data } = await desk.answer('adopt', 'verify', 'shop');
  return { code, ...data };
};

test('an app is attached, counted from its first minute, and agrees', async () => {
  await app(readFileSync('fixtures/adopt/voice-app.sql', 'utf8'));
  const file = desk.write('shop.yaml', voiceMapping);
  expect(await desk.json('adopt', 'check', file)).toMatchObject({ product: 'shop', isAttached: false });
  const before = await desk.snapshot();
  expect(await desk.json('adopt', 'attach', file, '--dry-run')).toMatchObject({
    dryRun: true,
    auditId: null,
  });
  expect(await desk.snapshot()).toEqual(before);
  expect((await desk.json('adopt', 'attach', file, '--yes')).triggers).toHaveLength(9);
  expect((await desk.json('adopt', 'attach', file, '--yes')).auditId).toBeNull();

  // Somebody new, and a call of somebody who was there before: the app writes, and it is counted.
  await app(`insert into shop.members values ('new', 'new@example.com', '2026-11-20 11:00')`);
  await app(
    `insert into shop.phone_calls (member_id, vapi_call, state, began) values ('new', 'live-1', 'running', '2026-11-20 12:59')`,
  );
  await app(
    `update shop.phone_calls set state = 'ended', ended = '2026-11-20 13:00:01', seconds = '61' where vapi_call = 'live-1'`,
  );
  expect(
    await desk.query(`select g.status, g.started_at, g.duration_seconds from quota.call_logs g join quota.users u on u.id = g.user_id
      where u.external_id = 'new'`),
  ).toEqual([
    { status: 'completed', started_at: new Date('2026-11-20T11:59:00Z'), duration_seconds: '61.000' },
  ]);
  expect(await waiting()).toHaveLength(0);

  expect((await verified()).code).toBe(3);
  const words = 'phone_calls held before shop was attached is not counted: quota adopt backfill shop';
  const dryRun = () => desk.run('adopt', 'authority', 'shop', 'quota', '--dry-run');
  expect((await dryRun()).stderr).toContain(words);
  expect(await desk.json('adopt', 'backfill', 'shop', '--yes', '--batch-size', '77')).toMatchObject({
    sources: [
      { source: 'members', rows: 21 },
      { source: 'bots', rows: 20 },
      { source: 'phone_calls', rows: 601 },
    ],
  });
  expect(await waiting()).toEqual([]);
  expect((await dryRun()).stderr).not.toContain(words);
  expect(await verified()).toMatchObject({ code: 0, differing: 0, waiting: 0, unfinished: [] });
  expect(await desk.differences()).toEqual([]);
});

test('what the app corrects, moves and deletes is followed, and nothing is counted twice', async () => {
  await app(`update shop.phone_calls set seconds = '30.5' where id = 5`);
  await app(`update shop.phone_calls set member_id = 'm9' where id = 6`);
  await app(`update shop.phone_calls set deleted_at = '2026-11-20 10:00' where id in (7, 8)`);
  await app(`update shop.phone_calls set deleted_at = null where id = 8`);
  await app('delete from shop.phone_calls where id = 9');
  await app(
    `insert into shop.phone_calls (member_id, began, ended) select 'm1', '2026-11-19 10:00', '2026-11-19 10:00:10' from generate_series(1, 250)`,
  );
  expect(await waiting()).toEqual([]);
  expect(await verified()).toMatchObject({ code: 0, differing: 0 });
  await desk.json('adopt', 'backfill', 'shop', '--again', '--yes');
  expect(await verified()).toMatchObject({ code: 0, differing: 0 });
  expect(await desk.query('select count(*)::int as calls from quota.call_logs')).toEqual([{ calls: 849 }]);
});

test('while the app decides nobody is limited or told; when quota does, the job limits', async () => {
  await app(
    `insert into shop.phone_calls (member_id, began, ended) values ('m2', '2026-11-20 09:00', '2026-11-20 10:00')`,
  );
  const state = () =>
    desk.query(`select q.exhausted_at is not null as exhausted, s.limit_enforced_at is not null as limited
      from quota.usage_quotas q join quota.users u on u.id = q.user_id
      join quota.subscriptions s on s.user_id = u.id where u.external_id = 'm2' and quota.contains(q, '${now}')`);
  expect(await state()).toEqual([{ exhausted: true, limited: false }]);
  expect(await desk.query(`select from quota.alert_deliveries where status = 'pending'`)).toEqual([]);
  expect(await desk.json('jobs', 'enforce-limits', '--no-sync')).toMatchObject({ due: 0 });
  expect(await desk.json('adopt', 'authority', 'shop', 'quota', '--yes')).toMatchObject({
    before: 'app',
    after: 'quota',
  });
  // m1 is over by the calls above, too.
  expect(await desk.json('jobs', 'enforce-limits', '--no-sync')).toMatchObject({ due: 2 });
  expect(await state()).toEqual([{ exhausted: true, limited: true }]);
});

test('a row that cannot be understood waits, and keeps no other back', async () => {
  await app(`insert into shop.phone_calls (member_id, began, ended, seconds) values ('m3', '2026-11-20 09:00', '2026-11-20 09:01', 'sixty'),
    ('m3', '2026-11-20 09:05', '2026-11-20 09:06', '60'), ('nobody', '2026-11-20 09:05', '2026-11-20 09:06', '60')`);
  expect(await waiting()).toMatchObject([
    { reason: 'invalid input syntax for type numeric: "sixty"' },
    { reason: 'there is no user "nobody"' },
  ]);
  expect(await verified()).toMatchObject({ code: 3, differing: 0, waiting: 2 });
  expect((await desk.json('adopt', 'status', 'shop'))[0].dead).toHaveLength(2);
  const doctor = (await desk.answer('doctor')).data;
  expect(doctor.checks.find(({ check }: { check: string }) => check === 'adopted rows').count).toBe(2);
  await app(`insert into shop.members values ('nobody', null, '2026-11-01')`);
  await app(`update shop.phone_calls set seconds = '60' where seconds = 'sixty'`);
  await desk.json('jobs', 'adopt-retry');
  expect(await waiting()).toEqual([]);
  expect(await verified()).toMatchObject({ code: 0, differing: 0 });
});

test('detached, the app is alone again; attached again, nothing is counted twice', async () => {
  expect(await desk.json(5, 'db', 'reset', '--yes')).toMatchObject({ error: { code: 'refused' } });
  expect(await desk.json(5, 'db', 'rollback', '--yes')).toMatchObject({ error: { code: 'refused' } });
  expect((await desk.json('adopt', 'detach', 'shop', '--yes')).removed).toHaveLength(9);
  await app(
    `insert into shop.phone_calls (member_id, began, ended, seconds) values ('m4', '2026-11-20 09:00', '2026-11-20 09:01', null),
       ('m4', '2026-11-20 09:02', '2026-11-20 09:03', '-90'), ('m4', '2026-11-20 09:04', '2026-11-20 09:05', '60')`,
  );
  await desk.json(4, 'adopt', 'verify', 'shop');
  await desk.json('adopt', 'attach', desk.path('shop.yaml'), '--yes');
  await desk.json('adopt', 'backfill', 'shop', '--yes');
  // One of a batch makes no sense: it waits, and the others are counted.
  expect(await waiting()).toMatchObject([{ reason: expect.stringContaining('call_logs_duration') }]);
  expect(await verified()).toMatchObject({ code: 3, differing: 0, waiting: 1 });
  await app(`update shop.phone_calls set seconds = '90' where seconds = '-90'`);
  await desk.at('2026-11-20T12:01:00Z').json('jobs', 'adopt-retry');
  expect(await waiting()).toEqual([]);
  expect(await verified()).toMatchObject({ code: 0, differing: 0 });
  expect(await desk.differences()).toEqual([]);
});
