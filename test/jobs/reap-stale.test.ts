import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
let ada: string;

beforeAll(async () => {
  ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-10-01T00:00:00Z' });
});

const reap = (asOf: string, ...more: string[]) => desk.at(asOf).json('jobs', 'reap-stale', ...more);

const facts = () =>
  desk.query(`select provider_call_id as key, status, duration_seconds as seconds, error_message as error
     from quota.call_logs order by id`);
const leases = () => desk.query('select 1 from quota.concurrent_processing');

test('a session nobody ended lasted what it had reserved, and its lease goes', async () => {
  const [session] = await desk.queryAt<{ cap: string }>(
    '2026-10-05T12:00:00Z',
    `select (quota.start_session('ada', 'voice', 'stuck', p_estimate => 120)).cap_seconds as cap`,
  );
  expect(session?.cap).toBe('120');
  expect(await reap('2026-10-05T12:03:00Z')).toMatchObject({ due: 0 });
  expect(await reap('2026-10-05T13:00:00Z', '--dry-run')).toMatchObject({
    due: 1,
    first: [{ kind: 'session', externalId: 'ada' }],
  });
  expect(await facts()).toMatchObject([{ status: 'active' }]);
  expect(await reap('2026-10-05T13:00:00Z')).toMatchObject({ done: 1, sessions: 1, left: 0 });
  expect(await facts()).toEqual([
    { key: 'stuck', status: 'error', seconds: '120.000', error: 'session did not end' },
  ]);
  expect(await leases()).toEqual([]);
  const audits =
    await desk.query(`select action, service, before ->> 'reserved' as reserved, after ->> 'durationSeconds' as seconds, run_id is not null as run
     from quota.audit_log where action like '%.reaped'`);
  expect(audits).toEqual([
    { action: 'session.reaped', service: 'voice', reserved: '120.000', seconds: '120.000', run: true },
  ]);
  expect(await reap('2026-10-05T13:00:00Z')).toMatchObject({ due: 0, done: 0 });
  expect(await desk.differences()).toEqual([]);
});

test('never more than the time since its start; a session that a plain row ended has no lease', async () => {
  await desk.queryAt(
    '2026-10-06T12:00:00Z',
    `select quota.start_session('ada', 'voice', 'short', p_estimate => 300)`,
  );
  await desk.queryAt(
    '2026-10-06T12:00:00Z',
    `select quota.start_session('ada', 'voice', 'ended', p_estimate => 60)`,
  );
  await desk.query(`update quota.concurrent_processing c set expires_at = '2026-10-06T12:01:20Z'
     from quota.call_logs l where l.id = c.call_log_id and l.provider_call_id = 'short'`);
  await desk.query(
    `update quota.call_logs set status = 'completed', duration_seconds = 9 where provider_call_id = 'ended'`,
  );
  expect(await reap('2026-10-06T12:01:30Z')).toMatchObject({ done: 1 });
  expect(await reap('2026-10-06T12:30:00Z')).toMatchObject({ due: 0 });
  expect((await facts()).slice(1)).toEqual([
    { key: 'short', status: 'error', seconds: '90.000', error: 'session did not end' },
    { key: 'ended', status: 'completed', seconds: '9.000', error: null },
  ]);
  expect(await leases()).toEqual([]);
});

test('a call without a lease is stuck after a day, or after --idle', async () => {
  await desk.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at)
     values ($1, 'voice', 'vapi', 'open', 'active', '2026-10-07T00:00:00Z')`,
    [ada],
  );
  expect(await reap('2026-10-07T12:00:00Z')).toMatchObject({ due: 0 });
  expect(await reap('2026-10-07T12:00:00Z', '--user', 'ada', '--idle', '6h')).toMatchObject({ calls: 1 });
  expect((await facts()).at(-1)).toMatchObject({ status: 'error', seconds: null, error: 'call did not end' });
});

test('an expired grant no longer counts, which may use the quota up', async () => {
  const asOf = '2026-10-08T00:00:00Z';
  await desk.queryAt(
    asOf,
    `insert into quota.grants (user_id, meter, quantity, expires_at, reason)
     select $1, 'voice_seconds', 100, '2026-10-09T00:00:00Z', 'sorry'`,
    [ada],
  );
  const granted = () =>
    desk.query(`select granted, exhausted_at is not null as exhausted from quota.usage_quotas`);
  expect(await granted()).toEqual([{ granted: '100.000', exhausted: false }]);
  expect(await reap('2026-10-10T00:00:00Z')).toMatchObject({ grants: 1, done: 1 });
  expect(await granted()).toEqual([{ granted: '0.000', exhausted: false }]);
  expect(await reap('2026-10-10T00:00:00Z')).toMatchObject({ due: 0 });
});

test('a run whose process is gone is marked, one that goes on is not', async () => {
  await desk.query(`insert into quota.job_runs (job) values ('reset-months')`);
  expect(await reap('2026-10-10T00:00:00Z')).toMatchObject({ runs: 1, done: 1 });
  const runs = await desk.query(`select job, status from quota.job_runs where status <> 'completed'`);
  expect(runs).toEqual([{ job: 'reset-months', status: 'abandoned' }]);
});
