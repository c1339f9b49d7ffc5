import { beforeAll, describe, expect, test } from 'vitest';
import { useApp } from './app.ts';

const app = useApp('2026-11-10T12:00:00Z');

const check = (user: string) =>
  app.call(
    `select allowed, reason, action, used, remaining, state, resets_at from quota.check($1, 'avatar')`,
    [user],
  );

describe('20 minutes per account, ever', () => {
  test('5:30, 8:15 and 6:15 leave nothing; from then on the static avatar', async () => {
    await app.addUser('ann', '2026-10-31T09:00:00Z');
    const minutes = [330, 495, 375];
    const left: unknown[] = [];
    for (const [index, seconds] of minutes.entries()) {
      const session = await app.call(
        `select allowed, session_id, cap_seconds from quota.start_session('ann', 'avatar', $1)`,
        [`session-${index}`],
      );
      expect(session.allowed).toBe(true);
      const ended = await app.call('select remaining, action from quota.end_session($1, $2)', [
        session.session_id,
        seconds,
      ]);
      left.push(ended);
    }
    expect(left).toEqual([
      { remaining: '870.000', action: null },
      { remaining: '375.000', action: null },
      { remaining: '0.000', action: 'switch_to_static' },
    ]);
    expect(await check('ann')).toMatchObject({
      allowed: false,
      reason: 'quota_exceeded',
      action: 'switch_to_static',
      used: '1200.000',
      state: 'exceeded',
      resets_at: null,
    });
    expect(
      await app.call(`select allowed, action from quota.start_session('ann', 'avatar', 'one more')`),
    ).toEqual({ allowed: false, action: 'switch_to_static' });
  });

  test('it stays used up: years later, and after every job', async () => {
    app.at('2031-01-01T00:00:00Z');
    await app.call(`select quota.reset_due('signup', 100, null)`);
    await app.call(`select quota.reset_due('calendar', 100, null)`);
    expect(await check('ann')).toMatchObject({ allowed: false, remaining: '0.000' });
  });

  test('two minutes left cap the session at two minutes', async () => {
    app.at('2026-11-10T12:00:00Z');
    await app.addUser('ben', '2026-10-01T00:00:00Z');
    await app.call(`select quota.record('ben', 'avatar', 'ben-1', 1080)`);
    expect(
      await app.call(`select allowed, cap_seconds from quota.start_session('ben', 'avatar', 'ben-2')`),
    ).toEqual({ allowed: true, cap_seconds: '120.000' });
  });

  test('many short sessions count to the millisecond', async () => {
    await app.addUser('cleo', '2026-10-01T00:00:00Z');
    for (let index = 0; index < 10; index++) {
      await app.call(`select quota.record('cleo', 'avatar', $1, 0.999)`, [`cleo-${index}`]);
    }
    expect(await check('cleo')).toMatchObject({ used: '9.990', remaining: '1190.010' });
  });

  test('100 sessions started at once never overspend', async () => {
    await app.addUser('dora', '2026-10-01T00:00:00Z');
    const started = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        app.call(
          `select allowed, cap_seconds, session_id from quota.start_session('dora', 'avatar', $1, p_estimate => 50)`,
          [`dora-${index}`],
        ),
      ),
    );
    const allowed = started.filter((session) => session.allowed);
    expect(allowed).toHaveLength(24);
    await Promise.all(
      allowed.map((session) =>
        app.call('select quota.end_session($1, $2)', [session.session_id, session.cap_seconds]),
      ),
    );
    expect(await check('dora')).toMatchObject({ used: '1200.000', allowed: false });
  });

  test('a session that is started or ended twice counts once', async () => {
    await app.addUser('eve', '2026-10-01T00:00:00Z');
    const start = () => app.call(`select session_id from quota.start_session('eve', 'avatar', 'eve-1')`);
    const first = await start();
    expect(await start()).toEqual(first);
    const end = () => app.call('select recorded, used from quota.end_session($1, 60)', [first.session_id]);
    expect(await end()).toEqual({ recorded: true, used: '60.000' });
    expect(await end()).toEqual({ recorded: false, used: '60.000' });
  });
});

describe('60 minutes and $50 a calendar month (Phase 1.5)', () => {
  beforeAll(async () => {
    app.at('2026-11-10T12:00:00Z');
    for (const user of ['mia', 'noa']) {
      const id = await app.addUser(user, '2026-10-31T09:00:00Z');
      await app.call(
        `insert into quota.subscriptions (user_id, service, plan) values ($1, 'avatar', 'avatar-monthly')`,
        [id],
      );
    }
  });

  test('costs are estimated at $0.50 a minute, and 80 % warns', async () => {
    expect(
      await app.call(`select cost::text, cost_limit::text from quota.record('mia', 'avatar', 'mia-1', 2700)`),
    ).toEqual({ cost: '22.500000', cost_limit: '50.000000' });
    expect(
      await app.call(
        `select cost::text, cost_limit::text, message from quota.check('mia', 'avatar', p_quantity => 905)`,
      ),
    ).toEqual({
      cost: '22.500000',
      cost_limit: '50.000000',
      message: expect.stringContaining(
        'This needs more than the 15:00 avatar minutes that are left of the plan',
      ),
    });
    const [quota] = await app.rows(
      `select cost::text from quota.usage_quotas q join quota.users u on u.id = q.user_id where u.external_id = 'mia'`,
    );
    expect(quota).toEqual({ cost: '22.500000' });
    expect(await check('mia')).toMatchObject({ state: 'ok' });
    await app.call(`select quota.record('mia', 'avatar', 'mia-2', 180)`);
    expect(await check('mia')).toMatchObject({ state: 'warning', remaining: '720.000' });
    expect(
      await app.rows(
        `select threshold, level from quota.usage_alerts a join quota.users u on u.id = a.user_id where u.external_id = 'mia'`,
      ),
    ).toEqual([{ threshold: 80, level: 'warning' }]);
  });

  test('dear sessions reach the cost cap first', async () => {
    await app.call(`select quota.record('noa', 'avatar', 'noa-1', 600, p_cost => 50)`);
    expect(await check('noa')).toMatchObject({
      allowed: false,
      reason: 'cost_limit_exceeded',
      action: 'switch_to_static',
      used: '600.000',
      remaining: '0.000',
    });
  });

  test('the first of the month begins anew', async () => {
    app.at('2026-12-01T00:00:00Z');
    expect(await check('noa')).toMatchObject({ allowed: true, remaining: '3600.000' });
  });

  test('a failed session is kept with its error', async () => {
    await app.call(
      `select quota.record('mia', 'avatar', 'mia-3', 4, p_status => 'error', p_error => 'stream lost')`,
    );
    const [log] = await app.rows(
      `select status, error_message, duration_seconds from quota.call_logs where provider_call_id = 'mia-3'`,
    );
    expect(log).toEqual({ status: 'error', error_message: 'stream lost', duration_seconds: '4.000' });
  });
});

test('all of it follows from the facts', async () => {
  expect(await app.differences()).toEqual([]);
});
