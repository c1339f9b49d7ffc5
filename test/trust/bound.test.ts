import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { Logins } from './logins.ts';

const desk = useDesk();
let logins: Logins;
let [operator, finance] = ['', ''];
beforeAll(() => {
  logins = new Logins(desk);
});
/** A login of one user that is given more later on: the tool refuses the other order. */
async function bound(role: 'operator' | 'finance'): Promise<string> {
  const login = await logins.add(role, 'readonly');
  await desk.json('login', 'bind', login, '--user', 'ada', '--reason', 'her own work', '--yes');
  await desk.query(`grant quota_${role} to ${login}`);
  return login;
}

beforeAll(async () => {
  for (const externalId of ['ada', 'bob']) {
    await desk.addUser({ externalId, assistants: [`${externalId}-desk`] });
    await desk.query(`select quota.record($1, 'voice', $1, 590)`, [externalId]);
    await desk.json('user', 'grant', externalId, 'voice_seconds', '5', '--reason', 'x', '--yes');
  }
  operator = await bound('operator');
  finance = await bound('finance');
});

const id = (name: string) => `(select id from quota.users where external_id = '${name}')`;
/** By the hand of an operator: the values of the other user are those that somebody might have seen. */
async function ids() {
  const [row] = await desk.query<{
    bob: string;
    ada: string;
    assistant: string;
    grant: string;
    alert: string;
  }>(
    `select ${id('bob')} as bob, ${id('ada')} as ada,
       (select id from quota.assistants where user_id = ${id('bob')}) as assistant,
       (select id from quota.grants where user_id = ${id('bob')}) as grant,
       (select id from quota.alert_deliveries where user_id = ${id('bob')} limit 1) as alert`,
  );
  return row as NonNullable<typeof row>;
}

const ofBob: Record<string, (of: Awaited<ReturnType<typeof ids>>) => string> = {
  change_plan: ({ bob }) => `quota.change_plan(array['${bob}']::uuid[], 'voice-free', 'x')`,
  'change_plan among others': ({ ada, bob }) =>
    `quota.change_plan(array['${ada}', '${bob}']::uuid[], 'voice-free', 'x')`,
  change_zones: ({ bob }) => `quota.change_zones(array['${bob}']::uuid[], array['Asia/Kolkata'])`,
  move_plan: () => `quota.move_plan('voice-free', 'voice-free', 'x', null)`,
  lift_services: ({ bob }) => `quota.lift_services('${bob}', array['voice'])`,
  revoke_grant: ({ grant }) => `quota.revoke_grant(${grant}, 'x')`,
  'revoke_grant of nobody': () => `quota.revoke_grant(987654, 'x')`,
  enforce_limits: ({ bob }) => `quota.enforce_limits(10, null, '${bob}')`,
  'enforce_limits of all': () => 'quota.enforce_limits(10)',
  queue_unlimited: () => 'quota.queue_unlimited(10)',
  give_original: ({ assistant }) =>
    `quota.give_original('${assistant}', 'original', '{}', '{}', null, 'x', true, 'x')`,
  lift_limits: ({ bob }) => `quota.lift_limits(array['${bob}']::uuid[], 'x')`,
  limit_users: ({ bob }) => `quota.limit_users(array['${bob}']::uuid[], 'x')`,
  revive_assistants: ({ assistant }) => `quota.revive_assistants(array['${assistant}']::uuid[], null)`,
  reset_due: () => 'quota.reset_due(null, 10, null)',
  'reset_due of one': ({ bob }) => `quota.reset_due(null, 10, null, '${bob}')`,
  reopen_after: () => `quota.reopen_after('2026-01-01', 'x')`,
  reap_calls: () => `quota.reap_calls(10, null, interval '1 day')`,
  reap_grants: ({ bob }) => `quota.reap_grants(10, '${bob}')`,
  reap_sessions: () => 'quota.reap_sessions(10, null)',
  withdraw_alerts: ({ alert }) => `quota.withdraw_alerts(array['${alert}']::uuid[])`,
  add_up_missing: () => 'quota.add_up_missing()',
  roll_up_day: () => `quota.roll_up_day('2026-11-01')`,
  reset_usage: () => `quota.reset_usage('bob', 'x')`,
  set_plan: () => `quota.set_plan('bob', 'voice-free', 'x')`,
  grant_allowance: () => `quota.grant_allowance('bob', 'voice_seconds', 1, 'x')`,
};

test.each(Object.entries(ofBob))('an operator of one user is refused others: %s', async (_, call) => {
  await expect(logins.as(operator, `select * from ${call(await ids())}`)).rejects.toMatchObject({
    code: 'QT006',
  });
});

test('the same of the own user is done, and alerts of others are not claimed', async () => {
  const { ada } = await ids();
  await logins.as(operator, `select quota.lift_limits(array['${ada}']::uuid[], 'asked for')`);
  await logins.as(operator, `select quota.reset_due(null, 10, null, '${ada}')`);
  await logins.as(operator, `select quota.change_zones(array['${ada}']::uuid[], array['Asia/Kolkata'])`);
  const claimed = await logins.as(operator, `select id from quota.claim_alerts(100, interval '0')`);
  const mine = await desk.query(`select id from quota.alert_deliveries where user_id = $1`, [ada]);
  expect(claimed.map((row) => row.id).sort()).toEqual(mine.map((row) => row.id).sort());
  expect(await logins.as(operator, 'select distinct external_id from quota.known_logins()')).toEqual([
    { external_id: 'ada' },
  ]);
});

test('sums of everybody are shown to nobody who sees one user: of the own calls they are made anew', async () => {
  const almostTomorrow = new Date(Date.now() + 86_340_000).toISOString();
  await desk.at(almostTomorrow).json('jobs', 'roll-up-analytics');
  const reader = await logins.add('reader', 'readonly');
  const sums = 'select from quota.analytics_totals';
  const usage = `select sum(calls)::int as calls, sum(seconds)::int as seconds
    from quota.usage_by_plan((now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date + 1)`;
  expect(await logins.as(reader, sums)).not.toEqual([]);
  expect(await logins.as(reader, usage)).toEqual([{ calls: 2, seconds: 1180 }]);
  expect(await logins.as(operator, sums)).toEqual([]);
  expect(await logins.as(operator, usage)).toEqual([{ calls: 1, seconds: 590 }]);
});

test.each([
  `quota.reopen_month('00000000-0000-0000-0000-000000000001', 'x')`,
  `quota.compute_reconciliation('00000000-0000-0000-0000-000000000001')`,
  `quota.expected_costs('00000000-0000-0000-0000-000000000001')`,
  'quota.fold_parts(1)',
  'quota.forget_lines(1)',
])('the books are those of all users: finance of one user is refused %s', async (call) => {
  await expect(logins.as(finance, `select * from ${call}`)).rejects.toMatchObject({ code: 'QT006' });
});

test('what the functions are made of is nobody else to call', async () => {
  const whole = await logins.add('whole', 'operator');
  for (const call of [
    `quota.apply_usage('{}')`,
    `quota.enforce('{}')`,
    `quota.settle_grants('{}', '{}')`,
    `quota.mark_limited('{}', '{}', false)`,
    `quota.refresh_quotas('{}')`,
    `quota.resolve_user('bob')`,
    `quota.settle_call(1, null)`,
    `quota.keep_resets('{}', '{}')`,
  ]) {
    await expect(logins.as(whole, `select ${call}`)).rejects.toMatchObject({ code: '42501' });
  }
});
