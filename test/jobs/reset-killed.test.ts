import { beforeAll, expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import { useDesk } from '../desk/desk.ts';
import { strike } from '../desk/strike.ts';
import { arrangeDueUsers, selectResetErrors, selectWrongQuotas } from './due-users.ts';

const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const users = 3000;
const kills = 50;
/** Whenever everybody is done, time goes on to the next of these. */
const instants = Array.from({ length: 36 }, (_, month) =>
  new Date(Date.UTC(2026, 11 + month, 15)).toISOString(),
);

const desk = useDesk();
beforeAll(() => arrangeDueUsers(desk.url, users));

const start = (asOf: string, ...words: string[]) =>
  desk.at(asOf).start('jobs', 'reset-anniversaries', '--json', ...words);

async function countDue(asOf: string): Promise<number> {
  const [row] = await desk.query<{ due: number }>(
    'select count(*)::integer as due from quota.subscriptions where next_reset_at <= $1',
    [asOf],
  );
  return row?.due ?? 0;
}

/** The record of the run that is going on, or was when it was killed. */
async function running(): Promise<{ id: string; done: number } | undefined> {
  const [run] = await desk.query<{ id: string; done: number }>(
    `select id, coalesce((counts->>'done')::integer, 0) as done from quota.job_runs
     where status = 'running' order by started_at desc limit 1`,
  );
  return run;
}

test('killed 50 times while it works, a clean run makes it whole: each period closed once, one audit row per reset', async () => {
  let month = 0;
  let earlier: string | undefined;
  const found = await strike({
    kills,
    start: async () => {
      earlier = (await running())?.id;
      month += (await countDue(instants[month] ?? '')) === 0 ? 1 : 0;
      return start(instants[month] ?? '', '--batch-size', '40');
    },
    // After its first line, after some batches, or in the midst of one.
    isDue: async (attempt) => {
      const run = await running();
      if (run === undefined || run.id === earlier || run.done < 200 * chance(seed, 'done', attempt)) {
        return false;
      }
      const isInBatch = async () => (await desk.sessions()).some(({ query }) => query.includes('reset_due'));
      return chance(seed, 'in batch', attempt) < 0.5 || (await isInBatch());
    },
    evidence: async () => {
      const run = await running();
      return run === undefined || run.id === earlier ? null : run.done > 0 ? 'after a batch' : 'before one';
    },
  });
  expect(found['after a batch']).toBeGreaterThan(kills / 4);

  // The server ends the last batch of a killed process by itself.
  await expect.poll(() => desk.sessions()).toEqual([]);
  const asOf = instants[month] ?? '';
  expect(await start(asOf).result).toMatchObject({ code: 0 });
  expect(await selectResetErrors(desk.url, asOf)).toEqual([]);
  expect(await selectWrongQuotas(desk.url)).toEqual([]);

  const runs = await desk.query<{ killed: number; running: number }>(
    `select count(*) filter (where status = 'abandoned')::integer as killed,
      count(*) filter (where status = 'running')::integer as running
    from quota.job_runs`,
  );
  expect(runs).toEqual([{ killed: expect.any(Number), running: 0 }]);
  expect(runs[0]?.killed).toBeGreaterThanOrEqual(kills);
});

test('what a killed run says it has done is what it has done', async () => {
  const different = await desk.query(
    `select r.id, r.status, r.counts, count(a.id) as resets
    from quota.job_runs r left join quota.audit_log a on a.run_id = r.id and a.action = 'subscription.reset'
    group by r.id having count(a.id) <> coalesce((r.counts->>'done')::integer, 0)`,
  );
  expect(different).toEqual([]);
});
