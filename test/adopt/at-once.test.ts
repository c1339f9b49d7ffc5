import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { voiceMapping } from './voice-mapping.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now }, async (model) => {
  await model.queryAt(now, readFileSync('fixtures/adopt/voice-app.sql', 'utf8'));
  await model.json('adopt', 'attach', model.write('shop.yaml', voiceMapping), '--yes');
});

async function expectAgreement(): Promise<void> {
  await desk.queryAt('2026-11-20T14:00:00Z', 'select * from quota.retry_dead(1000)');
  const { code, data } = await desk.answer('adopt', 'verify', 'shop');
  expect({ code, ...data }).toMatchObject({ code: 0, differing: 0, waiting: 0, differences: [] });
  expect(await desk.differences()).toEqual([]);
  const [counted] = await desk.query(
    `select (select count(*) from shop.phone_calls where deleted_at is null)::int as rows,
       (select count(*) from quota.call_logs)::int as logs,
       (select count(*) from quota.adopt_links where call_log_id is not null)::int as links`,
  );
  expect(counted).toMatchObject({ logs: counted?.rows, links: counted?.rows });
}

/** One client of the app: it writes to rows of the past and makes new ones until it is told to stop. */
async function client(number: number, isOver: () => boolean): Promise<number> {
  let written = 0;
  for (; !isOver(); written += 1) {
    const row = 1 + ((number * 131 + written * 17) % 600);
    const statements = [
      `insert into shop.phone_calls (member_id, vapi_call, state, began) values ('m${1 + (written % 20)}', 'c-${number}-${written}', 'running', '2026-11-20 10:00')`,
      `update shop.phone_calls set state = 'ended', ended = began + interval '9 seconds', seconds = '9' where vapi_call = 'c-${number}-${written - 1}'`,
      `update shop.phone_calls set seconds = '${written % 50}' where id = ${row}`,
      `update shop.phone_calls set member_id = 'm${1 + (row % 20)}' where id = ${row}`,
      `update shop.phone_calls set deleted_at = case when deleted_at is null then began end where id = ${row}`,
      `delete from shop.phone_calls where id = ${row} and id % 5 = 0`,
    ];
    await desk.queryAt(now, statements[written % statements.length] ?? '');
  }
  return written;
}

test('what the app writes while a backfill runs is counted once', async () => {
  let isOver = false;
  const clients = Promise.all([1, 2, 3, 4].map((number) => client(number, () => isOver)));
  await desk.json('adopt', 'backfill', 'shop', '--yes', '--batch-size', '20');
  await desk.json('adopt', 'backfill', 'shop', '--again', '--yes', '--batch-size', '50');
  isOver = true;
  expect(Math.min(...(await clients))).toBeGreaterThan(0);
  await expectAgreement();
});

test('killed again and again, a backfill goes on where it was, and counts once', async () => {
  for (let kill = 1; kill <= 8; kill += 1) {
    const run = desk.start('adopt', 'backfill', 'shop', '--yes', '--batch-size', '5', '--quiet');
    await desk.untilRunning('quota.backfill_source');
    run.kill('SIGKILL');
    await run.result;
  }
  const [{ rows = 0 } = {}] = await desk.query<{ rows: number }>(
    `select backfilled_rows::int as rows from quota.adopt_sources where name = 'members'`,
  );
  expect(rows).toBeGreaterThan(0);
  expect(rows).toBeLessThanOrEqual(20);
  await desk.json('adopt', 'backfill', 'shop', '--yes');
  await expectAgreement();
});
