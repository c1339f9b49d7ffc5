import { resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-12-15T00:00:00Z' });
const data = resolve('fixtures/voice-2026-10');

beforeAll(async () => {
  for (const kind of ['users', 'assistants', 'call-logs']) {
    await desk
      .at('2026-11-01T00:00:00Z')
      .json('import', kind, `${data}/${kind.replace('-', '_')}.csv`, '--yes');
  }
});

const job = ['jobs', 'reset-anniversaries', '--no-sync'];

test('each due user is reset once, months that were missed are caught up, and the next run finds nothing', async () => {
  const [before] = await desk.query<{ due: number }>(
    `select count(*)::integer as due from quota.subscriptions where next_reset_at <= '2026-12-15T00:00:00Z'`,
  );
  const report = await desk.json(...job, '--batch-size', '150');
  expect(report).toMatchObject({ due: before?.due, reset: before?.due, asOf: '2026-12-15T00:00:00.000Z' });
  expect(report.periodsCaughtUp).toBeGreaterThan(0);

  const audits =
    await desk.query(`select count(*)::integer as rows, count(distinct user_id)::integer as users, count(distinct run_id)::integer as runs
     from quota.audit_log where action = 'subscription.reset'`);
  expect(audits).toEqual([{ rows: before?.due, users: before?.due, runs: 1 }]);
  const left = await desk.query(
    `select 1 from quota.usage_quotas where period_end <= '2026-12-15T00:00:00Z' and (closed_at is null or used_at_close <> used)`,
  );
  expect(left).toEqual([]);

  const second = await desk.run(...job);
  expect(second).toMatchObject({ code: 0, stdout: 'nothing due\n' });
});

test('what was used follows from the facts after all of it', async () => {
  expect(await desk.differences()).toEqual([]);
});

test('a limited user is queued for restore by the reset, and the run counts it', async () => {
  const queued = await desk.query<{ n: number }>(
    `select count(*)::integer as n from quota.assistant_limits where desired = 'original' and status = 'pending'`,
  );
  const runs: { counts: Record<string, number>; status: string }[] = await desk.json(
    'jobs',
    'history',
    'reset-anniversaries',
  );
  expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
  expect(runs[1]?.counts.assistantsQueued).toBe(queued[0]?.n);
});

test('a run left behind by a process that died is told as abandoned', async () => {
  await desk.query(`insert into quota.job_runs (job) values ('reset-anniversaries')`);
  const { stderr } = await desk.run(...job);
  expect(stderr).toContain('an earlier run of reset-anniversaries ended without a word');
  const [run] = await desk.query(
    `select count(*)::integer as n from quota.job_runs where status = 'abandoned'`,
  );
  expect(run).toEqual({ n: 1 });
});

test('nobody is reset before it is time, also not when asked for by name', async () => {
  const [next] = await desk.query<{ user: string; before: string; due: string }>(
    `select user_id as user, (next_reset_at - interval '1 second')::text as before, next_reset_at::text as due
     from quota.subscriptions order by next_reset_at, user_id limit 1`,
  );
  const { user, before: tooEarly, due } = next ?? { user: '', before: '', due: '' };
  const reset = `select (quota.reset_due('signup', 10, gen_random_uuid(), $1)).reset`;
  const before = await desk.snapshot();
  expect(await desk.queryAt(tooEarly, reset, [user])).toEqual([{ reset: 0 }]);
  expect(await desk.snapshot()).toEqual(before);
  expect(await desk.queryAt(due, reset, [user])).toEqual([{ reset: 1 }]);
});
