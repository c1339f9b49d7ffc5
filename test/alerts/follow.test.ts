import { appendFileSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const waits = { timeout: 30_000, interval: 20 };

test('whoever follows tells alerts as they are raised, over a lost connection too, until it is told to end', async () => {
  const file = desk.path('told.jsonl');
  appendFileSync(file, '');
  const told = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).user.externalId);
  const run = desk
    .with({ env: { QUOTA_ALERT_COMMAND: `cat >> ${file}` } })
    .start('jobs', 'raise-alerts', '--follow', '--json');
  const listeners = async () =>
    (await desk.sessions()).filter(
      ({ application, query }) => application === 'quota' && query.includes('alert_deliveries'),
    );
  const finished = async () =>
    (await desk.query(`select from quota.job_runs where job = 'raise-alerts' and status = 'completed'`))
      .length;
  const overuse = async (externalId: string) => {
    await desk.query(`select quota.record($1, 'voice', $1, 500, p_started_at => now() - interval '9 min')`, [
      externalId,
    ]);
  };
  try {
    await desk.addUser({ externalId: 'zoe', createdAt: '2024-01-31T12:00:00Z' });
    await desk.addUser({ externalId: 'abe', createdAt: '2024-01-31T12:00:00Z' });
    await overuse('zoe');
    await expect.poll(told, waits).toEqual(['zoe']);
    // A run tells whatever is due before it ends: the next alert is to be another run's.
    await expect.poll(finished, waits).toBe(1);
    await expect.poll(async () => (await listeners()).length, waits).toBe(1);

    await overuse('abe');
    await expect.poll(told, waits).toEqual(['zoe', 'abe']);
    await expect.poll(finished, waits).toBe(2);
    await expect.poll(async () => (await listeners()).length, waits).toBe(1);

    const before = await listeners();
    await desk.query(`select pg_terminate_backend($1)`, [before[0]?.pid]);
    await expect
      .poll(
        async () => (await listeners()).map(({ pid }) => pid).filter((pid) => pid !== before[0]?.pid),
        waits,
      )
      .toHaveLength(1);
    await desk.addUser({ externalId: 'bea', createdAt: '2024-01-31T12:00:00Z' });
    await overuse('bea');
    await expect.poll(told, waits).toEqual(['zoe', 'abe', 'bea']);
    // Told is before noted: whoever ends it in between has not seen the third run's end.
    await expect.poll(finished, waits).toBe(3);
  } finally {
    run.kill('SIGTERM');
  }
  const { code, stdout } = await run.result;
  expect(code).toBe(143);
  expect(JSON.parse(stdout)).toEqual({ runs: 3 });
}, 120_000);

test('who follows looks at the limits of the day, too', async () => {
  const file = desk.path('limits.jsonl');
  appendFileSync(file, '');
  await desk.query(`select quota.set_service('', 5, null, null)`);
  await desk.query(`select quota.record('zoe', 'voice', 'dear', 1, p_cost => 7)`);
  const run = desk
    .with({ env: { QUOTA_ALERT_COMMAND: `cat >> ${file}` } })
    .start('jobs', 'raise-alerts', '--follow', '--json');
  try {
    await expect.poll(() => readFileSync(file, 'utf8'), waits).toContain('"kind":"daily_cost"');
  } finally {
    run.kill('SIGTERM');
  }
  expect((await run.result).code).toBe(143);
}, 60_000);

test('a clock that stands still cannot be followed', async () => {
  const { code } = await desk
    .with({ asOf: '2026-10-20T12:00:00Z', env: { QUOTA_ALERT_COMMAND: 'cat' } })
    .run('jobs', 'raise-alerts', '--follow');
  expect(code).toBe(2);
});
