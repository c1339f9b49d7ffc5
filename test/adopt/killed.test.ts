import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDesk({ asOf: now });
/** QUOTA_TEST_ADOPT_KILLS=20: how often it was killed at first. */
const kills = Number(process.env.QUOTA_TEST_ADOPT_KILLS ?? 4);

test('killed at any moment while the app writes, a backfill counts each row once', async () => {
  await desk.queryAt(now, productTables('voice-matrix', 60));
  await desk.json('adopt', 'attach', 'voice-matrix', '--yes');
  let reached = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const run = desk.start('adopt', 'backfill', 'voice-matrix', '--yes', '--batch-size', '20');
    const from = reached;
    let isOver = false;
    const ended = run.result.then(() => {
      isOver = true;
    });
    await expect
      .poll(
        async () => {
          const [counted] = await desk.query('select count(*)::int as rows from quota.adopt_links');
          reached = counted?.rows;
          return isOver || reached > from + ((kill * 13) % 60);
        },
        { interval: 2 },
      )
      .toBe(true);
    run.kill('SIGKILL');
    await ended;
    await desk.queryAt(
      now,
      `insert into call_logs (vapi_assistant_id, vapi_call_id, status, started_at, ended_at, duration_seconds)
       values ('vapi-${kill + 1}-1', 'while-${kill}', 'ended', '2026-11-20 11:00+00', '2026-11-20 11:00:05+00', 5)`,
    );
  }
  await desk.json('adopt', 'backfill', 'voice-matrix', '--yes');
  expect(await desk.answer('adopt', 'verify', 'voice-matrix')).toMatchObject({
    code: 0,
    data: { differing: 0, waiting: 0, unfinished: [] },
  });
  const [counted] = await desk.query(
    `select (select count(*) from call_logs)::int as rows, (select count(*) from quota.call_logs)::int as logs,
       (select count(distinct call_log_id) from quota.adopt_links)::int as links`,
  );
  expect(counted).toEqual({ rows: counted?.rows, logs: counted?.rows, links: counted?.rows });
  expect(await desk.differences()).toEqual([]);
});
