import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import type { TestDatabase } from '../database.ts';
import { perFile } from '../desk/desk.ts';
import { useFolder } from '../desk/folder.ts';
import { lasting, strike } from '../desk/strike.ts';
import { makeMonth, vapiJson } from './made-month.ts';
import { MonthDesk } from './month-desk.ts';

const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const kills = 20;
const month = '2026-10';
const asOf = '2026-11-03T00:00:00Z';
const made = makeMonth(7, month, { users: 30, calls: 6_000 });
const folder = useFolder();
const lines = made.lines.map(vapiJson);
const first = folder.write('first.jsonl', lines.slice(0, 2000));
const rest = folder.write('rest.jsonl', lines.slice(2000));
/** The logs of a month, and an answer from the first part of its bill: what a killed run must leave as it is. */
const arranged = perFile(new MonthDesk({ asOf }));
let model: TestDatabase;
const opened: MonthDesk[] = [];

const reconcile = (desk: MonthDesk, ...files: string[]) =>
  desk.start('reconcile', '--month', month, ...files.flatMap((file) => ['--export', file]), '--json');

async function freshDesk(): Promise<MonthDesk> {
  const desk = await new MonthDesk({ asOf }).open(model);
  opened.push(desk);
  return desk;
}

beforeAll(async () => {
  await arranged.loadMonth(made);
  await arranged.query('vacuum analyze');
  expect((await reconcile(arranged, first).result).code).toBe(3);
  model = await arranged.rest();
});
afterAll(async () => {
  for (const desk of opened) {
    await desk.close();
  }
});

const answerOf = (stdout: string) => {
  const { id: _, auditId: __, ...answer } = JSON.parse(stdout);
  return answer;
};

/** What a run is doing. */
type Phase = 'load' | 'match' | 'other';

async function phaseOf(desk: MonthDesk): Promise<Phase> {
  const running = (await desk.sessions()).find(({ state }) => state === 'active')?.query;
  return running?.startsWith('copy quota.billing_lines')
    ? 'load'
    : running?.includes('compute_reconciliation')
      ? 'match'
      : 'other';
}

/** How long each phase takes when nobody kills it. */
async function measurePhases(desk: MonthDesk): Promise<Record<Phase, number>> {
  const lengths: Record<Phase, number> = { load: 0, match: 0, other: 0 };
  let isRunning = true;
  const run = reconcile(desk, rest).result.finally(() => {
    isRunning = false;
  });
  for (let last = performance.now(); isRunning; ) {
    const found = await phaseOf(desk);
    const now = performance.now();
    lengths[found] += now - last;
    last = now;
  }
  expect((await run).code).toBe(3);
  return lengths;
}

/** Rows that belong to nothing, and tables that nobody knows. */
const orphans = (desk: MonthDesk) =>
  desk.query(
    `select 'line' as what from quota.billing_lines l
       where not exists (select 1 from quota.billing_exports e where e.id = l.export_id)
     union all select 'export' from quota.billing_exports e
       where e.lines <> (select count(*) from quota.billing_lines l where l.export_id = e.id)
     union all select 'unattached export' from quota.billing_exports e
       where not exists (select 1 from quota.reconciliation_exports x where x.export_id = e.id)
     union all select 'item' from quota.reconciled_items i
       where not exists (select 1 from quota.reconciliations r where r.id = i.reconciliation_id)
     union all select 'item without its line' from quota.reconciled_items i
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

test(`killed ${kills} times while it loads and matches, a run leaves nothing behind, and the next gives the same answer`, async () => {
  const clean = await freshDesk();
  const lengths = await measurePhases(clean);
  const expected = answerOf((await reconcile(clean).result).stdout);

  let desk = await freshDesk();
  const before = await desk.snapshot({ sequences: false });
  const committed = () => desk.query('select id from quota.billing_exports order by id');
  const exportsBefore = await committed();
  const isCommitted = async () => !isDeepStrictEqual(await committed(), exportsBefore);
  const wanted = (attempt: number) => (attempt % 2 === 0 ? 'load' : 'match');
  const found = await strike({
    kills,
    start: async () => {
      if (await isCommitted()) {
        // The kill before came too late: the answer must be whole.
        expect(await orphans(desk)).toEqual([]);
        desk = await freshDesk();
      }
      return reconcile(desk, rest);
    },
    isDue: lasting(
      async (attempt) => (await phaseOf(desk)) === wanted(attempt),
      (attempt) => lengths[wanted(attempt)] * chance(seed, 'kill', attempt) * 0.7,
    ),
    evidence: async (attempt) => {
      await expect.poll(() => desk.sessions(), { interval: 20 }).toEqual([]);
      if (await isCommitted()) {
        return null;
      }
      expect(await desk.snapshot({ sequences: false })).toEqual(before);
      return wanted(attempt);
    },
  });
  expect(found.load).toBeGreaterThanOrEqual(kills / 4);
  expect(found.match).toBeGreaterThanOrEqual(kills / 4);

  const { code, stdout } = await reconcile(desk, rest).result;
  expect(code).toBe(3);
  expect(answerOf(stdout)).toEqual(expected);
  expect(await orphans(desk)).toEqual([]);
  expect(await desk.answer('doctor')).toEqual(await clean.answer('doctor'));
}, 400_000);
