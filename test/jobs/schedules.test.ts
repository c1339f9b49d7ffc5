import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { expectationOf, schedulesOf } from '../../src/jobs/schedule.ts';
import { useDeskPerTest } from '../desk/desk.ts';

const desk = useDeskPerTest();

test.each([
  // Hourly at five past: 10:05 and 11:05 are gone by 11:06, not by 11:04.
  ['5 * * * *', '2026-10-03T09:10:00Z', '2026-10-03T11:04:00Z', null, '2026-10-03T11:05:00.000Z'],
  [
    '5 * * * *',
    '2026-10-03T09:10:00Z',
    '2026-10-03T11:06:00Z',
    '2026-10-03T10:05:00.000Z',
    '2026-10-03T12:05:00.000Z',
  ],
  // Weekly, over a month's end; a run that was late does not move the times.
  ['0 3 * * 0', '2026-10-20T07:00:00Z', '2026-10-31T00:00:00Z', null, '2026-11-01T03:00:00.000Z'],
  [
    '0 3 * * 0',
    '2026-10-20T07:00:00Z',
    '2026-11-01T03:00:01Z',
    '2026-10-25T03:00:00.000Z',
    '2026-11-08T03:00:00.000Z',
  ],
  // The 31st is not in every month.
  ['0 0 31 * *', '2026-08-31T00:00:01Z', '2026-10-30T00:00:00Z', null, '2026-10-31T00:00:00.000Z'],
])('%s, run at %s: at %s overdue since %s', async (schedule, ranAt, now, overdueSince, nextAt) => {
  expect(await expectationOf({ name: 'purge', schedule }, new Date(ranAt), new Date(now))).toEqual({
    nextAt,
    overdueSince,
  });
});

test('settings change schedules and switch jobs off; what is none is refused', async () => {
  const jobs = [
    { name: 'purge', schedule: '0 3 * * 0' },
    { name: 'reap-stale', schedule: '*/10 * * * *' },
  ];
  expect([...(await schedulesOf(jobs, { purge: 'off' }))]).toEqual([
    ['purge', 'off'],
    ['reap-stale', '*/10 * * * *'],
  ]);
  for (const wrong of [{ purge: 'sometimes' }, { purge: '61 * * * *' }, { prune: 'off' }]) {
    await expect(schedulesOf(jobs, wrong)).rejects.toMatchObject({ exitCode: 78 });
  }
  expect(await desk.with({ env: { QUOTA_SCHEDULES: 'purge off' } }).run('jobs', 'list')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('QUOTA_SCHEDULES'),
  });
});

/** As if everything that is recorded of jobs had happened so much earlier. */
const age = (interval: string) =>
  desk.query('update quota.job_runs set started_at = started_at - $1::interval', [interval]);

test('a job that nobody runs any more is told by the list, by its exit code and by the doctor', async () => {
  await desk.json('jobs', 'reap-stale');
  const [fresh] = await overdueOf();
  expect(fresh).toBeUndefined();
  expect((await desk.run('jobs', 'list', '--check')).code).toBe(0);

  await age('25 minutes');
  const overdue = await overdueOf();
  // Others have never run: they are expected since somebody runs jobs here. Twice an hour has not passed.
  expect(overdue).toEqual(['enforce-limits', 'sync-limits', 'reap-stale', 'adopt-retry']);
  const checked = await desk.run('jobs', 'list', '--check');
  expect(checked).toMatchObject({ code: 3, stderr: expect.stringContaining('reap-stale is overdue') });
  const doctor = await desk.answer('doctor');
  expect(doctor).toMatchObject({ code: 0, data: { ok: true } });
  const check = doctor.data.checks.find((one: { check: string }) => one.check === 'schedules');
  expect(check).toMatchObject({ level: 'attention', count: 4 });
  expect(check.findings[2]).toMatchObject({ job: 'reap-stale', schedule: '*/10 * * * *' });

  const relaxed = desk.with({
    env: {
      QUOTA_SCHEDULES: 'reap-stale=0 * * * *; enforce-limits=off;adopt-retry=off;sync-limits=0 4 * * *',
    },
  });
  expect((await relaxed.run('jobs', 'list', '--check')).code).toBe(0);
});

async function overdueOf(): Promise<string[]> {
  const list: { name: string; overdueSince: string | null }[] = (await desk.answer('jobs', 'list')).data;
  return list.filter(({ overdueSince }) => overdueSince !== null).map(({ name }) => name);
}

test('where no job has ever run nothing is expected, but in production', async () => {
  await desk.query(`update quota.schema_migrations set migration_time = migration_time - interval '3 hours'`);
  expect(await overdueOf()).toEqual([]);
  const production = desk.with({ env: { QUOTA_ENV: 'production' } });
  const list = (await production.answer('jobs', 'list')).data as { name: string; overdueSince: string }[];
  const overdue = list.filter(({ overdueSince }) => overdueSince !== null).map(({ name }) => name);
  expect(overdue).toContain('reset-anniversaries');
  expect(overdue).not.toContain('sync-cache'); // There is no Redis.
});

test('a job that is switched off does nothing and says so, with --quiet not even that', async () => {
  const off = desk.with({ env: { QUOTA_SCHEDULES: 'reap-stale=off' } });
  expect(await off.run('jobs', 'reap-stale')).toEqual({
    code: 0,
    stdout: '',
    stderr: 'reap-stale is switched off by QUOTA_SCHEDULES\n',
  });
  expect(await off.run('jobs', 'run', 'reap-stale', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await desk.query('select from quota.job_runs')).toEqual([]);
});

test('a run that has nothing to do says nothing with --quiet, and its JSON all the same', async () => {
  expect(await desk.run('jobs', 'reap-stale', '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await desk.json('jobs', 'reap-stale')).toMatchObject({ done: 0 });
});

test('a job without its settings is refused each time, kept in the history once, and said once to cron', async () => {
  const first = await desk.run('jobs', 'raise-alerts', '--quiet');
  expect(first).toMatchObject({ code: 78, stderr: expect.stringContaining('QUOTA_ALERT_URL') });
  expect(await desk.run('jobs', 'raise-alerts', '--quiet')).toEqual({ code: 78, stdout: '', stderr: '' });
  expect(await desk.run('jobs', 'raise-alerts')).toMatchObject({ code: 78, stderr: first.stderr });
  expect(await desk.query('select job, status, counts, error from quota.job_runs')).toEqual([
    { job: 'raise-alerts', status: 'failed', counts: { refused: 3 }, error: expect.any(String) },
  ]);
});

test('what another run of the job keeps from starting waits, is skipped or fails, as asked', async () => {
  await desk.session(async (client) => {
    const { withAdvisoryLock } = await import('../../src/db/advisory-lock.ts');
    await withAdvisoryLock(
      client,
      'job reap-stale',
      async () => {
        expect((await desk.run('jobs', 'reap-stale')).code).toBe(75);
        expect(await desk.run('jobs', 'reap-stale', '--if-locked', 'skip', '-q')).toEqual({
          code: 0,
          stdout: '',
          stderr: '',
        });
        const bounded = ['--if-locked', 'wait', '--max-duration', '1s'];
        expect((await desk.run('jobs', 'reap-stale', ...bounded)).code).toBe(75);
      },
      { mode: 'try' },
    );
    expect(await desk.query('select from quota.job_runs')).toEqual([]);
  });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await desk.session(async (client) => {
    const { withAdvisoryLock } = await import('../../src/db/advisory-lock.ts');
    let waiting: ReturnType<typeof desk.json> | undefined;
    await withAdvisoryLock(
      client,
      'job reap-stale',
      async () => {
        waiting = desk.json('jobs', 'reap-stale', '--if-locked', 'wait');
        // It has asked for the lock, and was refused.
        await expect
          .poll(async () => (await desk.sessions()).some(({ query }) => query.includes('job_runs')))
          .toBe(true);
        release();
        await held;
      },
      { mode: 'try' },
    );
    expect(await waiting).toMatchObject({ done: 0 });
  });
});

/** A monitor that answers with a code, and keeps what it was told. */
async function openMonitor(code = 200) {
  const told: { path: string; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      told.push({ path: request.url ?? '', body });
      response.writeHead(code).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => new Promise((resolve) => server.close(resolve)));
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
});

test('a monitor hears of start and success, of failure, and of what is to be repeated', async () => {
  const { told, url } = await openMonitor();
  await desk.with({ env: { QUOTA_PING_URL: `${url}/key/{job}?create=1` } }).json('jobs', 'reap-stale');
  expect(told.splice(0)).toEqual([
    { path: '/key/reap-stale/start?create=1', body: '' },
    { path: '/key/reap-stale?create=1', body: 'nothing due' },
  ]);

  expect((await desk.run('jobs', 'raise-alerts', '--ping-url', `${url}/uuid`)).code).toBe(78);
  expect(told.splice(0)).toEqual([{ path: '/uuid/fail', body: expect.stringContaining('alerts') }]);

  await desk.query('drop table quota.concurrent_processing cascade');
  expect((await desk.run('jobs', 'reap-stale', '--ping-url', `${url}/uuid/`)).code).not.toBe(0);
  expect(told.splice(0).map(({ path }) => path)).toEqual(['/uuid/start', '/uuid/fail']);
});

test('a monitor that is away, or angry, changes nothing but a warning that keeps its key', async () => {
  const { url } = await openMonitor(500);
  const angry = await desk.run('jobs', 'reap-stale', '--ping-url', `${url}/sesame-open`);
  expect(angry).toMatchObject({ code: 0, stderr: expect.stringContaining('answered 500') });
  const away = await desk.run('jobs', 'reap-stale', '--ping-url', 'http://127.0.0.1:9/sesame-open');
  expect(away).toMatchObject({ code: 0, stderr: expect.stringMatching(/127\.0\.0\.1:9 was not told: /) });
  expect(angry.stderr + away.stderr).not.toContain('sesame');
  const wrong = await desk.run('jobs', 'reap-stale', '--ping-url', 'sesame-open');
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).not.toContain('sesame');
});
