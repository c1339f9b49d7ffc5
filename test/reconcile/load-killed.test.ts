import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import { copyTestDatabase, createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runBin, startBin } from '../run-cli.ts';
import { snapshot } from '../snapshot.ts';
import { makeMonth, vapiJson } from './made-month.ts';
import { loadMonth, writeLines } from './month-desk.ts';

const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const kills = 20;
/** On a machine that is busy with other work a run may be past where it was to be killed: then more are tried. */
const killsMax = 80;
const month = '2026-10';
const asOf = ['--as-of', '2026-11-03T00:00:00Z'];
const made = makeMonth(7, month, { users: 30, calls: 6_000 });
const scratch = mkdtempSync(join(tmpdir(), 'quota-killed-load-'));
const lines = made.lines.map(vapiJson);
const first = writeLines(scratch, 'first.jsonl', lines.slice(0, 2000));
const rest = writeLines(scratch, 'rest.jsonl', lines.slice(2000));
/** The logs of a month, and an answer from the first part of its bill: what a killed run must leave as it is. */
let arranged: TestDatabase;
const used: TestDatabase[] = [];

const reconcile = (url: string, ...files: string[]) =>
  startBin(
    [
      'reconcile',
      '--month',
      month,
      ...files.flatMap((file) => ['--export', file]),
      '--verbose',
      '--json',
      ...asOf,
    ],
    { env: { DATABASE_URL: url } },
  );

async function freshDatabase(): Promise<TestDatabase> {
  const database = await copyTestDatabase(arranged);
  used.push(database);
  return database;
}

beforeAll(async () => {
  arranged = await createTestDatabase();
  used.push(arranged);
  await loadMonth(arranged, made);
  await query(arranged.url, 'vacuum analyze');
  expect((await reconcile(arranged.url, first).result).code).toBe(3);
});
afterAll(async () => {
  for (const database of used) {
    await database.drop();
  }
  rmSync(scratch, { recursive: true });
});

const answerOf = (stdout: string) => {
  const { id: _, auditId: __, ...answer } = JSON.parse(stdout);
  return answer;
};

/** The server ends what a dead client began by itself. */
const sessionsEnd = (url: string) =>
  expect
    .poll(
      () =>
        query(
          url,
          'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = $1',
          ['client backend'],
        ),
      {
        timeout: 20_000,
        interval: 20,
      },
    )
    .toEqual([]);

/** All rows; a number that a sequence has given is gone, as with every transaction that is rolled back. */
async function rows(url: string): Promise<Record<string, string>> {
  const all = await snapshot(url);
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.endsWith('_seq')));
}

/** What the only other session of a database is doing. */
type Phase = 'load' | 'match' | 'other';

/** Watches what a run does, on one connection. */
async function withWatch<T>(url: string, use: (phase: () => Promise<Phase>) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await use(async () => {
      const active = await client.query<{ query: string }>(
        `select query from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and backend_type = 'client backend'`,
      );
      const running = active.rows[0]?.query;
      return running?.startsWith('copy quota.billing_lines')
        ? 'load'
        : running?.includes('compute_reconciliation')
          ? 'match'
          : 'other';
    });
  } finally {
    await client.end();
  }
}

/** How long each phase takes when nobody kills it. */
function measurePhases(url: string): Promise<Record<Phase, number>> {
  return withWatch(url, async (phase) => {
    const lengths: Record<Phase, number> = { load: 0, match: 0, other: 0 };
    let isRunning = true;
    const run = reconcile(url, rest).result.finally(() => {
      isRunning = false;
    });
    for (let last = performance.now(); isRunning; ) {
      const found = await phase();
      const now = performance.now();
      lengths[found] += now - last;
      last = now;
    }
    expect((await run).code).toBe(3);
    return lengths;
  });
}

/** Kills a run so long after it entered a phase; what it was doing at that moment, or null if it had finished. */
function killIn(url: string, wanted: Phase, afterMs: number): Promise<Phase | null> {
  return withWatch(url, async (phase) => {
    let isRunning = true;
    const run = reconcile(url, rest);
    const result = run.result.finally(() => {
      isRunning = false;
    });
    while (isRunning && (await phase()) !== wanted) {}
    await delay(afterMs);
    const found = await phase();
    run.kill('SIGKILL');
    const { code, stdout } = await result;
    return code === null && stdout === '' ? found : null;
  });
}

/** Rows that belong to nothing, and tables that nobody knows. */
const orphans = (url: string) =>
  query(
    url,
    `select 'line' as what from quota.billing_lines l
       where not exists (select 1 from quota.billing_exports e where e.id = l.export_id)
     union all select 'export' from quota.billing_exports e
       where e.lines <> (select count(*) from quota.billing_lines l where l.export_id = e.id)
     union all select 'unattached export' from quota.billing_exports e
       where not exists (select 1 from quota.reconciliation_exports x where x.export_id = e.id)
     union all select 'item' from quota.reconciliation_items i
       where not exists (select 1 from quota.reconciliations r where r.id = i.reconciliation_id)
     union all select 'item without its line' from quota.reconciliation_items i
       where i.export_id is not null
         and not exists (select 1 from quota.billing_lines l where l.export_id = i.export_id and l.line = i.line)
     union all select 'discrepancy' from quota.discrepancies d
       where d.is_current and d.export_id is not null and not exists (
         select 1 from quota.reconciliation_items i
         where i.reconciliation_id = d.reconciliation_id and i.export_id = d.export_id and i.line = d.line and i.kind = d.kind)
     union all select 'table ' || c.oid::regclass from pg_class c
       where c.relkind = 'r' and c.relpersistence = 't'
     union all select 'fetch' from quota.export_fetches`,
  );

const doctor = async (url: string) => {
  const { code, stdout } = await runBin(['doctor', '--json', ...asOf], { env: { DATABASE_URL: url } });
  return { code, report: JSON.parse(stdout) };
};

test(`killed ${kills} times while it loads and matches, a run leaves nothing behind, and the next gives the same answer`, async () => {
  const clean = await freshDatabase();
  const lengths = await measurePhases(clean.url);
  const expected = answerOf((await reconcile(clean.url).result).stdout);

  let database = await freshDatabase();
  let before = await rows(database.url);
  const hits: Record<string, number> = {};
  const hitsOf = (phase: 'load' | 'match') => hits[phase] ?? 0;
  const isEnough = () => hitsOf('load') >= kills / 4 && hitsOf('match') >= kills / 4;
  for (let kill = 0; kill < kills || (!isEnough() && kill < killsMax); kill += 1) {
    const wanted = kill % 2 === 0 ? 'load' : 'match';
    const hit = await killIn(database.url, wanted, lengths[wanted] * chance(seed, 'kill', kill) * 0.7);
    hits[hit ?? 'late'] = (hits[hit ?? 'late'] ?? 0) + 1;
    await sessionsEnd(database.url);
    const after = await rows(database.url);
    if (after.billing_exports === before.billing_exports) {
      expect(after).toEqual(before);
    } else {
      // Too late: the transaction was committed, and its answer must be whole.
      expect(await orphans(database.url)).toEqual([]);
      database = await freshDatabase();
      before = await rows(database.url);
    }
  }
  expect(isEnough(), JSON.stringify(hits)).toBe(true);

  const { code, stdout } = await reconcile(database.url, rest).result;
  expect(code).toBe(3);
  expect(answerOf(stdout)).toEqual(expected);
  expect(await orphans(database.url)).toEqual([]);
  expect(await doctor(database.url)).toEqual(await doctor(clean.url));
}, 400_000);
