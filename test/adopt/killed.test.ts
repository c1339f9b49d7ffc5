import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { killAgain } from './kill-again.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const later = '2026-11-20T13:00:00Z';
const desk = useDesk({ asOf: now });
const linked = async () => {
  const [counted] = await desk.query<{ rows: number }>('select count(*)::int as rows from quota.adopt_links');
  return counted?.rows ?? 0;
};

async function expectOnce(rows: string): Promise<void> {
  const [counted] = await desk.query(
    `select ${rows}::int as rows, (select count(*) from quota.call_logs)::int as logs,
       (select count(distinct call_log_id) from quota.adopt_links)::int as links`,
  );
  expect(counted).toEqual({ rows: counted?.rows, logs: counted?.rows, links: counted?.rows });
  expect(await desk.differences()).toEqual([]);
}

test('killed at any moment while the app writes, a backfill counts each row once', async () => {
  await desk.queryAt(now, productTables('voice-matrix', 60));
  await desk.json('adopt', 'attach', 'voice-matrix', '--yes');
  await killAgain(
    desk,
    ['adopt', 'backfill', 'voice-matrix', '--yes', '--batch-size', '20'],
    linked,
    (kill) =>
      desk.queryAt(
        now,
        `insert into call_logs (vapi_assistant_id, vapi_call_id, status, started_at, ended_at, duration_seconds)
         values ('vapi-${kill + 1}-1', 'while-${kill}', 'ended', '2026-11-20 11:00+00', '2026-11-20 11:00:05+00', 5)`,
      ),
  );
  await desk.json('adopt', 'backfill', 'voice-matrix', '--yes');
  expect(await desk.answer('adopt', 'verify', 'voice-matrix')).toMatchObject({
    code: 0,
    data: { differing: 0, waiting: 0, unfinished: [] },
  });
  await expectOnce('(select count(*) from call_logs)');
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
  await expectOnce('(select count(*) from call_logs)');
});
