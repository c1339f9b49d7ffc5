import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { refuseWarnings } from '../warnings.ts';

refuseWarnings();

/** Who runs out before the reset, at the pace of the period so far. */
const desk = useDesk();
const november = (day: number, time = '00:00:00') => `2026-11-${String(day).padStart(2, '0')}T${time}Z`;

/** Messages of chat-free: 100 a calendar month. */
const chat = (user: string, count: number, at: string, quantity = 1) =>
  desk.queryAt(
    at,
    `select quota.record($1, 'chat', $1 || '-' || $3 || '-' || n, $4) from generate_series(1, $2::integer) n`,
    [user, count, at, quantity],
  );
const pace = async (user: string, at: string, meter = 'messages') => {
  const [row] = await desk.queryAt<{ at: Date | null }>(
    at,
    `select runs_out_at as at from quota.get_user_plan_limits($1) where meter = $2`,
    [user, meter],
  );
  return row?.at?.toISOString() ?? null;
};

describe('what is said', () => {
  test('the share that is used against the share of the time that is gone', async () => {
    await chat('ann', 60, november(11));
    // 60 in 10 days: the 40 that are left last 6 2/3 days.
    expect(await pace('ann', november(11))).toBe(november(17, '16:00:00').replace('Z', '.000Z'));
    // The same usage a week later: 60 in 17 days, 40 last 11 1/3, which is before December.
    expect(await pace('ann', november(18))).toBe(november(29, '08:00:00').replace('Z', '.000Z'));
    expect(await pace('ann', november(20))).toBe(null);
  });

  test.each([
    ['four calls, however much they used', 4, 20],
    ['a pace at which the reset comes first', 30, 1],
    ['what is used up already', 100, 1],
  ])('nothing of %s', async (name, count, quantity) => {
    const user = `nobody-${name}`;
    await chat(user, count, november(11), quantity);
    expect(await pace(user, november(11))).toBe(null);
  });

  test('a first day is no pace, and a lifetime has none', async () => {
    await chat('bea', 5, november(1, '00:10:00'));
    expect(await pace('bea', november(1, '00:10:00'))).toBe(november(20, '00:10:00').replace('Z', '.000Z'));
    await desk.queryAt(november(2), `select quota.ensure_user('cai')`);
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await desk.queryAt(november(2), `select quota.record('cai', 'avatar', 'cai-' || $1::text, 150)`, [n]);
    }
    expect(await pace('cai', november(3), 'avatar_seconds')).toBe(null);
  });

  test('a grant and a reset change what is left, not how fast it goes', async () => {
    await chat('dan', 50, november(11));
    expect(await pace('dan', november(11))).toBe(november(21).replace('Z', '.000Z'));
    await desk.queryAt(november(11), `select quota.grant_allowance('dan', 'messages', 25, 'sorry')`);
    expect(await pace('dan', november(11))).toBe(november(26).replace('Z', '.000Z'));
    await desk.queryAt(november(11), `select quota.reset_usage('dan', 'sorry', p_service => 'chat')`);
    expect(await pace('dan', november(11))).toBe(null);
  });

  test('a cost limit runs out, too', async () => {
    await desk.queryAt(november(2), `select quota.ensure_user('eli')`);
    await desk.queryAt(november(2), `select quota.set_plan('eli', 'avatar-monthly', 'test')`);
    for (const n of [1, 2, 3, 4, 5]) {
      await desk.queryAt(
        november(11),
        `select quota.record('eli', 'avatar', 'eli-' || $1::text, 6, p_cost => 8)`,
        [n],
      );
    }
    // $40 of $50 in 10 days.
    expect(await pace('eli', november(11), 'avatar_seconds')).toBe('2026-11-13T12:00:00.000Z');
  });
});

test('check, record, the limits and the forecast say the same, also after a correction of the cost', async () => {
  await desk.queryAt(november(2), `select quota.ensure_user('ivy')`);
  await desk.queryAt(november(2), `select quota.set_plan('ivy', 'avatar-monthly', 'test')`);
  const record = async (n: number) =>
    (
      await desk.queryAt<{ at: Date | null }>(
        november(11),
        `select runs_out_at as at from quota.record('ivy', 'avatar', 'ivy-' || $1::text, 6, p_cost => 8)`,
        [n],
      )
    )[0]?.at?.toISOString() ?? null;
  for (const n of [1, 2, 3, 4]) {
    expect(await record(n)).toBe(null);
  }
  expect(await record(5)).toBe('2026-11-13T12:00:00.000Z');
  const said = async () => {
    const [check] = await desk.queryAt<{ at: Date | null }>(
      november(11),
      `select runs_out_at as at from quota.check('ivy', 'avatar')`,
    );
    const [forecast] = await desk.queryAt<{ at: Date | null }>(
      november(11),
      `select runs_out_at as at from quota.forecast_quotas('avatar') where external_id = 'ivy'`,
    );
    const { subscriptions } = await desk.at(november(11)).json('user', 'show', 'ivy');
    return [
      check?.at?.toISOString() ?? null,
      await pace('ivy', november(11), 'avatar_seconds'),
      forecast?.at?.toISOString() ?? null,
      subscriptions[0].quotas[0].runsOutAt,
    ];
  };
  expect(new Set(await said())).toEqual(new Set(['2026-11-13T12:00:00.000Z']));
  // $20 are taken off by hand: $30 are left, and still go at $4 a day.
  await desk.queryAt(
    november(11),
    `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
     select user_id, meter, period_start, 'correction', 0, -20, 'credit' from quota.usage_quotas
     where user_id = quota.find_user('ivy') and meter = 'avatar_seconds'`,
  );
  expect(new Set(await said())).toEqual(new Set(['2026-11-18T12:00:00.000Z']));
});

test('a record tells it on a plan with one meter, too, in whatever notation a session has', async () => {
  await desk.queryAt(november(1), `select quota.ensure_user('jon')`);
  await desk.queryAt(november(1), `select quota.set_plan('jon', 'voice-free', 'test')`);
  const at = (n: number) =>
    desk.queryAt<{ at: number | null }>(
      november(11),
      `select extract(epoch from runs_out_at)::integer as at from set_config('datestyle', 'sql, dmy', true) s
       cross join lateral quota.record('jon', 'voice', 'jon-' || $1::text, 80) where s <> ''`,
      [n],
    );
  const told = [];
  for (const n of [1, 2, 3, 4, 5]) {
    told.push((await at(n))[0]?.at ?? null);
  }
  expect(told).toEqual([null, null, null, null, Date.UTC(2026, 10, 16) / 1000]);
  expect(await pace('jon', november(11), 'voice_seconds')).toBe('2026-11-16T00:00:00.000Z');
});

test('show, list and explain tell it, where support looks', async () => {
  await chat('fay', 60, november(11));
  const support = desk.at(november(11));
  const runsOutAt = november(17, '16:00:00').replace('Z', '.000Z');
  const { subscriptions } = await support.json('user', 'show', 'fay');
  expect(subscriptions[0].quotas.map((quota: Record<string, unknown>) => quota.runsOutAt)).toEqual([
    runsOutAt,
    null,
  ]);
  const { stdout } = await support.run('user', 'show', 'fay');
  expect(stdout).toContain('at this pace used up Tue 17 Nov 2026 16:00');
  const { users } = await support.json('user', 'list', '--search', 'fay');
  expect(users.map((user: Record<string, unknown>) => [user.meter, user.runsOutAt])).toEqual([
    ['messages', runsOutAt],
  ]);
  expect((await support.run('user', 'list', '--search', 'fay')).stdout).toContain('2026-11-17 16:00');
  expect((await support.run('user', 'explain', 'fay')).stdout).toContain(
    'at this pace used up 2026-11-17 16:00Z, before its reset',
  );
});

describe('the alert', () => {
  const alerts = (user: string, at: string) =>
    desk.queryAt(
      at,
      `select threshold, level, active, message from quota.alerts($1) where threshold = 0 and meter = 'messages'`,
      [user],
    );
  const warn = (at: string) => desk.at(at).json('jobs', 'roll-up-analytics');
  const told = {
    threshold: 0,
    level: 'warning',
    active: true,
    message: 'At this pace your messages will be used up before the period ends',
  };

  test('is raised once per period, is over when the pace is, and comes again with the next', async () => {
    await chat('gil', 60, november(11));
    expect((await warn(november(11))).paceAlerts).toBeGreaterThan(0);
    expect(await warn(november(12))).toMatchObject({ paceAlerts: 0 });
    expect(await alerts('gil', november(12))).toEqual([told]);
    expect((await desk.at(november(12)).run('doctor', '--user', 'gil')).code).toBe(0);
    expect(await alerts('gil', november(25))).toEqual([{ ...told, active: false }]);
    await chat('gil', 20, november(26));
    expect(await warn(november(26))).toMatchObject({ paceAlerts: 0 });
    const [{ ended }] = (await desk.queryAt(
      november(26),
      `select count(*) filter (where ended_at is not null)::integer as ended from quota.alerts('gil')`,
    )) as [{ ended: number }];
    expect(ended).toBe(0);
    await desk.at('2026-12-01T01:00:00Z').run('jobs', 'reset-months');
    await chat('gil', 40, '2026-12-06T00:00:00Z');
    await warn('2026-12-06T00:00:00Z');
    expect(await alerts('gil', '2026-12-06T00:00:00Z')).toHaveLength(2);
  });

  test('is told like the others, with when it runs out', async () => {
    await chat('hal', 60, november(11));
    await warn(november(11));
    const folder = desk.path('told');
    mkdirSync(folder);
    const { stdout } = await desk
      .at(november(11))
      .with({ env: { QUOTA_ALERT_COMMAND: `cat > ${folder}/$$` } })
      .run('jobs', 'raise-alerts', '--json');
    expect(JSON.parse(stdout).delivered).toBeGreaterThan(0);
    const messages = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
    expect(
      messages.find(({ user, type }) => user.externalId === 'hal' && type === 'usage.pace'),
    ).toMatchObject({
      threshold: 0,
      level: 'warning',
      meter: 'messages',
      runsOutAt: november(17, '16:00:00').replace('Z', '.000Z'),
    });
  });

  test('is not raised where the plan warns of nothing', async () => {
    await desk.query(`insert into quota.plans (key, service, name) values ('chat-quiet', 'chat', 'Quiet')`);
    await desk.query(
      `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor, warn_at)
       values ('chat-quiet', 'messages', 100, '1 month', 'calendar', '{}')`,
    );
    await desk.queryAt(november(2), `select quota.ensure_user('ivy')`);
    await desk.queryAt(november(2), `select quota.set_plan('ivy', 'chat-quiet', 'test')`);
    await chat('ivy', 60, november(11));
    await warn(november(11));
    expect(await alerts('ivy', november(11))).toEqual([]);
  });
});
