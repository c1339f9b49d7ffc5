import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const asOf = '2026-10-20T00:00:00Z';
const desk = useDesk({ asOf });
const query = <Row = unknown>(sql: string) => desk.queryAt<Row & object>(asOf, sql);

/** Forty users of four services, some with all of what can be: no call, a call at a cost of its own, grants, corrections. */
beforeAll(async () => {
  await query(`
    select setseed(0.25);
    insert into quota.users (external_id, created_at)
    select 'user-' || n, timestamptz '2026-07-01' + n * interval '31 hours' from generate_series(1, 40) n;
    insert into quota.subscriptions (user_id, service, plan, created_at)
    select u.id, p.service, p.key, u.created_at
    from quota.users u
    join quota.plans p on p.key = any (array['voice-free', 'chat-free',
      case when hashtext(u.external_id) % 2 = 0 then 'avatar-lifetime' else 'avatar-monthly' end,
      case when hashtext(u.external_id) % 3 = 0 then 'transcription-free' else 'transcription-pro' end])`);
  await query(`
    insert into quota.call_logs (user_id, service, model, status, started_at, duration_seconds, cost)
    select s.user_id, s.service, case when random() < 0.5 then 'claude-3-opus' end,
      case when random() < 0.1 then 'error' else 'completed' end,
      timestamptz '${asOf}' - random() * interval '70 days', (random() * (20 + abs(hashtext(u.external_id)) % 150))::integer,
      case when random() < 0.4 then round((random() * 4)::numeric, 3) end
    from quota.users u join quota.subscriptions s on s.user_id = u.id cross join generate_series(1, 25)
    where hashtext(u.external_id || s.service) % 7 <> 0`);
  await query(`
    insert into quota.grants (user_id, meter, quantity, reason)
    select q.user_id, q.meter, 30 + (random() * 900)::integer, 'goodwill'
    from quota.usage_quotas q where quota.contains(q, quota.now()) and random() < 0.2;
    insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
    select q.user_id, q.meter, q.period_start, 'correction', -least(q.used, 20), -q.cost / 2, 'credit'
    from quota.usage_quotas q where quota.contains(q, quota.now()) and random() < 0.2`);
});

test('what plans come to is what their subscribers have, each asked by itself', async () => {
  const told =
    await query(`select service, plan, meter, users, active, warning, exceeded, used, allowance, cost,
      cost_allowance from quota.plan_utilization() where users > 0 order by plan, meter`);
  const asked = await query(
    `select c.service, c.plan, c.meter, count(*)::integer as users, (count(*) filter (where c.calls > 0))::integer as active,
       (count(*) filter (where c.state in ('warning', 'critical')))::integer as warning,
       (count(*) filter (where c.state = 'exceeded'))::integer as exceeded, sum(c.used) as used,
       sum(c.limit_quantity + c.granted) as allowance, sum(c.cost) as cost,
       sum(coalesce(c.cost_limit, round((c.limit_quantity + c.granted) * c.unit_price / quota.units_priced(c.unit), 6)))
         as cost_allowance
     from quota.users u cross join lateral quota.current_quotas(u.id) c
     group by c.service, c.plan, c.meter order by c.plan, c.meter`,
  );
  expect(told).toEqual(asked);
  expect(told).toHaveLength(7);
});

test('who runs out is who does by his own pace, a lifetime by its last thirty days', async () => {
  const told = await query<{ at: Date }>(
    'select external_id, meter, runs_out_at as at from quota.forecast_quotas() order by external_id, meter',
  );
  const asked = await query<{ at: Date }>(
    `select u.external_id, q.meter, r.at
     from quota.usage_quotas q
     join quota.users u on u.id = q.user_id
     cross join lateral (
       select sum(c.duration_seconds) / 30 as per_day, sum(c.cost) / 30 as cost_per_day from quota.call_logs c
       where c.user_id = q.user_id and c.service = 'avatar' and c.started_at >= quota.day_of(quota.now()) - 29) l
     cross join lateral (select case when isfinite(q.period_start)
       then quota.runs_out_at(q.used, q.adjusted, q.limit_quantity + q.granted, q.cost, q.cost_limit,
         quota.adjusted_cost(q.user_id, q.meter, q.period_start), q.calls, q.period_start, q.period_end, quota.now())
       else quota.now() + (q.limit_quantity + q.granted - q.used) / nullif(l.per_day, 0) * interval '1 day' end as at) r
     where quota.contains(q, quota.now()) and not q.superseded and q.exhausted_at is null and q.calls > 0
       and r.at < least(q.period_end, quota.now() + interval '366 days')
     order by u.external_id, q.meter`,
  );
  const names = (rows: object[]) => rows.map((row) => ({ ...row, at: undefined }));
  expect(names(told)).toEqual(names(asked));
  // Rounded to a second in one, and in another place in the other.
  expect(told.filter(({ at }, n) => Math.abs(at.getTime() - (asked[n]?.at.getTime() ?? 0)) > 1_000)).toEqual(
    [],
  );
  expect(told.length).toBeGreaterThan(5);
});

test('a call without a cost is at the price of its period, however many days are asked for', async () => {
  const asked = await query(
    `select c.service, sum(coalesce(c.cost, quota.cost_of(null, m.unit, coalesce(c.duration_seconds, 0), (
       select q.unit_price from quota.usage_quotas q
       where q.user_id = c.user_id and q.meter = m.key and not q.superseded and quota.contains(q, c.started_at)))))
       as cost
     from quota.call_logs c join quota.meters m on m.service = c.service and m.models is null
     where c.service <> 'chat' group by c.service order by c.service`,
  );
  const days = `select array(select quota.day_of(quota.now()) - n from generate_series(0, 70) n) as days`;
  const together = await query(
    `select c.service, sum(c.cost) as cost from (${days}) d cross join lateral quota.calls_of_days(d.days) c
     where c.service <> 'chat' group by c.service order by c.service`,
  );
  const dayByDay = await query(
    `select c.service, sum(c.cost) as cost from (${days}) d cross join lateral unnest(d.days) day
     cross join lateral quota.calls_of_days(array[day]) c
     where c.service <> 'chat' group by c.service order by c.service`,
  );
  expect(together).toEqual(asked);
  expect(dayByDay).toEqual(asked);
});

test('who was active is counted once per day, service and range, of more days than fit into one number', async () => {
  const { days, rows, totals } = await desk.json(
    'usage',
    'analytics',
    '--from',
    '2026-08-01',
    '--to',
    '2026-10-20',
  );
  const active = async (key: string) =>
    query<{ key: string; users: number }>(
      `select ${key} as key, count(distinct user_id)::integer as users from quota.call_logs
       where started_at >= '2026-08-01' and started_at < '2026-10-20' group by 1 order by 1`,
    );
  const counted = (list: { key: string; activeUsers: number }[]) =>
    list
      .filter(({ activeUsers }) => activeUsers > 0)
      .map(({ key, activeUsers }) => ({ key, users: activeUsers }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  expect(counted(days.map((day: { day: string }) => ({ ...day, key: day.day })))).toEqual(
    await active('quota.day_of(started_at)::text'),
  );
  expect(counted(rows)).toEqual(await active('service'));
  expect([{ key: 'all', users: totals.activeUsers }]).toEqual(await active(`'all'`));
});
