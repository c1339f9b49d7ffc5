import { beforeAll, expect, test } from 'vitest';
import { withClient } from '../../src/db/client.ts';
import { useDesk } from '../desk/desk.ts';
import { Logins } from './logins.ts';

const desk = useDesk({ vapi: {} });
let logins: Logins;
let app = '';
beforeAll(() => {
  logins = new Logins(desk);
});
beforeAll(async () => {
  app = await logins.add('app', 'app');
});
const run = (...words: string[]) => desk.run('jobs', ...words);

/** Holds, as an app, every number that a lock is called by, at most one of each. */
async function whileHeld(numbers: readonly string[], use: () => Promise<unknown>): Promise<void> {
  await withClient(logins.url(app), async (client) => {
    for (const number of new Set(numbers)) {
      await client.query('select pg_advisory_lock($1::bigint)', [number]);
    }
    await use();
  });
}

test('an app cannot reckon the number of a lock, nor give it another', async () => {
  for (const sql of [
    `select quota.lock_key('job purge')`,
    `select quota.free_lock('job purge')`,
    'select * from quota.lock_seeds',
  ]) {
    await expect(logins.as(app, sql)).rejects.toMatchObject({ code: '42501' });
  }
  const known = await desk.query<{ number: string }>(
    `select hashtextextended('quota ' || n, 0)::text as number from unnest($1::text[]) n`,
    [['job reset-months', 'job roll-up-analytics', 'job reap-stale', 'import', 'billing export']],
  );
  await whileHeld(
    known.map(({ number }) => number),
    async () => {
      for (const job of ['reset-months', 'roll-up-analytics', 'reap-stale']) {
        expect(await run(job)).toMatchObject({ code: 0 });
      }
    },
  );
});

test('nor hold up a job by a number that it has seen, while a run keeps another one out', async () => {
  const number = async () =>
    (await desk.query<{ number: string }>(`select quota.lock_key('job reap-stale')::text as number`))[0]
      ?.number ?? '';
  const seen = await number();
  await whileHeld([seen], async () => {
    expect(await run('reap-stale')).toMatchObject({ code: 0 });
    expect(await run('reset-months')).toMatchObject({ code: 0 });
  });
  expect(await number()).not.toBe(seen);
  await desk.session(async (client) => {
    await client.query(`select pg_advisory_lock(quota.lock_key('job reap-stale'))`);
    expect(await run('reap-stale')).toMatchObject({ code: 75 });
  });
  expect(await run('reap-stale')).toMatchObject({ code: 0 });
});

test('the numbers differ from database to database, and those of keys of calls are nobody else’s', async () => {
  await desk.session(async (recorder) => {
    await recorder.query('begin');
    await recorder.query(`select quota.record('ada', 'voice', 'call-1', 5)`);
    const [{ held } = { held: [] }] = await desk.query<{ held: string[] }>(
      `select array_agg((classid::bigint << 32 | objid::bigint)::text) as held from pg_locks
       where locktype = 'advisory' and objsubid = 1
         and database = (select oid from pg_database where datname = current_database())`,
    );
    const [{ known } = { known: [] }] = await desk.query<{ known: string[] }>(
      `select array[hashtextextended('app call-1', 0)::text, hashtextextended('quota call-1', 0)::text,
         hashtextextended('ada call-1', 0)::text] as known`,
    );
    expect(held.length).toBeGreaterThan(0);
    expect(held.filter((number) => known.includes(number))).toEqual([]);
    await recorder.query('rollback');
  });
});
