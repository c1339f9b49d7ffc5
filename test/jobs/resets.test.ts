import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';

const desk = useDeskPerTest({}, (model) =>
  model.queryAt(
    '2026-11-10T00:00:00Z',
    `insert into quota.users (id, external_id, created_at) values
      (md5('ada')::uuid, 'ada', '2026-01-20T10:00:00Z'), (md5('bob')::uuid, 'bob', '2026-01-31T10:00:00Z');
    insert into quota.assistants (user_id, provider_assistant_id, name)
    select id, external_id || '-' || n, 'assistant' from quota.users cross join generate_series(1, 2) n`,
  ),
);

/** Statements with the clock of the database at an instant. */
const at = (instant: string, statements: string[]) => desk.queryAt(instant, statements.join(';\n'));

const subscribe = (user: string, service: string, plan: string) =>
  `insert into quota.subscriptions (user_id, service, plan) values (md5('${user}')::uuid, '${service}', '${plan}')`;

const call = (user: string, startedAt: string, seconds: number, service = 'voice') =>
  `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
  values (md5('${user}')::uuid, '${service}', '${startedAt}', ${seconds})`;

async function reset(asOf: string, job = 'reset-anniversaries') {
  const { code, data, stderr } = await desk.at(asOf).answer('jobs', job);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  return data;
}

const subscription = async (user: string, service = 'voice') => {
  const [row] = await desk.query<{ next: Date; limited: boolean }>(
    `select next_reset_at as next, limit_enforced_at is not null as limited
    from quota.subscriptions where user_id = md5($1)::uuid and service = $2`,
    [user, service],
  );
  return { next: row?.next.toISOString().slice(0, 10), limited: row?.limited };
};

const quotas = (user: string) =>
  desk.query(
    `select to_char(period_start at time zone 'UTC', 'YYYY-MM-DD') as start, used, used_at_close as closed,
      used - used_at_close as late, exhausted_at is not null as exhausted
    from quota.usage_quotas where user_id = md5($1)::uuid order by meter, period_start`,
    [user],
  );

const desired = async (user: string) => {
  const rows = await desk.query<{ desired: string; status: string }>(
    `select distinct desired, status from quota.assistant_limits where user_id = md5($1)::uuid`,
    [user],
  );
  return rows.map((row) => `${row.desired} ${row.status}`).join(', ');
};

test('a user who had used all up begins anew, and the assistants are queued to be restored', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-09T10:00Z', 601),
  ]);
  expect(await subscription('ada')).toEqual({ next: '2026-11-20', limited: true });
  expect(await reset('2026-11-20T00:00:00Z')).toMatchObject({
    due: 1,
    reset: 1,
    periodsCaughtUp: 0,
    assistants: { queued: 2, restored: 0, failed: 0 },
  });
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: false });
  expect(await desired('ada')).toBe('original pending');
  expect(await quotas('ada')).toEqual([
    { start: '2026-10-20', used: '601.000', closed: '601.000', late: '0.000', exhausted: true },
    { start: '2026-11-20', used: '0.000', closed: null, late: null, exhausted: false },
  ]);
});

test('months that were missed are caught up in one reset, from the anchor: 31, 30, 31, 31, 28', async () => {
  await at('2026-11-10T00:00:00Z', [subscribe('bob', 'voice', 'voice-free')]);
  expect((await subscription('bob')).next).toBe('2026-11-30');
  expect(await reset('2027-02-01T00:00:00Z')).toMatchObject({ due: 1, reset: 1, periodsCaughtUp: 2 });
  expect((await subscription('bob')).next).toBe('2027-02-28');
  expect(await reset('2027-02-28T00:00:00Z')).toMatchObject({ due: 1, reset: 1, periodsCaughtUp: 0 });
  expect((await subscription('bob')).next).toBe('2027-03-31');
});

test('a call that comes late for a closed period counts there, shows as late, and limits nobody', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-09T10:00Z', 500),
  ]);
  await reset('2026-11-21T00:00:00Z');
  await at('2026-11-22T00:00:00Z', [
    call('ada', '2026-11-19T23:00Z', 300),
    call('ada', '2026-09-25T10:00Z', 900),
  ]);
  expect(await quotas('ada')).toEqual([
    { start: '2026-09-20', used: '900.000', closed: '0.000', late: '900.000', exhausted: false },
    { start: '2026-10-20', used: '800.000', closed: '500.000', late: '300.000', exhausted: false },
    { start: '2026-11-20', used: '0.000', closed: null, late: null, exhausted: false },
  ]);
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: false });
  expect(await reset('2026-11-23T00:00:00Z')).toMatchObject({ due: 0, reset: 0 });
});

test('usage after the boundary and before the run stays in the new period', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-09T10:00Z', 700),
  ]);
  await at('2026-11-20T01:00:00Z', [call('ada', '2026-11-20T00:30Z', 100)]);
  expect(await reset('2026-11-20T02:00:00Z')).toMatchObject({ reset: 1, assistants: { queued: 2 } });
  expect((await quotas('ada')).at(-1)).toMatchObject({ start: '2026-11-20', used: '100.000', closed: null });
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: false });
});

test('who has used the new period up before the run stays limited', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-09T10:00Z', 700),
  ]);
  await at('2026-11-20T01:00:00Z', [call('ada', '2026-11-20T00:30Z', 650)]);
  expect(await reset('2026-11-20T02:00:00Z')).toMatchObject({ reset: 1, assistants: { queued: 0 } });
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: true });
  expect(await desired('ada')).toBe('limited pending');
});

test('usage of a period that had not begun when it was logged limits when it begins', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-21T10:00Z', 700),
  ]);
  expect(await subscription('ada')).toEqual({ next: '2026-11-20', limited: false });
  await reset('2026-11-22T00:00:00Z');
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: true });
  expect(await desired('ada')).toBe('limited pending');
  expect((await quotas('ada')).at(-1)).toMatchObject({ start: '2026-11-20', exhausted: true });
  const alerts = await desk.query('select threshold from quota.usage_alerts order by 1');
  expect(alerts).toEqual([{ threshold: 80 }, { threshold: 90 }, { threshold: 100 }]);
});

const mixedPlan = [
  `insert into quota.meters (key, service, unit, models) values ('voice_lifetime', 'voice', 'second', null)`,
  `insert into quota.meters (key, service, unit, models) values ('voice_daily', 'voice', 'second', null)`,
  `insert into quota.plans (key, service, name) values ('voice-mixed', 'voice', 'Mixed')`,
  `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, on_exceeded) values
    ('voice-mixed', 'voice_seconds', 1000, '1 month', 'limit_assistants'),
    ('voice-mixed', 'voice_daily', 200, '1 day', 'limit_assistants'),
    ('voice-mixed', 'voice_lifetime', 3000, null, 'limit_assistants')`,
  subscribe('ada', 'voice', 'voice-mixed'),
];

test('a plan of several meters resets each in its time, and a limit holds while any of them is used up', async () => {
  await at('2026-11-10T12:00:00Z', [...mixedPlan, call('ada', '2026-11-10T10:00Z', 250)]);
  expect(await subscription('ada')).toEqual({ next: '2026-11-11', limited: true });
  expect(await reset('2026-11-11T00:05:00Z')).toMatchObject({ reset: 1, assistants: { queued: 2 } });
  expect(await subscription('ada')).toEqual({ next: '2026-11-12', limited: false });

  await at('2026-11-11T12:00:00Z', [call('ada', '2026-11-11T10:00Z', 900)]);
  expect(await reset('2026-11-12T00:05:00Z')).toMatchObject({ reset: 1, assistants: { queued: 0 } });
  expect(await subscription('ada')).toEqual({ next: '2026-11-13', limited: true });

  expect(await reset('2026-11-20T00:05:00Z')).toMatchObject({ reset: 1, assistants: { queued: 2 } });
  expect(await subscription('ada')).toEqual({ next: '2026-11-21', limited: false });

  await at('2026-11-20T12:00:00Z', [call('ada', '2026-11-20T10:00Z', 2000)]);
  expect(await reset('2026-12-25T00:05:00Z')).toMatchObject({ reset: 1, assistants: { queued: 0 } });
  expect(await subscription('ada')).toEqual({ next: '2026-12-26', limited: true });
});

test('a limit of another service goes on limiting', async () => {
  await at('2026-11-10T00:00:00Z', [
    `update quota.plan_limits set on_exceeded = 'limit_assistants' where plan = 'transcription-free'`,
    subscribe('ada', 'voice', 'voice-free'),
    subscribe('ada', 'transcription', 'transcription-free'),
    `update quota.subscriptions set anchor_local = '2026-01-25' where service = 'transcription'`,
    call('ada', '2026-11-09T10:00Z', 700),
    call('ada', '2026-11-09T10:00Z', 1800, 'transcription'),
  ]);
  expect(await reset('2026-11-21T00:00:00Z')).toMatchObject({ reset: 1, assistants: { queued: 0 } });
  expect(await desired('ada')).toBe('limited pending');
  expect(await reset('2026-11-26T00:00:00Z')).toMatchObject({ reset: 1, assistants: { queued: 2 } });
  expect(await desired('ada')).toBe('original pending');
});

test('a grant that is not used up is there after the reset', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    `insert into quota.grants (user_id, meter, quantity, reason) values (md5('ada')::uuid, 'voice_seconds', 300, 'sorry')`,
    call('ada', '2026-11-09T10:00Z', 700),
  ]);
  expect((await subscription('ada')).limited).toBe(false);
  await reset('2026-11-21T00:00:00Z');
  const granted = await desk.query(
    `select q.granted, g.consumed from quota.usage_quotas q join quota.grants g using (user_id) order by period_start`,
  );
  expect(granted).toEqual([
    { granted: '300.000', consumed: '100.000' },
    { granted: '200.000', consumed: '100.000' },
  ]);
});

test('calendar months are another job’s, on the first of the month in the zone of the plan', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    subscribe('ada', 'chat', 'chat-free'),
    subscribe('bob', 'avatar', 'avatar-lifetime'),
  ]);
  expect(await reset('2026-11-30T23:59:59Z', 'reset-months')).toMatchObject({ due: 0 });
  expect(await reset('2026-12-01T00:00:00Z', 'reset-months')).toMatchObject({ due: 1, reset: 1 });
  expect((await subscription('ada', 'chat')).next).toBe('2027-01-01');
  expect((await subscription('ada')).next).toBe('2026-11-20');
});

test('a change of plan keeps a reset due, and one that was done is not done again', async () => {
  await at('2026-11-10T00:00:00Z', [
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-09T10:00Z', 700),
  ]);
  await at('2026-11-20T06:00:00Z', [
    `insert into quota.plans (key, service, name) values ('voice-ten-days', 'voice', 'Ten days')`,
    `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, on_exceeded)
    values ('voice-ten-days', 'voice_seconds', 300, '10 days', 'limit_assistants')`,
    `update quota.subscriptions set plan = 'voice-ten-days'`,
  ]);
  expect(await reset('2026-11-20T07:00:00Z')).toMatchObject({ due: 1, reset: 1 });
  await at('2026-11-20T08:00:00Z', [`update quota.subscriptions set plan = 'voice-free'`]);
  expect(await reset('2026-11-20T09:00:00Z')).toMatchObject({ due: 0 });
  expect(await reset('2026-12-20T09:00:00Z')).toMatchObject({ due: 1, reset: 1 });
});

test('a subscription that was removed and made anew remembers its resets', async () => {
  await at('2026-11-10T00:00:00Z', [subscribe('ada', 'voice', 'voice-free')]);
  await reset('2026-11-21T00:00:00Z');
  await at('2026-11-22T00:00:00Z', [
    'delete from quota.subscriptions',
    subscribe('ada', 'voice', 'voice-free'),
    call('ada', '2026-11-19T10:00Z', 700),
  ]);
  expect(await reset('2026-11-23T00:00:00Z')).toMatchObject({ due: 0 });
  expect(await subscription('ada')).toEqual({ next: '2026-12-20', limited: false });
});
