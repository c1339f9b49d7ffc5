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

test('whose grants have expired is what the ledger of each says, whatever was used and when they ended', async () => {
  // Allowances of ten minutes: some never used up, some in a past month, some in the running one, with grants of all ages.
  await desk.query(`
    select setseed(0.5);
    insert into quota.users (external_id, created_at)
    select 'granted-' || n, '2026-07-01T00:00:00Z' from generate_series(1, 40) n;
    insert into quota.subscriptions (user_id, service, plan, created_at)
    select id, 'voice', 'voice-free', created_at from quota.users where external_id like 'granted-%'`);
  await desk.queryAt(
    '2026-10-20T00:00:00Z',
    `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
     select u.id, 'voice', timestamptz '2026-08-20' + random() * interval '60 days', (random() * 500)::integer
     from quota.users u cross join generate_series(1, 5) where u.external_id like 'granted-%'`,
  );
  await desk.queryAt(
    '2026-10-20T00:00:00Z',
    `insert into quota.grants (user_id, meter, quantity, reason, created_at, expires_at)
     select g.id, 'voice_seconds', 50 + (random() * 300)::integer, 'goodwill', g.at, g.at + random() * interval '60 days'
     from (select u.id, timestamptz '2026-09-10' + random() * interval '40 days' as at
       from quota.users u cross join generate_series(1, 3) where u.external_id like 'granted-%') g`,
  );
  const found: number[] = [];
  // Back and forth; what is settled or noted on the way needs no look any more, until the clock is back before that.
  const steps: [asOf: string, between: string][] = [
    ['2026-10-20T00:00:00Z', 'select quota.note_settled_grants(10)'],
    ['2026-10-24T00:00:00Z', 'select quota.note_settled_grants(1000)'],
    ['2026-10-31T12:00:00Z', 'select quota.reap_grants(3)'],
    ['2026-10-26T00:00:00Z', 'select quota.reap_grants(2)'],
    ['2026-10-31T12:00:00Z', 'select quota.note_settled_grants(1000)'],
    ['2026-10-31T13:00:00Z', 'select quota.reap_grants(1000)'],
    ['2026-10-31T14:00:00Z', 'select quota.note_settled_grants(1000)'],
  ];
  for (const [asOf, between] of steps) {
    const [stale] = await desk.queryAt<{ stale: string[]; told: string[] }>(
      asOf,
      `select array(select user_id::text || service from quota.stale_grants() order by 1) as told, array(
         select distinct q.user_id::text || m.service
         from quota.usage_quotas q join quota.meters m on m.key = q.meter
         where q.granted > 0 and q.closed_at is null and quota.contains(q, quota.now())
           and q.granted <> quota.granted_now(q.user_id, q.meter)
           and exists (select from quota.grants g where g.user_id = q.user_id and g.meter = q.meter
             and least(g.expires_at, g.revoked_at) between q.period_start and quota.now())
         order by 1) as stale`,
    );
    expect(stale?.told).toEqual(stale?.stale);
    found.push(stale?.stale.length ?? 0);
    await desk.queryAt(asOf, between);
  }
  expect(found[0]).toBe(0);
  expect(found[2]).toBeGreaterThan(5);
  expect(found.at(-1)).toBe(0);
  const unsettled = `select from quota.grants g join quota.usage_quotas q using (user_id, meter)
    where least(g.expires_at, g.revoked_at) <= quota.now() and quota.contains(q, quota.now()) and not q.superseded`;
  expect(
    await desk.queryAt('2026-10-31T14:00:00Z', `${unsettled} and not quota.is_settled(g, quota.now())`),
  ).toEqual([]);
  // What is settled is what is as the ledger says: who writes another number is found by the doctor.
  await desk.queryAt(
    '2026-10-31T14:00:00Z',
    `update quota.usage_quotas q set granted = granted + 7
     where (q.user_id, q.meter) in (select q.user_id, q.meter from quota.grants g join quota.usage_quotas q using (user_id, meter)
         where g.settled_at is not null and quota.contains(q, quota.now()) limit 1) and quota.contains(q, quota.now())`,
  );
  const { data } = await desk.at('2026-10-31T14:00:00Z').answer('doctor');
  expect(data.checks.find(({ check }: { check: string }) => check === 'grants')).toMatchObject({ count: 1 });
});
