import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runBin, startBin } from '../run-cli.ts';
import { arrangeDueUsers, selectResetErrors, selectWrongQuotas } from './due-users.ts';

const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const users = 3000;
const kills = 50;
/** Whenever everybody is done, time goes on to the next of these. */
const instants = Array.from({ length: 36 }, (_, month) =>
  new Date(Date.UTC(2026, 11 + month, 15)).toISOString(),
);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await arrangeDueUsers(database.url, users);
});
afterAll(() => database.drop());

const env = () => ({ DATABASE_URL: database.url });
const args = (asOf: string) => ['jobs', 'reset-anniversaries', '--as-of', asOf, '--json'];

async function countDue(asOf: string): Promise<number> {
  const [row] = await query<{ due: number }>(
    database.url,
    'select count(*)::integer as due from quota.subscriptions where next_reset_at <= $1',
    [asOf],
  );
  return row?.due ?? 0;
}

test('killed 50 times at any moment, a clean run makes it whole: each period closed once, one audit row per reset', async () => {
  const started = performance.now();
  await runBin(['jobs', 'list'], { env: env() });
  const startMs = performance.now() - started;
  let month = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    if ((await countDue(instants[month] ?? '')) === 0) {
      month += 1;
    }
    const run = startBin([...args(instants[month] ?? ''), '--batch-size', '40'], { env: env() });
    await delay(startMs * (0.3 + 1.4 * chance(seed, 'kill', kill)));
    run.kill('SIGKILL');
    await run.result;
  }

  // The server ends the last batch of a killed process by itself.
  const locks = `select 1 as held from pg_locks join pg_database d on d.oid = database
    where locktype = 'advisory' and d.datname = current_database()`;
  await expect.poll(() => query(database.url, locks), { timeout: 10_000 }).toEqual([]);
  const asOf = instants[month] ?? '';
  const clean = await runBin(args(asOf), { env: env() });
  expect(clean).toMatchObject({ code: 0 });
  expect(await selectResetErrors(database.url, asOf)).toEqual([]);
  expect(await selectWrongQuotas(database.url)).toEqual([]);

  const [runs] = await query<{ killed: number; doing: number; running: number }>(
    database.url,
    `select count(*) filter (where status = 'abandoned')::integer as killed,
      count(*) filter (where status = 'abandoned' and (counts->>'done')::integer > 0)::integer as doing,
      count(*) filter (where status = 'running')::integer as running
    from quota.job_runs`,
  );
  expect(runs?.running).toBe(0);
  expect(runs?.killed).toBeGreaterThan(kills / 10);
  expect(runs?.doing).toBeGreaterThan(0);
}, 180_000);

test('what a killed run says it has done is what it has done', async () => {
  const different = await query(
    database.url,
    `select r.id, r.status, r.counts, count(a.id) as resets
    from quota.job_runs r left join quota.audit_log a on a.run_id = r.id and a.action = 'subscription.reset'
    group by r.id having count(a.id) <> coalesce((r.counts->>'done')::integer, 0)`,
  );
  expect(different).toEqual([]);
});
