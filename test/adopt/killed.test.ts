import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { killAgain } from './kill-again.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const later = '2026-11-20T13:00:00Z';
const desk = useDesk({ asOf: now });
/** Calls with a change of their keys, as many as that. */
const changeKeys = (name: string, calls: number) =>
  `update call_logs set id = md5('${name}' || id)::uuid where id in (select id from call_logs order by md5('${name}' || id) limit ${calls})`;
/** A client of the app that is gone in the midst of a change. */
const breakOff = (sql: string) =>
  desk.session(async (client) => {
    await client.query('begin');
    await client.query(sql);
  });
const linked = async () => {
  const [counted] = await desk.query<{ rows: number }>('select count(*)::int as rows from quota.adopt_links');
  return counted?.rows ?? 0;
};

async function expectOnce(): Promise<void> {
  const [counted] = await desk.query(
    `select (select count(*) from call_logs)::int as rows, (select count(*) from quota.call_logs)::int as logs,
       count(*)::int as links, count(distinct l.call_log_id)::int as different, count(r.id)::int as linked
     from quota.adopt_links l left join call_logs r on r.id::text = l.key where l.call_log_id is not null`,
  );
  const rows = counted?.rows;
  expect(counted).toEqual({ rows, logs: rows, links: rows, different: rows, linked: rows });
  expect(await desk.differences()).toEqual([]);
}

test('killed at any moment while the app writes and changes keys, a backfill counts each row once', async () => {
  await desk.queryAt(now, productTables('voice-matrix', 60));
  await desk.json('adopt', 'attach', 'voice-matrix', '--yes');
  await killAgain(
    desk,
    ['adopt', 'backfill', 'voice-matrix', '--yes', '--batch-size', '20'],
    linked,
    async (kill) => {
      await desk.queryAt(
        now,
        `insert into call_logs (vapi_assistant_id, vapi_call_id, status, started_at, ended_at, duration_seconds)
         values ('vapi-${kill + 1}-1', 'while-${kill}', 'ended', '2026-11-20 11:00+00', '2026-11-20 11:00:05+00', 5)`,
      );
      await desk.queryAt(now, changeKeys(`between-${kill}`, 15));
      await breakOff(changeKeys(`broken-off-${kill}`, 15));
    },
  );
  let isOver = false;
  const changing = (async () => {
    for (let change = 0; !isOver; change += 1) {
      await desk.queryAt(now, changeKeys(`during-${change}`, 3));
    }
  })();
  await desk.json('adopt', 'backfill', 'voice-matrix', '--yes');
  isOver = true;
  await changing;
  await desk.at(later).json('jobs', 'adopt-retry');
  expect(await desk.answer('adopt', 'verify', 'voice-matrix')).toMatchObject({
    code: 0,
    data: { differing: 0, waiting: 0, unfinished: [] },
  });
  await expectOnce();
});

test('killed at any moment, a retry takes each row that waits once', async () => {
  const dead = async () => {
    const [waiting] = await desk.query<{ rows: number }>(
      'select count(*)::int as rows from quota.adopt_dead',
    );
    return waiting?.rows ?? 0;
  };
  await desk.queryAt(
    now,
    `insert into call_logs (vapi_assistant_id, vapi_call_id, status, started_at, ended_at, duration_seconds)
     select 'vapi-later-1', 'waits-' || n, 'ended', '2026-11-20 11:00+00', '2026-11-20 11:00:05+00', 5
     from generate_series(1, 400) n`,
  );
  await desk.queryAt(
    now,
    `insert into profiles (id, email, created_at) values (md5('later')::uuid, 'later', '2026-11-01 00:00+00');
     insert into user_assistants (user_id, vapi_assistant_id, name) values (md5('later')::uuid, 'vapi-later-1', 'Later')`,
  );
  expect(await dead()).toBe(400);
  await killAgain(
    desk,
    ['jobs', 'adopt-retry', '--batch-size', '5', '--if-locked', 'wait', '--as-of', later],
    dead,
    async () => {},
  );
  expect(await desk.at(later).run('jobs', 'adopt-retry', '--if-locked', 'wait')).toMatchObject({ code: 0 });
  expect(await dead()).toBe(0);
  await expectOnce();
});

test('killed at any moment, a retry takes rows whose keys have changed once, under their new keys', async () => {
  const dead = async () => (await desk.query('select from quota.adopt_dead')).length;
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query('select from quota.subscriptions for no key update');
    await desk.queryAt(now, changeKeys('held', 200));
    await holder.query('rollback');
  });
  expect(await dead()).toBe(400);
  await killAgain(
    desk,
    ['jobs', 'adopt-retry', '--batch-size', '5', '--if-locked', 'wait', '--as-of', later],
    dead,
    async (kill) => {
      await breakOff(changeKeys(`broken-off-again-${kill}`, 5));
      await desk.queryAt(now, changeKeys(`again-${kill}`, 5));
    },
  );
  expect(await desk.at(later).run('jobs', 'adopt-retry', '--if-locked', 'wait')).toMatchObject({ code: 0 });
  expect(await dead()).toBe(0);
  await expectOnce();
});
