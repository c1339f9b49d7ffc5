import { beforeEach, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { strike } from '../desk/strike.ts';
import { ApiDesk, callsOfMonth, fetchLine, makeApiMonth, month, reconcileFile } from './api-month.ts';

const { made, calls } = makeApiMonth(12, 2600);
const own = callsOfMonth(calls);
/** The newest that each request for a page asked for. */
const asked: string[] = [];
const desk = perTest(
  new ApiDesk(
    { made, calls },
    {
      latencyMs: 30,
      onRequest: ({ path, query }) => {
        if (path === '/call' && !query.has('updatedAtGe')) {
          asked.push(query.get('createdAtLe') ?? '');
        }
      },
    },
  ),
);
beforeEach(() => {
  asked.length = 0;
});

const start = (...words: string[]) => desk.start(...fetchLine, '--json', ...words);

const kept = async () => {
  const [row] = await desk.query<{ count: number }>(
    'select count(*)::integer as count from quota.fetched_calls',
  );
  return row?.count ?? 0;
};

/** A dead client's lock goes as soon as the server notices. */
const lockIsFree = () =>
  expect
    .poll(() =>
      desk.query(`select 1 from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and d.datname = current_database()`),
    )
    .toEqual([]);

/** Kills a fetch each time that it has asked for so many pages more; how many calls were kept after each. */
async function kill(...pages: number[]): Promise<number[]> {
  const counts: number[] = [];
  let until = 0;
  await strike({
    kills: pages.length,
    start: (attempt) => {
      until = asked.length + (pages[attempt] ?? 1);
      return start();
    },
    isDue: () => asked.length >= until,
    evidence: async () => {
      await lockIsFree();
      counts.push(await kept());
      return (await desk.query('select 1 from quota.export_fetches')).length > 0 ? 'fetching' : null;
    },
  });
  return counts;
}

async function expectSameAsFile(stdout: string): Promise<void> {
  const file = desk.write(
    'month.jsonl',
    own.map((call) => JSON.stringify(call)),
  );
  const { kinds, totals, exports, control } = JSON.parse(stdout);
  expect({ kinds, totals }).toEqual(await reconcileFile(made, file));
  expect(exports).toMatchObject([{ source: 'vapi:api', lines: own.length }]);
  expect(control.agrees).toBe(true);
  expect(await desk.query('select 1 from quota.export_fetches')).toEqual([]);
  expect(await kept()).toBe(0);
}

test('killed again and again, each run goes on where the last one stood, and the end is the same', async () => {
  const counts = await kill(6, 4, 6, 4);
  expect(await desk.query('select 1 from quota.billing_exports')).toEqual([]);
  expect(counts).toEqual([...counts].sort((one, other) => one - other));
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts.at(-1)).toBeGreaterThan(counts[0] ?? 0);
  const last = await start('--verbose').result;
  expect(last.stderr).toContain(`going on with the fetch of ${month}`);
  await expectSameAsFile(last.stdout);
  // A page may be asked for twice, once per kill; only the first run begins at the end of the month.
  expect(asked.length).toBeLessThanOrEqual(Math.ceil(calls.length / 100) + 1 + 4 * 2);
  expect(asked.filter((newest) => newest.startsWith('2026-11-01T01'))).toHaveLength(1);
});

test('SIGTERM ends with 143 and leaves what the next run goes on from', async () => {
  const run = start();
  await expect.poll(() => asked.length, { interval: 5 }).toBeGreaterThanOrEqual(3);
  run.kill('SIGTERM');
  const { code, stderr } = await run.result;
  expect(code).toBe(143);
  expect(stderr).not.toContain('at ');
  expect(await kept()).toBeGreaterThan(0);
  const last = await start().result;
  await expectSameAsFile(last.stdout);
});

test('what another organisation fetched, or a day ago, is not gone on with', async () => {
  await kill(3);
  await desk.query(`update quota.export_fetches set origin = 'https://elsewhere'`);
  const anew = await start().result;
  expect(anew.stderr).not.toContain('going on');
  await expectSameAsFile(anew.stdout);

  await kill(3);
  await desk.query(`update quota.export_fetches set started_at = started_at - interval '25 hours'`);
  const before = await desk.snapshot();
  expect((await desk.fetch('--dry-run')).code).toBe(3);
  expect(await desk.snapshot()).toEqual(before);
  const later = await start().result;
  expect(later.stderr).not.toContain('going on');
  expect(JSON.parse(later.stdout).auditId).toBeNull();
});

test('of several at once one makes the export, and the others say that it is being done or was', async () => {
  await kill(20);
  const together = [start(), start(), start()].map(({ result }) => result);
  await Promise.race(together);
  const results = await Promise.all([...together, start().result]);
  const codes = results.map(({ code }) => code);
  expect(codes.filter((code) => code !== 3 && code !== 75)).toEqual([]);
  const done = results.filter(({ code }) => code === 3);
  expect(done.length).toBeGreaterThan(0);
  for (const { stdout } of done) {
    await expectSameAsFile(stdout);
  }
  expect(await desk.query('select 1 from quota.billing_exports')).toHaveLength(1);
});
