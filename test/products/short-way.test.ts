import { beforeAll, expect, test } from 'vitest';
import { useApp } from './app.ts';

/** Every plan at shares of its limit up to and beyond each edge, with and without what else a check looks at. */
const percents = ['0', '50', '79.994', '79.996', '80', '89.999', '95', '99.994', '99.999', '100', '130'];
const extras = ['nothing', 'grant', 'session', 'cost'] as const;
const app = useApp('2026-11-10T12:00:00Z');

beforeAll(async () => {
  const plans = await app.rows<{ plan: string; service: string }>(
    'select key as plan, service from quota.plans where not anonymous',
  );
  for (const { plan, service } of plans) {
    for (const percent of percents) {
      for (const extra of extras) {
        await arrange(`${plan} ${percent} ${extra}`, plan, service, percent, extra);
      }
    }
  }
});

async function arrange(
  name: string,
  plan: string,
  service: string,
  percent: string,
  extra: (typeof extras)[number],
) {
  const user = await app.addUser(name, '2026-01-31T09:00:00Z');
  await app.rows('insert into quota.subscriptions (user_id, service, plan) values ($1, $2, $3)', [
    user,
    service,
    plan,
  ]);
  if (extra === 'grant') {
    await app.rows(
      `insert into quota.grants (user_id, meter, quantity, reason, expires_at)
       select $1, meter, 7, 'sorry', quota.now() + interval '1 day' from quota.plan_limits where plan = $2`,
      [user, plan],
    );
  }
  if (extra === 'session') {
    await app.rows(
      `insert into quota.concurrent_processing (user_id, service, reserved, expires_at)
       values ($1, $2, 60, quota.now() + interval '1 hour')`,
      [user, service],
    );
  }
  // One call by one insert, which takes the short way of counting.
  await app.rows(
    `insert into quota.call_logs (user_id, service, model, started_at, duration_seconds, messages, cost)
     select $1, $2, null, quota.now() - interval '1 hour',
       case m.unit when 'second' then l.limit_quantity * $3::numeric / 100 end,
       case m.unit when 'message' then round(l.limit_quantity * $3::numeric / 100) end,
       case when $4 then l.cost_limit * 0.85 end
     from quota.plan_limits l join quota.meters m on m.key = l.meter and m.models is null where l.plan = $5`,
    [user, service, percent, extra === 'cost', plan],
  );
}

test('the short way of a check gives the answer of the long one', async () => {
  const answers = await app.rows<{ short: string; full: string; state: string; plain: boolean }>(
    `select short::text, complete::text as full, complete.state,
       complete.allowed and complete.state = 'ok' as plain
     from quota.subscriptions s
     cross join unnest(array[null, 'gemini-2.0-flash', 'claude-3-opus']) model
     cross join unnest(array[null, 0, 1, 100000]) quantity
     cross join lateral quota.decide(s.user_id, s.service, model, quantity) short
     cross join lateral quota.decide_in_full(s.user_id, s.service, model, quantity, null, 'usage') complete`,
  );
  expect(answers.filter(({ short, full }) => short !== full)).toEqual([]);
  expect(new Set(answers.map(({ state }) => state))).toEqual(
    new Set(['ok', 'warning', 'critical', 'exceeded']),
  );
  expect(answers.filter(({ plain }) => plain).length).toBeGreaterThan(300);
});

test('so does the one look of an app that names the user by its own id', async () => {
  // One after the other: functions that are called with two search paths in turn are planned anew each time.
  const answersOf = (call: string) =>
    app.rows<{ answer: string; plain: boolean }>(
      `select a::text as answer, a.allowed and a.state = 'ok' as plain
       from quota.subscriptions s
       join quota.users u on u.id = s.user_id
       cross join unnest(array[null, 'claude-3-opus']) model
       cross join unnest(array[null, 1]) quantity
       cross join lateral ${call} a
       order by s.user_id, s.service, model, quantity`,
    );
  const short = await answersOf('quota.check(u.external_id, s.service, model, quantity)');
  const full = await answersOf("quota.decide_in_full(s.user_id, s.service, model, quantity, null, 'usage')");
  expect(short).toEqual(full);
  expect(short.filter(({ plain }) => plain).length).toBeGreaterThan(300);
});

test('so does the one that leaves out what is left of each meter', async () => {
  const answers = await app.rows<{ short: Record<string, unknown>; full: Record<string, unknown> }>(
    `select to_jsonb(short) - 'meters' as short, to_jsonb(complete) - 'meters' as full
     from quota.subscriptions s
     cross join unnest(array[null, 'claude-3-opus']) model
     cross join unnest(array[null, 0, 1, 100000]) quantity
     cross join lateral quota.decide(s.user_id, s.service, model, quantity, p_tells_meters => false) short
     cross join lateral quota.decide_in_full(s.user_id, s.service, model, quantity, null, 'usage') complete`,
  );
  expect(answers.map(({ short }) => short)).toEqual(answers.map(({ full }) => full));
  expect(answers.length).toBeGreaterThan(300);
});

test('a record answers what a check would, whatever way counted it', async () => {
  const rows = (calls: string) =>
    app.rows<Record<string, unknown>>(
      `select u.external_id, s.service, r.recorded, a.used, a."limit", a.remaining, a.state, a.action, a.cost, a.cost_limit
       from quota.subscriptions s join quota.users u on u.id = s.user_id ${calls} order by 1, 2`,
    );
  const recorded = await rows(
    `cross join lateral quota.record(u.external_id, s.service, 'again ' || s.user_id || s.service, 1) r
     cross join lateral (select r.*) a`,
  );
  const left = await rows(
    `cross join (select true as recorded) r
     cross join lateral quota.decide_in_full(s.user_id, s.service, null, null, null, 'usage') a`,
  );
  expect(recorded).toEqual(left);
  expect(recorded.length).toBeGreaterThan(300);
  expect(await app.differences()).toEqual([]);
});

test('the short way of counting raises every alert and mark that its rounded percent calls for', async () => {
  expect(
    await app.rows(
      `with quotas as (
         select q.*, quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as percent
         from quota.usage_quotas q where q.used > 0)
       select q.user_id, q.meter, q.percent, w as threshold, a.threshold as raised, q.exhausted_at
       from quotas q cross join unnest(q.warn_at) w
       left join quota.usage_alerts a on a.user_id = q.user_id and a.meter = q.meter
         and a.period_start = q.period_start and a.threshold = w
       where (q.percent >= w) <> (a.threshold is not null)
         or quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) <> (q.exhausted_at is not null)`,
    ),
  ).toEqual([]);
  expect(await app.differences()).toEqual([]);
});
