import { expect, test } from 'vitest';
import type { UserPage } from '../../src/usage/list/list-users.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

/** Who is listed by state is who is in it by what the whole list says, whatever the clock: 600 seconds are allowed a month. */
async function listed(asOf: string): Promise<Record<string, string | null>> {
  const at = desk.with({ asOf });
  const { users }: UserPage = await at.json('user', 'list');
  const states = Object.fromEntries(users.map(({ externalId, state }) => [externalId, state]));
  for (const state of ['warning', 'critical', 'exceeded']) {
    for (const order of [[], ['--sort', 'percent']]) {
      const { users: found }: UserPage = await at.json('user', 'list', '--state', state, ...order);
      expect(found.map(({ externalId }) => externalId).sort()).toEqual(
        Object.keys(states)
          .filter((name) => states[name] === state)
          .sort(),
      );
    }
  }
  return states;
}

const call = (at: string, user: string, startedAt: string, seconds: number) =>
  desk.queryAt(
    at,
    `insert into quota.call_logs (user_id, service, started_at, duration_seconds) values ($1, 'voice', $2, $3)`,
    [user, startedAt, seconds],
  );
const add = (externalId: string) => desk.addUser({ externalId, createdAt: '2026-08-10T00:00:00Z' });

test('a period that begins with more used than allowed is listed before any job has seen it', async () => {
  const user = await add('ahead');
  await call('2026-10-09T23:58:00Z', user, '2026-10-10T00:01:00Z', 700);
  expect(await listed('2026-10-09T23:59:00Z')).toMatchObject({ ahead: 'ok' });
  expect(await listed('2026-10-10T00:00:00Z')).toMatchObject({ ahead: 'exceeded' });
});

test('what was told late of a period that is over is seen by whoever looks by its time', async () => {
  const user = await add('late');
  await call('2026-09-15T12:00:00Z', user, '2026-09-15T11:00:00Z', 100);
  await call('2026-10-12T12:00:00Z', user, '2026-09-16T11:00:00Z', 450);
  await call('2026-10-12T12:00:00Z', user, '2026-08-16T11:00:00Z', 480);
  expect(await listed('2026-10-12T13:00:00Z')).toMatchObject({ late: 'ok' });
  expect(await listed('2026-09-20T00:00:00Z')).toMatchObject({ late: 'critical' });
  expect(await listed('2026-08-20T00:00:00Z')).toMatchObject({ late: 'warning' });
  await desk.queryAt(
    '2026-10-12T14:00:00Z',
    `delete from quota.call_logs where user_id = $1 and duration_seconds > 400`,
    [user],
  );
  expect(await listed('2026-09-20T00:00:00Z')).toMatchObject({ late: 'ok' });
});

test('a plan that allows nothing, and terms of a period to come', async () => {
  await desk.query(`
    insert into quota.plans (key, service, name) values ('nothing', 'voice', 'Nothing');
    insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor)
    values ('nothing', 'voice_seconds', 0, '1 month', 'signup')`);
  const user = await add('nothing');
  await desk.queryAt(
    '2026-10-12T00:00:00Z',
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'nothing')`,
    [user],
  );
  await desk.queryAt('2026-11-12T00:00:00Z', `select quota.reset_due('signup', 10, null)`);
  const [opened] = await desk.query(
    `select alerted, exhausted_at from quota.usage_quotas where user_id = $1 and period_start >= '2026-11-10'`,
    [user],
  );
  expect(opened).toEqual({ alerted: null, exhausted_at: null });
  expect(await listed('2026-11-12T00:00:00Z')).toMatchObject({ nothing: 'exceeded' });
});
