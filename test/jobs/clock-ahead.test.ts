import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const signup = '2026-10-15T09:00:00Z';
const answer = async (at: string, sql: string) => (await desk.queryAt<Record<string, unknown>>(at, sql))[0];

test('one reset with a clock in the future ends no enforcement; the doctor tells, and it can be taken back', async () => {
  const userId = await desk.addUser({ externalId: 'ada', createdAt: signup, assistants: ['desk'] });
  await desk.queryAt(
    signup,
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
    [userId],
  );
  await desk.addCalls({ userId, at: '2026-11-20T10:00:00Z', seconds: '100' });
  expect((await desk.at('2027-11-15T12:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync')).code).toBe(
    0,
  );

  // Back in the present: what runs out is marked, told and limited all the same.
  const now = '2026-11-28T10:00:00Z';
  await desk.addCalls({ userId, at: '2026-11-27T10:00:00Z', seconds: '600', asOf: now });
  expect(await answer(now, `select allowed, used::float8 as used from quota.check('ada', 'voice')`)).toEqual({
    allowed: false,
    used: 700,
  });
  const marks = `select q.exhausted_at is not null as exhausted, s.limit_enforced_at is not null as limited,
      (select count(*)::integer from quota.usage_alerts a where a.period_start = q.period_start) > 0 as told
    from quota.usage_quotas q join quota.subscriptions s using (user_id) where q.used = 700`;
  expect(await answer(now, marks)).toEqual({ exhausted: true, limited: true, told: true });

  const doctor = JSON.parse((await desk.at(now).run('doctor', '--json')).stdout);
  expect(doctor.checks.find(({ check }: { check: string }) => check === 'clock')).toMatchObject({
    count: 1,
    findings: [{ externalId: 'ada', lastResetAt: '2027-11-15T12:00:00.000Z' }],
  });

  const reset = ['jobs', 'reset-anniversaries', '--no-sync'];
  const ahead =
    /1 subscription was reset by a clock that was ahead, at 2027-11-15T12:00:00\.000Z, .* jobs reopen --after now/;
  expect(await desk.at(now).run(...reset)).toMatchObject({ code: 0, stderr: expect.stringMatching(ahead) });

  const reopen = ['jobs', 'reopen', '--after', now, '--reason', 'the clock of the host'];
  const before = await desk.snapshot();
  expect(await desk.at(now).json(...reopen, '--dry-run')).toMatchObject({
    dryRun: true,
    resets: [{ externalId: 'ada' }],
  });
  expect((await desk.at(now).run(...reopen)).code).toBe(5);
  expect(await desk.snapshot()).toEqual(before);
  expect(await desk.at(now).json(...reopen, '--yes')).toMatchObject({ subscriptions: 1, periods: 1 });
  expect(await desk.at(now).json(...reopen, '--yes')).toMatchObject({ subscriptions: 0 });
  expect((await desk.at(now).run(...reset)).stderr).not.toMatch(/ahead/);
  const { subscriptions } = await desk.at(now).json('user', 'show', 'ada');
  expect(subscriptions[0]).toMatchObject({
    nextResetAt: '2026-12-15T00:00:00.000Z',
    limitEnforcedAt: expect.any(String),
    quotas: [{ state: 'exceeded', used: '700.000' }],
  });
  expect((await desk.at(now).json('audit', 'log', '--action', 'subscription.reopened')).entries).toHaveLength(
    1,
  );

  expect(
    await desk.at('2026-12-15T00:10:00Z').json('jobs', 'reset-anniversaries', '--no-sync'),
  ).toMatchObject({ due: 1, reset: 1, assistants: { queued: 1 } });
  expect(
    await answer(
      '2026-12-15T01:00:00Z',
      `select allowed, used::float8 as used from quota.check('ada', 'voice')`,
    ),
  ).toEqual({
    allowed: true,
    used: 0,
  });
  expect(await desk.differences()).toEqual([]);
});

test.each([
  ['UTC', '2026-12-15T00:00:00Z'],
  ['UTC', '2026-12-15T00:00:01Z'],
  ['Pacific/Auckland', '2026-12-14T11:00:00Z'],
  ['America/New_York', '2026-12-15T05:00:01Z'],
])('what is taken back at midnight, or just after it, is reset then, in %s at %s', async (zone, midnight) => {
  const name = `of-${midnight}`;
  const userId = await desk.addUser({
    externalId: name,
    createdAt: signup,
    timezone: zone,
    assistants: [name],
  });
  await desk.queryAt(
    signup,
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
    [userId],
  );
  await desk.addCalls({ userId, at: '2026-11-20T10:00:00Z', seconds: '100' });
  // Of others who were reset ahead each run says so.
  const reset = async (instant: string) =>
    (await desk.at(instant).answer('jobs', 'reset-anniversaries', '--no-sync', '--user', name)).data;
  const reopen = (instant: string) =>
    desk
      .at(instant)
      .json('jobs', 'reopen', '--after', instant, '--user', name, '--reason', 'the clock', '--yes');
  await reset('2026-11-16T12:00:00Z');
  // One is taken back in good time, and another takes its place.
  await reset('2027-11-15T12:00:00Z');
  await reopen('2026-11-28T12:00:00Z');
  await reset('2027-11-16T12:00:00Z');
  const used = { userId, at: '2026-12-01T10:00:00Z', seconds: '600', asOf: '2026-12-01T10:00:00Z' };
  await desk.addCalls(used);
  expect(await reopen(midnight)).toMatchObject({ subscriptions: 1, periods: 1 });
  expect(await reset(midnight)).toMatchObject({
    due: 1,
    reset: 1,
    periodsCaughtUp: 0,
  });
  expect(await reset(midnight)).toMatchObject({ due: 0 });
  const at = desk.at(midnight);
  const { subscriptions } = await at.json('user', 'show', name);
  expect(subscriptions[0]).toMatchObject({ limitEnforcedAt: null, quotas: [{ state: 'ok', used: '0.000' }] });
  const closed = 'select closed_at as at, used_at_close::float8 as used from quota.usage_quotas';
  expect(
    await answer(midnight, `${closed} where user_id = '${userId}' and closed_at is not null and used > 0`),
  ).toEqual({
    at: new Date(midnight),
    used: 700,
  });
  expect(await desk.differences()).toEqual([]);
});

test('nothing runs by the clock of a server that is days ahead of this machine, unless it is told to', async () => {
  const shifted = (clock: string) =>
    desk.session(async (client) => {
      await client.query('set allow_system_table_mods = on');
      await client.query(
        `create or replace function pg_catalog.clock_timestamp() returns timestamptz volatile strict ${clock}`,
      );
    });
  await shifted(`language sql as $$ select pg_catalog.statement_timestamp() + interval '40 days 1 hour' $$`);
  try {
    for (const run of [['reset-months', '--no-sync'], ['purge'], ['run', 'reap-stale']]) {
      const { code, stdout, stderr } = await desk.run('jobs', ...run);
      expect({ code, stdout }, run.join(' ')).toEqual({ code: 75, stdout: '' });
      expect(stderr).toMatch(
        /the clock of the server, .* is 40 days ahead of this machine's: .* does not run/,
      );
    }
    expect((await desk.run('jobs', 'purge', '--dry-run')).code).toBe(0);
    expect((await desk.run('jobs', 'purge', '--confirm', 'reap-stale')).code).toBe(5);
    expect((await desk.run('jobs', 'purge', '--confirm', 'purge')).code).toBe(0);
    expect((await desk.at('2026-11-28T10:00:00Z').run('jobs', 'purge')).code).toBe(0);
  } finally {
    await shifted(`language internal as 'clock_timestamp'`);
  }
  expect((await desk.run('jobs', 'purge')).code).toBe(0);
});
