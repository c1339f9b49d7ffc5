import { expect, test } from 'vitest';
import { useDesk } from '../../desk/desk.ts';
import { type BackEnd, type Endpoints, ok, refuse, useBackEnd } from './back-end.ts';

/** Credits of a minute: the usage service, its middleware and its endpoints of a product that transcribes. */
const desk = useDesk();
const megabyte = 1024 * 1024;

const checkLimits = async (back: BackEnd, user: string, body: Record<string, unknown>) => {
  const answer = await back.row(
    `select * from quota.check($1, 'transcription', p_quantity => $2, p_file_bytes => $3)`,
    [user, body.estimated_duration_seconds ?? null, body.file_size_bytes ?? null],
  );
  return answer.allowed
    ? ok({ can_process: true, credits_left: Number(answer.remaining) / 60, warnings: answer.warnings })
    : refuse(429, {
        can_process: false,
        blocking_reason: answer.message,
        code: answer.reason,
        upgrade_to: answer.upgrade_to,
      });
};
const endpoints = (back: BackEnd): Endpoints => ({
  'GET /api/v1/usage/current': async ({ user }) => {
    const limits = await back.row(`select * from quota.get_user_plan_limits($1, 'transcription')`, [user]);
    return ok({
      credits_used: Number(limits.used) / 60,
      credits_remaining: Number(limits.remaining) / 60,
      jobs: limits.calls,
      resets_at: limits.resets_at,
    });
  },
  'POST /api/v1/usage/check': ({ user, body }) => checkLimits(back, user, body),
  'POST /api/v1/transcription/check-limits': ({ user, body }) => checkLimits(back, user, body),
  'GET /api/v1/usage/alerts': async ({ user }) =>
    ok(await back.rows('select id, level, message, acknowledged_at from quota.alerts($1)', [user])),
  'POST /api/v1/usage/alerts/read': async ({ user, body }) =>
    ok(await back.row('select acknowledged_at from quota.acknowledge_alert($1, $2)', [user, body.id])),
  'GET /api/v1/usage/limits': async ({ user }) => {
    const plan = await back.row(`select * from quota.get_user_plan_limits($1, 'transcription')`, [user]);
    return ok({
      plan: plan.plan,
      credits: Number(plan.limit_quantity) / 60,
      max_file_mb: Number(plan.max_file_bytes) / megabyte,
      concurrent_jobs: plan.max_concurrent,
      price_per_minute: Number(plan.unit_price),
      upgrade_to: plan.upgrade_to,
      features: plan.features,
    });
  },
  'GET /api/v1/usage/stats': async ({ user }) =>
    ok(await back.rows('select * from quota.calculate_usage_stats($1, 3)', [user])),
  // The middleware: a place for the job before it begins, freed by its end.
  'POST /api/v1/transcription': async ({ user, body }) => {
    const job = await back.row(
      `select * from quota.start_session($1, 'transcription', $2, p_estimate => $3, p_file_bytes => $4)`,
      [user, body.id, body.seconds, body.bytes],
    );
    return job.allowed
      ? { status: 202, body: { id: body.id } }
      : refuse(429, { error: job.message, code: job.reason, upgrade_to: job.upgrade_to });
  },
  'POST /worker/progress': async ({ user, body }) => {
    const life = await back.row('select * from quota.touch_session($1, $2, $3)', [
      user,
      body.id,
      body.seconds,
    ]);
    return ok({ running: life.running });
  },
  'POST /worker/done': async ({ user, body }) => {
    const end = await back.row(
      'select * from quota.end_session($1, $2, $3, p_cost => $4, p_status => $5, p_error => $6)',
      [
        user,
        body.id,
        body.seconds,
        body.cost ?? null,
        body.error ? 'error' : 'completed',
        body.error ?? null,
      ],
    );
    return ok({ recorded: end.recorded, cost: end.stored_cost });
  },
});

const back = useBackEnd(desk, endpoints);
const ask = (endpoint: string, user: string | null, body?: unknown) => back.its.ask(endpoint, user, body);
const bodyOf = async (endpoint: string, user: string, body?: unknown) =>
  (await ask(endpoint, user, body)).body;
const submit = (user: string, id: string, seconds: number, bytes = 15 * megabyte) =>
  ask('POST /api/v1/transcription', user, { id, seconds, bytes });
const done = (user: string, id: string, seconds: number, more = {}) =>
  ask('POST /worker/done', user, { id, seconds, ...more });
const setPlan = (user: string, plan: string) =>
  desk.json('user', 'set-plan', user, plan, '--reason', 'invoice', '--yes');

test('the plan of a new user is shown before the first job, and a check writes nothing', async () => {
  const before = await desk.snapshot();
  expect(await bodyOf('GET /api/v1/usage/limits', 'may')).toEqual({
    plan: 'transcription-free',
    credits: 30,
    max_file_mb: 25,
    concurrent_jobs: 1,
    price_per_minute: 0.006,
    upgrade_to: 'transcription-starter',
    features: expect.any(Object),
  });
  expect(await bodyOf('GET /api/v1/usage/current', 'may')).toMatchObject({
    credits_used: 0,
    credits_remaining: 30,
    jobs: 0,
  });
  const asked = { estimated_duration_seconds: 180, file_size_bytes: 15 * megabyte };
  for (const endpoint of ['POST /api/v1/usage/check', 'POST /api/v1/transcription/check-limits']) {
    expect(await ask(endpoint, 'may', asked)).toEqual({
      status: 200,
      body: { can_process: true, credits_left: 30, warnings: [] },
    });
  }
  expect(await desk.snapshot()).toEqual(before);
});

test('a job is accepted, keeps its place, tells its progress, ends with its cost; the seeds ask by their own names', async () => {
  expect((await submit('may', 'job-1', 180)).status).toBe(202);
  expect(
    await back.its.rows(
      `select can_process, active, max_concurrent from quota.check_concurrent_processing_limit('may', 'transcription')`,
    ),
  ).toEqual([{ can_process: false, active: 1, max_concurrent: 1 }]);
  expect(await submit('may', 'job-2', 60)).toMatchObject({
    status: 429,
    body: { code: 'too_many_concurrent', upgrade_to: 'transcription-starter' },
  });
  expect(await bodyOf('POST /worker/progress', 'may', { id: 'job-1', seconds: 120 })).toEqual({
    running: true,
  });
  expect((await done('may', 'job-1', 300, { cost: '0.03' })).body).toEqual({ recorded: true, cost: '0.03' });
  expect(await bodyOf('GET /api/v1/usage/current', 'may')).toMatchObject({
    credits_used: 5,
    credits_remaining: 25,
    jobs: 1,
  });
  const [month] = await bodyOf('GET /api/v1/usage/stats', 'may');
  expect(month).toMatchObject({ service: 'transcription', calls: 1, seconds: '300.000', cost: '0.03' });
});

test('a file too large, an estimate too long and used-up credits are 429 with what would help', async () => {
  const refusals = [
    await ask('POST /api/v1/usage/check', 'may', { file_size_bytes: 25 * megabyte + 1 }),
    await ask('POST /api/v1/transcription/check-limits', 'may', { estimated_duration_seconds: 1501 }),
    await submit('may', 'job-large', 60, 26 * megabyte),
  ];
  expect(refusals.map(({ status, body }) => [status, body.code, body.upgrade_to])).toEqual([
    [429, 'file_too_large', 'transcription-starter'],
    [429, 'would_exceed', 'transcription-starter'],
    [429, 'file_too_large', 'transcription-starter'],
  ]);
  await submit('may', 'job-3', 1500);
  await done('may', 'job-3', 1500);
  expect((await ask('POST /api/v1/usage/check', 'may', {})).body).toMatchObject({
    code: 'quota_exceeded',
    blocking_reason: expect.stringContaining('Upgrade to Transcription Starter for more.'),
  });
  await setPlan('may', 'transcription-starter');
  expect((await ask('POST /api/v1/usage/check', 'may', {})).body).toMatchObject({
    can_process: true,
    credits_left: 120,
  });
});

test('alerts of 80, 90 and 100 % are listed and marked as read, by their user alone', async () => {
  const alerts = await bodyOf('GET /api/v1/usage/alerts', 'may');
  expect(alerts.map(({ level }: { level: string }) => level).sort()).toEqual([
    'critical',
    'exceeded',
    'warning',
  ]);
  const { id } = alerts[0];
  expect(await ask('POST /api/v1/usage/alerts/read', 'zoe', { id })).toMatchObject({ status: 404 });
  expect(await bodyOf('POST /api/v1/usage/alerts/read', 'may', { id })).toEqual({
    acknowledged_at: expect.any(Date),
  });
  const unread = (await bodyOf('GET /api/v1/usage/alerts', 'may')).filter(
    (alert: { acknowledged_at: unknown }) => alert.acknowledged_at === null,
  );
  expect(unread).toHaveLength(2);
  expect(await bodyOf('GET /api/v1/usage/alerts', 'zoe')).toEqual([]);
});

test.each([
  ['transcription-starter', 150, 100, 2],
  ['transcription-pro', 500, 500, 5],
  ['transcription-enterprise', 2000, 1024, 10],
])(
  '%s: %d credits, files of %d MB, %d jobs at once of twelve that come together',
  async (plan, credits, maxFile, jobs) => {
    await back.its.row('select quota.ensure_user($1)', [plan]);
    await setPlan(plan, plan);
    expect(await bodyOf('GET /api/v1/usage/limits', plan)).toMatchObject({
      credits,
      max_file_mb: maxFile,
      concurrent_jobs: jobs,
    });
    const submitted = await Promise.all(
      Array.from({ length: 12 }, (_, index) => submit(plan, `${plan}-${index}`, 60, maxFile * megabyte)),
    );
    expect(submitted.filter(({ status }) => status === 202)).toHaveLength(jobs);
  },
);

test('a worker that dies frees its place in an hour, and what it had done is corrected when it is known', async () => {
  await submit('lou', 'lou-1', 600);
  await ask('POST /worker/progress', 'lou', { id: 'lou-1', seconds: 90 });
  await back.its.restart();
  expect((await submit('lou', 'lou-2', 60)).status).toBe(429);
  const later = desk.at(new Date(Date.now() + 3_700_000).toISOString());
  expect(await later.json('usage', 'sessions', 'lou')).toMatchObject({
    sessions: [{ key: 'lou-1' }],
  });
  await later.json('jobs', 'reap-stale', '--user', 'lou');
  expect(await bodyOf('GET /api/v1/usage/current', 'lou')).toMatchObject({ credits_used: 1.5 });
  expect((await submit('lou', 'lou-2', 60)).status).toBe(202);
  expect((await done('lou', 'lou-1', 900, { cost: '0.09' })).body).toEqual({ recorded: true, cost: '0.09' });
  await back.its.crashAfter('select quota.end_session($1, $2, 60)', ['lou', 'lou-2']);
  expect((await done('lou', 'lou-2', 60)).body.recorded).toBe(true);
  expect((await done('lou', 'lou-2', 60)).body.recorded).toBe(false);
  expect(await bodyOf('GET /api/v1/usage/current', 'lou')).toMatchObject({ credits_used: 16, jobs: 2 });
});

test('another usage type is a file: exports and API calls are counted, limited and shown like minutes', async () => {
  const file = desk.write('types.yaml', [
    'meters:',
    '  api_calls: {service: api, unit: request}',
    '  exports: {service: export, unit: request}',
    'plans:',
    '  api-free: {service: api, default: true, limits: {api_calls: {limit: 2, reset_every: 1 hour}}}',
    '  export-free: {service: export, default: true, limits: {exports: {limit: 5, reset_every: 1 month}}}',
  ]);
  await desk.json('plan', 'apply', file, '--reason', 'usage types', '--yes');
  const record = (service: string, key: string) =>
    back.its.row('select recorded, remaining from quota.record($1, $2, $3, 1, p_metadata => $4)', [
      'kim',
      service,
      key,
      { format: 'srt' },
    ]);
  await record('api', 'call-1');
  expect(await record('api', 'call-2')).toMatchObject({ recorded: true, remaining: '0.000' });
  expect(await back.its.row(`select allowed, reason from quota.check('kim', 'api')`)).toEqual({
    allowed: false,
    reason: 'quota_exceeded',
  });
  expect(await record('export', 'srt-1')).toMatchObject({ recorded: true, remaining: '4.000' });
});

test('resets are midnights of the zone where the user lives, on the day of the signup', async () => {
  await back.its.row(
    `select quota.ensure_user('hana', p_signup_at => now() - interval '40 days', p_timezone => 'Asia/Hong_Kong')`,
  );
  await submit('hana', 'hana-1', 120);
  await done('hana', 'hana-1', 120);
  const { resets_at: resetsAt } = await bodyOf('GET /api/v1/usage/current', 'hana');
  expect([resetsAt.getUTCHours(), resetsAt.getUTCMinutes()]).toEqual([16, 0]);
  const report = await desk
    .at(resetsAt.toISOString())
    .json('jobs', 'reset-anniversaries', '--user', 'hana', '--no-sync');
  expect(report).toMatchObject({ reset: 1 });
  expect((await desk.json('audit', 'log', '--user', 'hana')).entries[0]).toMatchObject({
    action: 'subscription.reset',
  });
});

test('without a token nobody is answered, and users do not see or end the jobs of each other', async () => {
  for (const endpoint of back.its.closed()) {
    expect((await ask(endpoint, null)).status, endpoint).toBe(401);
  }
  await submit('ida', 'ida-1', 60);
  expect((await done('kim', 'ida-1', 1)).status).toBe(422);
  expect((await submit('kim', 'ida-1', 60)).status).toBe(422);
  expect((await done('ida', 'ida-1', -5)).status).toBe(422);
  expect((await done('ida', 'ida-1', 60, { cost: '-1' })).status).toBe(422);
  expect(await back.its.rows(`select key from quota.usage_history('kim', 'transcription')`)).toEqual([]);
  expect(await desk.differences()).toEqual([]);
});
