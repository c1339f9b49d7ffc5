import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

/** Two plans of one service that cut time otherwise: a call may lie in a period of each. */
beforeAll(() =>
  desk.query(`
  insert into quota.plans (key, service, name, is_default) values
    ('by-month', 'voice', 'By the month', false), ('by-week', 'voice', 'By the week', false);
  insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor, on_exceeded) values
    ('by-month', 'voice_seconds', 5000, '1 month', 'calendar', 'block'),
    ('by-week', 'voice_seconds', 900, '7 days', 'signup', 'block')`),
);

/** Signed up on a Monday, on the plan by the month; its weeks are from Monday to Monday. */
async function addMonthly(externalId: string): Promise<string> {
  const start = '2026-08-03T00:00:00Z';
  const id = await desk.addUser({ externalId, createdAt: start });
  await desk.queryAt(
    start,
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'by-month')`,
    [id],
  );
  return id;
}
const call = (at: string, user: string, startedAt: string, seconds: number) =>
  desk.queryAt(
    at,
    `insert into quota.call_logs (user_id, service, started_at, duration_seconds) values ($1, 'voice', $2, $3)`,
    [user, startedAt, seconds],
  );
const resets = (at: string) => desk.queryAt(at, `select quota.reset_due('calendar', 10, null)`);
const toWeeks = (at: string, user: string) =>
  desk.queryAt(at, `update quota.subscriptions set plan = 'by-week' where user_id = $1`, [user]);
const quotas = (user: string) =>
  desk.query(
    `select to_char(period_start at time zone 'UTC', 'MM-DD') as from,
      to_char(period_end at time zone 'UTC', 'MM-DD') as to, used::float8, calls
    from quota.usage_quotas where user_id = $1 and not superseded order by period_start`,
    [user],
  );
const differences = () =>
  desk.query(
    `select meter, period_start, used, calls from quota.usage_from_facts()
    except select meter, period_start, used, calls from quota.usage_quotas`,
  );

test('a call told late counts in the running week and in the month of the former plan that a reset had closed', async () => {
  const user = await addMonthly('both');
  await call('2026-09-29T08:00:00Z', user, '2026-09-10T08:00:00Z', 50);
  await resets('2026-10-01T02:00:00Z');
  await toWeeks('2026-10-02T09:00:00Z', user);
  await call('2026-10-03T09:00:00Z', user, '2026-10-03T08:59:00Z', 60);
  await call('2026-10-03T10:00:00Z', user, '2026-09-29T10:00:00Z', 200);
  expect(await quotas(user)).toEqual([
    { from: '09-01', to: '10-01', used: 250, calls: 2 },
    { from: '09-07', to: '09-14', used: 50, calls: 1 },
    { from: '09-28', to: '10-05', used: 260, calls: 2 },
  ]);
  expect(await differences()).toEqual([]);
});

test('a week that a call opens counts the calls in it that only a former month had counted', async () => {
  const user = await addMonthly('behind');
  await call('2026-08-12T08:00:00Z', user, '2026-08-12T07:00:00Z', 40);
  await resets('2026-10-01T02:00:00Z');
  await toWeeks('2026-10-02T09:00:00Z', user);
  await call('2026-10-03T09:00:00Z', user, '2026-08-31T10:00:00Z', 70);
  await call('2026-10-03T10:00:00Z', user, '2026-09-02T10:00:00Z', 5);
  expect(await quotas(user)).toEqual([
    { from: '08-01', to: '09-01', used: 110, calls: 2 },
    { from: '08-10', to: '08-17', used: 40, calls: 1 },
    { from: '08-31', to: '09-07', used: 75, calls: 2 },
  ]);
  expect(await differences()).toEqual([]);
});

test.each([
  [
    'a grant',
    `insert into quota.grants (user_id, meter, quantity, reason) values ($1, 'voice_seconds', 9, 'test')`,
  ],
  ['the start of a session', `select session_id from quota.start_session($1::uuid::text, 'voice', 'late-1')`],
  ['a change of the plan', `select quota.open_running_periods('{by-week}') where $1::uuid is not null`],
])('a running week that %s opens holds the call that was in it already', async (what, sql) => {
  const user = await addMonthly(what);
  await resets('2026-10-01T02:00:00Z');
  await toWeeks('2026-10-02T09:00:00Z', user);
  await call('2026-10-03T10:00:00Z', user, '2026-09-29T10:00:00Z', 950);
  await desk.queryAt('2026-10-03T11:00:00Z', sql, [user]);
  expect(await quotas(user)).toContainEqual({ from: '09-28', to: '10-05', used: 950, calls: 1 });
  expect(await differences()).toEqual([]);
  expect(
    await desk.queryAt(
      '2026-10-03T12:00:00Z',
      `select allowed, reason from quota.check($1::uuid::text, 'voice')`,
      [user],
    ),
  ).toMatchObject([{ allowed: false, reason: 'quota_exceeded' }]);
});

test('a limit of a new meter, written as a plain row, counts from its first call on what the period held before', async () => {
  const user = await addMonthly('metered');
  await call('2026-10-03T09:00:00Z', user, '2026-10-03T08:00:00Z', 40);
  await call('2026-10-04T09:00:00Z', user, '2026-10-04T08:00:00Z', 50);
  await call('2026-09-20T09:00:00Z', user, '2026-09-20T08:00:00Z', 60);
  await desk.queryAt(
    '2026-10-05T09:00:00Z',
    `insert into quota.meters (key, service, unit) values ('voice_calls', 'voice', 'request')`,
  );
  await desk.queryAt(
    '2026-10-05T09:00:00Z',
    `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor, on_exceeded)
     values ('by-month', 'voice_calls', 4, '1 month', 'calendar', 'block')`,
  );
  const asked = (at: string) =>
    desk.queryAt(
      at,
      `select m->>'used' as used from quota.check('metered', 'voice') c, jsonb_array_elements(c.meters) m
       where m->>'meter' = 'voice_calls'`,
    );
  await call('2026-10-06T09:00:00Z', user, '2026-10-06T08:00:00Z', 10);
  expect(await asked('2026-10-06T10:00:00Z')).toEqual([{ used: '3' }]);
  expect(
    await desk.query(
      `select used::float8, calls from quota.usage_quotas where user_id = $1 and meter = 'voice_calls'
       order by period_start desc limit 1`,
      [user],
    ),
  ).toEqual([{ used: 3, calls: 3 }]);
  await desk.queryAt('2026-10-06T10:00:00Z', `select quota.record('metered', 'voice', 'fourth', 10)`);
  expect(
    await desk.queryAt(
      '2026-10-06T11:00:00Z',
      `select allowed, reason, meter from quota.check('metered', 'voice')`,
    ),
  ).toEqual([{ allowed: false, reason: 'quota_exceeded', meter: 'voice_calls' }]);
  expect(await differences()).toEqual([]);
});

test('new subscriptions look up the history, of which a session can have made its plan while it was empty', async () => {
  const numbers = Array.from({ length: 8 }, (_, number) => number);
  const users = await Promise.all(numbers.map((number) => desk.addUser({ externalId: `new ${number}` })));
  await desk.query('analyze quota.audit_log');
  const scans = await desk.query(
    `with made as (
       insert into quota.subscriptions (user_id, service, plan)
       select u.id, 'voice', 'by-month' from unnest($1::uuid[]) u(id) returning user_id)
     select count(*)::integer as made, pg_stat_get_xact_numscans('quota.audit_log'::regclass)::integer as read
     from made`,
    [users],
  );
  expect(scans).toEqual([{ made: 8, read: 0 }]);
});
