import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { killAgain } from './kill-again.ts';
import { remoteMapping, SourceDatabase } from './source-database.ts';

const desk = useDesk();
let source: SourceDatabase;
const env = () => ({ QUOTA_SOURCE_URL: source.url });

beforeAll(async () => {
  source = await SourceDatabase.create();
});
afterAll(() => source.drop());

const newCalls = (name: string, count: number) =>
  source.query(
    `insert into shop.phone_calls (member_id, vapi_call, began, seconds)
     select 'm' || 1 + n % 20, '${name}-' || n, '2026-11-20 09:00', '6' from generate_series(1, ${count}) n`,
  );
/** How far it is, whatever it is at. */
const progress = async () => {
  const [made] = await desk.query<{ made: number }>(
    `select (count(*) + (select sum(followed_rows + backfilled_rows) from quota.adopt_sources))::int as made
     from quota.adopt_links`,
  );
  return made?.made ?? 0;
};

async function expectOnce(): Promise<void> {
  expect(await desk.with({ env: env() }).answer('adopt', 'verify', 'shop')).toMatchObject({
    code: 0,
    data: { differing: 0, waiting: 0, unfinished: [] },
  });
  const [app] = await source.query(
    'select count(*)::int as rows from shop.phone_calls where deleted_at is null',
  );
  const [counted] = await desk.query(
    `select (select count(*) from quota.call_logs)::int as logs,
       (select count(distinct call_log_id) from quota.adopt_links)::int as links`,
  );
  expect(counted).toEqual({ logs: app?.rows, links: app?.rows });
  expect(await desk.differences()).toEqual([]);
}

test('killed at any moment while the app writes, a backfill and a look count each row of another database once', async () => {
  const at = desk.with({ env: env() });
  await at.json('adopt', 'attach', desk.write('shop.yaml', remoteMapping), '--yes');
  await killAgain(at, ['adopt', 'backfill', 'shop', '--yes', '--batch-size', '20'], progress, (kill) =>
    newCalls(`while-${kill}`, 3),
  );
  await at.json('adopt', 'backfill', 'shop', '--yes');
  await newCalls('since', 400);
  await killAgain(
    at,
    ['jobs', 'adopt-follow', '--page-rows', '20', '--if-locked', 'wait'],
    progress,
    async (kill) => {
      await newCalls(`then-${kill}`, 30);
      await source.query(`update shop.phone_calls set seconds = '7' where id % 50 = ${kill}`);
    },
  );
  expect(await at.run('jobs', 'adopt-follow', '--if-locked', 'wait')).toMatchObject({ code: 0 });
  await expectOnce();
});
