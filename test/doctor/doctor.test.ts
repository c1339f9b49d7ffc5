import { expect, test } from 'vitest';
import { withAdvisoryLock } from '../../src/db/advisory-lock.ts';
import { withClient } from '../../src/db/client.ts';
import type { Diagnosis } from '../../src/doctor/examine.ts';
import { useDeskPerTest } from '../desk/desk.ts';

const asOf = '2026-11-15T12:00:00Z';
let adaId: string;

const desk = useDeskPerTest({ asOf }, async (model) => {
  adaId = await model.addUser({ externalId: 'ada', assistants: ['a1', 'a2', 'a3'] });
  await model.addCalls({ userId: adaId, at: asOf, seconds: '306', cost: '0.25', times: 2 });
  const bobId = await model.addUser({ externalId: 'bob', createdAt: '2025-02-28T00:00:00Z' });
  await model.addCalls({ userId: bobId, at: '2026-11-10T10:00:00Z', seconds: '1300', service: 'avatar' });
  await model.addCalls({
    userId: bobId,
    at: '2026-11-10T10:00:00Z',
    model: 'claude-3-opus',
    service: 'chat',
    times: 3,
  });
});

const run = (...args: string[]) => desk.run('doctor', ...args);

async function diagnose(...args: string[]): Promise<Diagnosis & { code: number | null }> {
  const { code, data } = await desk.answer('doctor', ...args);
  return { code, ...data };
}
const findingsOf = ({ checks }: Diagnosis, name: string) =>
  checks.find(({ check }) => check === name)?.findings ?? [];
const unwell = ({ checks }: Diagnosis) => checks.filter(({ count }) => count > 0).map(({ check }) => check);
/** Behind the triggers' back. */
const meddle = (sql: string) =>
  desk.query(`do $$ begin set local session_replication_role = replica; ${sql}; end $$`);

test('finds nothing where nothing is wrong, and changes nothing', async () => {
  const before = await desk.snapshot();
  const { code, stdout } = await run();
  expect(code).toBe(0);
  expect(stdout).toContain(
    'ok         usage             every quota is the sum of its calls and adjustments',
  );
  const diagnosis = await diagnose('--strict');
  expect(diagnosis).toMatchObject({ code: 0, ok: true, differences: 0, attention: 0 });
  expect(unwell(diagnosis)).toEqual([]);
  expect(await desk.snapshot()).toEqual(before);
});

test('tells quotas that differ from the facts', async () => {
  await meddle(`update quota.usage_quotas set used = used - 12, cost = 0 where user_id = '${adaId}'`);
  const diagnosis = await diagnose();
  expect(diagnosis).toMatchObject({ code: 3, ok: false, differences: 1 });
  expect(findingsOf(diagnosis, 'usage')).toEqual([
    {
      externalId: 'ada',
      meter: 'voice_seconds',
      periodStart: '2026-10-31T00:00:00.000Z',
      used: '600.000',
      usedByFacts: '612.000',
      adjusted: '0.000',
      adjustedByFacts: '0.000',
      cost: '0',
      costByFacts: '0.5',
      calls: 2,
      callsByFacts: 2,
    },
  ]);
  const { stdout } = await run();
  expect(stdout).toMatch(
    /ada, meter voice_seconds, period start 2026-10-31 00:00Z \(\d+ days ago\), used 600, used by facts 612, cost 0, cost by facts 0\.5\n/,
  );
  expect(await diagnose('--user', 'bob')).toMatchObject({ code: 0, differences: 0 });
  expect(await diagnose('--user', 'ada@example.com')).toMatchObject({ code: 3 });
  await desk.queryAt(asOf, `select quota.refresh_quotas(array['${adaId}'::uuid])`);
  expect(await diagnose()).toMatchObject({ code: 0 });
});

test('tells reservations that do not follow from the sessions that run; reap-stale mends them', async () => {
  for (const key of ['gone', 'ended', 'moved', 'swollen', 'right']) {
    await desk.queryAt(asOf, `select quota.start_session('bob', 'voice', $1, p_estimate => 50)`, [key]);
  }
  expect(await diagnose('--strict')).toMatchObject({ code: 0, attention: 0 });
  await meddle(`delete from quota.call_logs where provider_call_id = 'gone';
    update quota.call_logs set status = 'completed', duration_seconds = 5 where provider_call_id = 'ended';
    update quota.concurrent_processing c set started_at = c.started_at - interval '1 day' from quota.call_logs l
      where l.id = c.call_log_id and l.provider_call_id = 'moved';
    update quota.concurrent_processing c set reserved = 500 from quota.call_logs l
      where l.id = c.call_log_id and l.provider_call_id = 'swollen';
    update quota.usage_quotas set used = 5, calls = 4 where meter = 'voice_seconds' and user_id <> '${adaId}'`);
  const diagnosis = await diagnose();
  expect(diagnosis).toMatchObject({ code: 3, differences: 1 });
  expect(
    findingsOf(diagnosis, 'sessions')
      .map(({ session, problem }) => `${session}: ${problem}`)
      .sort(),
  ).toEqual([
    expect.stringMatching(/^\d+: its call is gone$/),
    'ended: its call has ended',
    'moved: it begins at another time than its call',
    'swollen: it reserves something else than it may use',
  ]);
  expect(await desk.json('jobs', 'reap-stale')).toMatchObject({ sessions: 4 });
  expect(await diagnose('--strict')).toMatchObject({ code: 0, attention: 0 });
  expect(
    await desk.query(
      `select l.provider_call_id as key, c.reserved::text, c.started_at = l.started_at as same
       from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id order by 1`,
    ),
  ).toEqual(['moved', 'right', 'swollen'].map((key) => ({ key, reserved: '50.000', same: true })));
});

test('tells sessions that nobody ended and no job settled', async () => {
  await desk.queryAt('2026-11-15T09:00:00Z', `select quota.start_session('ada', 'avatar', 'old')`);
  const diagnosis = await diagnose();
  expect(diagnosis).toMatchObject({ code: 0, attention: 1 });
  expect(findingsOf(diagnosis, 'leases')).toEqual([
    {
      externalId: 'ada',
      service: 'avatar',
      session: 'old',
      reserved: '1200.000',
      expiredAt: '2026-11-15T09:25:00.000Z',
    },
  ]);
});

test('tells calls that were logged with the triggers switched off', async () => {
  await meddle(
    `insert into quota.call_logs (user_id, service, started_at, duration_seconds) values ('${adaId}', 'voice', '2026-01-05', 5)`,
  );
  const diagnosis = await diagnose();
  expect(diagnosis.code).toBe(3);
  expect(findingsOf(diagnosis, 'coverage')).toEqual([
    {
      externalId: 'ada',
      meter: 'voice_seconds',
      calls: 1,
      firstStartedAt: '2026-01-05T00:00:00.000Z',
      lastStartedAt: '2026-01-05T00:00:00.000Z',
    },
  ]);
});

test('resets that are due need attention', async () => {
  const diagnosis = await diagnose('--as-of', '2026-12-15T00:00:00Z');
  expect(diagnosis).toMatchObject({ code: 0, ok: true });
  expect(findingsOf(diagnosis, 'resets')).toEqual([
    { plan: 'voice-free', users: 1, oldestDueAt: '2026-11-30T00:00:00.000Z' },
    { plan: 'chat-free', users: 1, oldestDueAt: '2026-12-01T00:00:00.000Z' },
  ]);
  expect((await diagnose('--as-of', '2026-12-15T00:00:00Z', '--strict')).code).toBe(3);
});

test('usage that nobody has marked, assistants beyond the plan, work that failed', async () => {
  await desk.addUser({ externalId: 'cy' });
  await meddle(`
    update quota.usage_quotas set exhausted_at = null where user_id = '${adaId}';
    insert into quota.assistants (user_id, provider_assistant_id) values ('${adaId}', 'a4');
    update quota.assistant_limits set status = 'failed', last_error = 'VAPI answered 500', attempts = 3
      where assistant_id = (select id from quota.assistants where provider_assistant_id = 'a2')`);
  const diagnosis = await diagnose('--strict', '--as-of', '2026-11-15T12:30:00Z');
  expect(diagnosis).toMatchObject({ code: 3, ok: true, attention: 4 });
  expect(unwell(diagnosis)).toEqual(['enforcement', 'assistants', 'unlimited', 'provider']);
  expect(findingsOf(diagnosis, 'unlimited')).toEqual([
    { externalId: 'ada', providerAssistantId: 'a4', desired: null, status: null },
  ]);
  expect(findingsOf(diagnosis, 'enforcement')).toMatchObject([
    { externalId: 'ada', meter: 'voice_seconds', used: '612.000', allowance: '600.000', exhaustedAt: null },
  ]);
  expect(findingsOf(diagnosis, 'assistants')).toEqual([
    { externalId: 'ada', plan: 'voice-free', allowed: 3, assistants: 4 },
  ]);
  expect(findingsOf(diagnosis, 'provider')).toMatchObject([
    { providerAssistantId: 'a2', status: 'failed', attempts: 3, lastError: 'VAPI answered 500' },
  ]);
  const later = await diagnose('--as-of', '2026-11-15T13:30:00Z', '--limit', '1');
  expect(later.checks.find(({ check }) => check === 'provider')).toMatchObject({ count: 3, findings: [{}] });
});

test('runs that died or failed, but not one that is at work', async () => {
  await desk.query(`insert into quota.job_runs (job, status, error, started_at) values
     ('purge', 'failed', 'disk full', '2026-11-01'), ('raise-alerts', 'failed', 'old', '2026-11-01'),
     ('raise-alerts', 'completed', null, '2026-11-02'), ('reset-months', 'running', null, '2026-11-03')`);
  const diagnosis = await diagnose();
  expect(findingsOf(diagnosis, 'jobs')).toMatchObject([
    { job: 'purge', status: 'failed', error: 'disk full' },
    { job: 'reset-months', status: 'running' },
  ]);
  await withClient(desk.url, (client) =>
    withAdvisoryLock(
      client,
      'job reset-months',
      async () => expect(findingsOf(await diagnose(), 'jobs')).toMatchObject([{ job: 'purge' }]),
      { mode: 'try' },
    ),
  );
});

test('tells who has been on the way from another shard for an hour', async () => {
  await desk.query(
    `insert into quota.arriving_users (user_id, digest, move_id, shard, shard_number, tables, stale_days, packed_at)
     select gen_random_uuid(), n::text, gen_random_uuid(), 'eu-1', 1, '[]', '{}', timestamptz '${asOf}' - n * interval '50 minutes'
     from generate_series(1, 2) n`,
  );
  const diagnosis = await diagnose();
  expect(diagnosis).toMatchObject({ code: 0, attention: 1 });
  expect(findingsOf(diagnosis, 'moves')).toEqual([
    { userId: expect.any(String), from: 'eu-1', packedAt: '2026-11-15T10:20:00.000Z' },
  ]);
});

test('csv and ndjson have a line per finding', async () => {
  await meddle('update quota.usage_quotas set calls = 0');
  const csv = (await run('--output', 'csv')).stdout.trimEnd().split('\n');
  expect(csv[0]).toBe('check,level,finding');
  expect(csv).toHaveLength(5);
  const ndjson = (await run('--output', 'ndjson')).stdout.trimEnd().split('\n');
  expect(ndjson.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      check: 'usage',
      finding: expect.objectContaining({ calls: 0, callsByFacts: 2 }),
    }),
  );
});

test('an unknown user is not found', async () => {
  expect(await run('--user', 'nobody')).toMatchObject({ code: 4, stdout: '' });
});
