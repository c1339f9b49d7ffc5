import { beforeAll, expect, test } from 'vitest';
import { useApp } from './app.ts';

const megabyte = 1024 * 1024;
const app = useApp('2026-11-10T12:00:00Z');
beforeAll(async () => {
  await app.addUser('may', '2026-01-31T15:30:00Z', 'Asia/Hong_Kong');
});

const check = (fields: { seconds?: number; bytes?: number }) =>
  app.call(
    `select allowed, reason, action, remaining, message, resets_at, upgrade_to
     from quota.check('may', 'transcription', p_quantity => $1, p_file_bytes => $2)`,
    [fields.seconds ?? null, fields.bytes ?? null],
  );

test('25 MB pass, a byte more is refused with the way up', async () => {
  expect(await check({ bytes: 25 * megabyte })).toMatchObject({ allowed: true });
  expect(await check({ bytes: 25 * megabyte + 1 })).toMatchObject({
    allowed: false,
    reason: 'file_too_large',
    upgrade_to: 'transcription-starter',
    message:
      'The file is larger than the 25 MB of the plan "Transcription Free". Upgrade to Transcription Starter for more.',
  });
});

test('one job at a time', async () => {
  const start = (key: string) =>
    app.call(
      `select allowed, reason, session_id from quota.start_session('may', 'transcription', $1, p_estimate => 180)`,
      [key],
    );
  const first = await start('job-1');
  expect(first).toMatchObject({ allowed: true });
  expect(await start('job-2')).toMatchObject({ allowed: false, reason: 'too_many_concurrent' });
  expect(
    await app.rows(
      `select service, can_process, active, max_concurrent from quota.check_concurrent_processing_limit('may', 'transcription')`,
    ),
  ).toEqual([{ service: 'transcription', can_process: false, active: 1, max_concurrent: 1 }]);
  await app.call('select quota.end_session($1, 300, p_cost => 0.03)', [first.session_id]);
  expect(await start('job-2')).toMatchObject({ allowed: true });
});

test('a job whose worker died frees its place when its lease ends; what it reserved counts until its end is told', async () => {
  app.at('2026-11-10T14:00:00Z');
  expect(await check({ seconds: 60 })).toMatchObject({ allowed: true, remaining: '1320.000' });
  await app.call(
    `select quota.end_session('may', 'job-2', 0, p_status => 'error', p_error => 'worker died')`,
  );
  expect(await check({ seconds: 60 })).toMatchObject({ allowed: true, remaining: '1500.000' });
});

test('30 credits of a minute each; an estimate over what is left is refused', async () => {
  expect(await check({ seconds: 1500 })).toMatchObject({ allowed: true, remaining: '1500.000' });
  expect(await check({ seconds: 1500.001 })).toMatchObject({
    allowed: false,
    reason: 'would_exceed',
    action: 'block',
  });
  await app.call(`select quota.record('may', 'transcription', 'job-3', 1500)`);
  expect(await check({})).toMatchObject({ allowed: false, reason: 'quota_exceeded' });
});

test('anniversaries are midnights of the user: signed up on the 31st, in Hong Kong', async () => {
  // 15:30 UTC was 23:30 in Hong Kong, still the 31st; November has 30 days.
  expect(await check({})).toMatchObject({ resets_at: new Date('2026-11-29T16:00:00Z') });
  app.at('2026-11-29T16:00:00Z');
  expect(await check({})).toMatchObject({
    allowed: true,
    remaining: '1800.000',
    resets_at: new Date('2026-12-30T16:00:00Z'),
  });
});

test.each([
  ['transcription-free', 30, 25, 1],
  ['transcription-starter', 150, 100, 2],
  ['transcription-pro', 500, 500, 5],
  ['transcription-enterprise', 2000, 1024, 10],
])('%s: %d credits, %d MB, %d at a time', async (plan, credits, megabytes, jobs) => {
  const id = await app.addUser(plan, '2026-01-01T00:00:00Z');
  await app.call(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'transcription', $2)`,
    [id, plan],
  );
  expect(
    await app.call(
      `select limit_quantity::float8 as seconds, max_file_bytes, max_concurrent, unit_price::float8 as price
       from quota.get_user_plan_limits($1, 'transcription')`,
      [id],
    ),
  ).toEqual({
    seconds: credits * 60,
    max_file_bytes: String(megabytes * megabyte),
    max_concurrent: jobs,
    price: 0.006,
  });
});

test('statistics count jobs, minutes and cost by month', async () => {
  const [month] = await app.rows(
    `select service, calls, seconds, cost::text from quota.calculate_usage_stats('may', 3)`,
  );
  expect(month).toEqual({ service: 'transcription', calls: 3, seconds: '1800.000', cost: '0.180000' });
});

test('all of it follows from the facts', async () => {
  expect(await app.differences()).toEqual([]);
});
