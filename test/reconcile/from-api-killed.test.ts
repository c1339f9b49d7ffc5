import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { startBin } from '../run-cli.ts';
import { snapshot } from '../snapshot.ts';
import {
  type ApiDesk,
  callsOfMonth,
  fetchLine,
  makeApiMonth,
  month,
  openApiDesk,
  reconcileFile,
} from './api-month.ts';
import { writeLines } from './month-desk.ts';

const scratch = mkdtempSync(join(tmpdir(), 'quota-killed-fetch-'));
const { made, calls } = makeApiMonth(12, 2600);
const own = callsOfMonth(calls);
/** The newest that each request for a page asked for. */
const asked: string[] = [];
let desk: ApiDesk;

beforeEach(async () => {
  asked.length = 0;
  desk = await openApiDesk(
    { made, calls },
    {
      latencyMs: 30,
      onRequest: ({ path, query }) => {
        if (path === '/call' && !query.has('updatedAtGe')) {
          asked.push(query.get('createdAtLe') ?? '');
        }
      },
    },
  );
});
afterEach(() => desk.drop());
afterAll(() => rmSync(scratch, { recursive: true }));

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

/** Starts the bin and sends a signal when it has asked for `pages` pages more. */
async function interrupt(signal: NodeJS.Signals, pages: number) {
  const until = asked.length + pages;
  const run = startBin(fetchLine, { env: desk.env });
  await expect.poll(() => asked.length, { interval: 5 }).toBeGreaterThanOrEqual(until);
  run.kill(signal);
  const result = await run.result;
  await lockIsFree();
  return result;
}

async function expectSameAsFile(stdout: string): Promise<void> {
  const file = writeLines(
    scratch,
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
  const counts: number[] = [];
  for (const pages of [6, 4, 6, 4]) {
    expect(await interrupt('SIGKILL', pages)).toMatchObject({ code: null, stdout: '' });
    counts.push(await kept());
    expect(await desk.query('select 1 from quota.billing_exports')).toEqual([]);
  }
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts).toEqual([...counts].sort((one, other) => one - other));
  expect(counts.at(-1)).toBeGreaterThan(counts[0] ?? 0);
  const last = await startBin([...fetchLine, '--verbose'], { env: desk.env }).result;
  expect(last.stderr).toContain(`going on with the fetch of ${month}`);
  await expectSameAsFile(last.stdout);
  // A page may be asked for twice, once per kill; only the first run begins at the end of the month.
  expect(asked.length).toBeLessThanOrEqual(Math.ceil(calls.length / 100) + 1 + 4 * 2);
  expect(asked.filter((newest) => newest.startsWith('2026-11-01T01'))).toHaveLength(1);
}, 120_000);

test('SIGTERM ends with 143 and leaves what the next run goes on from', async () => {
  const { code, stderr } = await interrupt('SIGTERM', 3);
  expect(code).toBe(143);
  expect(stderr).not.toContain('at ');
  expect(await kept()).toBeGreaterThan(0);
  const last = await startBin(fetchLine, { env: desk.env }).result;
  await expectSameAsFile(last.stdout);
}, 60_000);

test('what another organisation fetched, or a day ago, is not gone on with', async () => {
  await interrupt('SIGKILL', 3);
  await desk.query(`update quota.export_fetches set origin = 'https://elsewhere'`);
  const anew = await startBin(fetchLine, { env: desk.env }).result;
  expect(anew.stderr).not.toContain('going on');
  await expectSameAsFile(anew.stdout);

  await interrupt('SIGKILL', 3);
  await desk.query(`update quota.export_fetches set started_at = started_at - interval '25 hours'`);
  const before = await snapshot(desk.url);
  expect((await desk.fetch('--dry-run')).code).toBe(3);
  expect(await snapshot(desk.url)).toEqual(before);
  const later = await startBin(fetchLine, { env: desk.env }).result;
  expect(later.stderr).not.toContain('going on');
  expect(JSON.parse(later.stdout).auditId).toBeNull();
}, 60_000);

test('of several at once one makes the export, and the others say that it is being done or was', async () => {
  await interrupt('SIGKILL', 20);
  const results = await Promise.all(
    [0, 150, 300, 450].map(async (ms) => {
      await delay(ms);
      return startBin(fetchLine, { env: desk.env }).result;
    }),
  );
  const codes = results.map(({ code }) => code);
  expect(codes.filter((code) => code !== 3 && code !== 75)).toEqual([]);
  const done = results.filter(({ code }) => code === 3);
  expect(done.length).toBeGreaterThan(0);
  for (const { stdout } of done) {
    await expectSameAsFile(stdout);
  }
  expect(await desk.query('select 1 from quota.billing_exports')).toHaveLength(1);
}, 60_000);
