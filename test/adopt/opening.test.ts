import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDesk({ asOf: now });
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

test('what a counter has beyond the rows is an opening balance, dated by the app, told to nobody', async () => {
  await desk.queryAt(now, productTables('avatar-lifetime', 10));
  // Sessions of before the table was there, and a reset by hand.
  await desk.query(
    `update usage_quotas set used_seconds = 1300, quota_exhausted = true, exhausted_at = '2026-03-04 05:06:07' where user_id = $1`,
    [id(1)],
  );
  await desk.query(`update usage_quotas set used_seconds = 0 where user_id = $1`, [id(9)]);
  await desk.json('adopt', 'attach', 'avatar-lifetime', '--yes');
  expect(await desk.json('adopt', 'backfill', 'avatar-lifetime', '--yes')).toMatchObject({ openings: 2 });
  expect(await desk.json('adopt', 'verify', 'avatar-lifetime')).toMatchObject({ differing: 0, waiting: 0 });
  expect(
    await desk.query(
      `select q.used, q.exhausted_at from quota.usage_quotas q join quota.users u on u.id = q.user_id
       where u.external_id in ($1, $2) order by u.external_id`,
      [id(1), id(9)],
    ),
  ).toEqual([
    { used: '1300.000', exhausted_at: new Date('2026-03-04T05:06:07Z') },
    { used: '0.000', exhausted_at: null },
  ]);
  expect(await desk.query(`select from quota.alert_deliveries where status <> 'past'`)).toEqual([]);
  expect(await desk.json('adopt', 'backfill', 'avatar-lifetime', '--again', '--yes')).toMatchObject({
    openings: 0,
  });
  expect(await desk.differences()).toEqual([]);
});

test('what a row has that waits and was not tried as it stands is no opening balance', async () => {
  const row = id(77);
  const attempts = () => desk.query('select attempts from quota.adopt_dead');
  const setStart = (start: string | null) =>
    desk.query('update avatar_usage_records set session_started_at = $1 where id = $2', [start, row]);
  await desk.query(
    `insert into avatar_usage_records (id, user_id, duration_seconds, status) values ($1, $2, 40, 'completed')`,
    [row, id(2)],
  );
  await desk.json('adopt', 'backfill', 'avatar-lifetime', '--yes');
  expect(await attempts()).toEqual([{ attempts: 1 }]);
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query('select from quota.adopt_links where key = $1 for update', [row]);
    // The app tells what it lacked, and nobody can count it yet.
    await setStart('2026-11-19 10:00');
    expect(await attempts()).toEqual([{ attempts: 0 }]);
    await holder.query('rollback');
  });
  await setStart(null);
  await desk.json('adopt', 'backfill', 'avatar-lifetime', '--yes');
  expect(await attempts()).toEqual([{ attempts: 1 }]);
  // It makes sense by now, nobody was told, and the counter has it.
  await desk.query(
    `set session_replication_role = replica;
     update avatar_usage_records set session_started_at = '2026-11-19 10:00' where id = '${row}';
     update usage_quotas set used_seconds = used_seconds + 40 where user_id = '${id(2)}'`,
  );
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query('select from quota.adopt_links where key = $1 for update', [row]);
    const run = desk.json('adopt', 'backfill', 'avatar-lifetime', '--yes');
    await desk.untilLocked();
    await expect
      .poll(async () => (await desk.sessions()).some(({ waitsForLock }) => waitsForLock), { interval: 5 })
      .toBe(false);
    await Promise.race([run, desk.untilLocked()]);
    await holder.query('rollback');
    expect(await run).toMatchObject({ openings: 0 });
  });
  expect(await desk.json('adopt', 'verify', 'avatar-lifetime')).toMatchObject({ differing: 0, waiting: 0 });
  expect(await desk.differences()).toEqual([]);
});

test('a counter of a month in which nothing is counted is shown with that month', async () => {
  await desk.queryAt(now, productTables('chat', 5));
  await desk.query(`insert into user_usage (user_id, month, total_messages, premium_messages)
    values ('user_1', '2026-02', 5, 0)`);
  await desk.json('adopt', 'attach', 'chat', '--yes');
  await desk.json('adopt', 'backfill', 'chat', '--yes');
  const { code, data } = await desk.answer('adopt', 'verify', 'chat');
  expect({ code, differences: data.differences }).toMatchObject({
    code: 3,
    differences: [
      {
        externalId: 'user_1',
        meter: 'messages',
        periodStart: '2026-02-01T00:00:00.000Z',
        app: '5',
        quota: '0',
      },
    ],
  });
});
