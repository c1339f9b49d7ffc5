import { describe, expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';

const desk = useDeskPerTest({}, async (one) => {
  for (const externalId of ['ada', 'bob']) {
    const userId = await one.addUser({ externalId, assistants: [`${externalId}-desk`] });
    await one.addCalls({ userId, at: new Date().toISOString(), seconds: '60', times: 2 });
  }
  await one.query(`insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at)
    select id, 'voice', 'vapi', 'running', 'active', now() from quota.users where external_id = 'bob'`);
});
const noted = () =>
  desk.query(`select action, login = current_user as "byOwner", user_id is not null as "hasUser", before, after
    from quota.audit_log where action ~ '^[a-z_]+[.](inserted|updated|deleted)$' order by id`);
const byHand = async (sql: string) => {
  await desk.query(sql);
  return noted();
};

describe('what the owner of the database changes by SQL of its own leaves a row', () => {
  test.each([
    [`update quota.users set timezone = 'Asia/Kolkata' where external_id = 'ada'`, 'users.updated', 1],
    [`update quota.subscriptions set last_reset_at = now()`, 'subscriptions.updated', 2],
    [`update quota.plans set max_assistants = 77 where key = 'voice-free'`, 'plans.updated', 1],
    [`update quota.plan_limits set limit_quantity = 1 where plan = 'voice-free'`, 'plan_limits.updated', 1],
    [`update quota.meters set models = '{x}' where key = 'messages'`, 'meters.updated', 1],
    [
      `insert into quota.grants (user_id, meter, quantity, reason, actor)
       select id, 'voice_seconds', 600, 'for a friend', 'the.cfo' from quota.users`,
      'grants.inserted',
      2,
    ],
    [
      `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason)
       select user_id, meter, period_start, 'reset', -used, 'x' from quota.usage_quotas where used > 0`,
      'adjustments.inserted',
      2,
    ],
    [`update quota.call_logs set duration_seconds = 1 where status = 'completed'`, 'call_logs.updated', 4],
    [
      `update quota.call_logs set user_id = (select id from quota.users where external_id = 'ada')
       where provider_call_id = 'running'`,
      'call_logs.updated',
      1,
    ],
    [`update quota.assistants set state = 'gone'`, 'assistants.updated', 2],
    [`update quota.settings set value = 'off' where name = 'auto_create_users'`, 'settings.updated', 1],
    [`update quota.settings set value = value || ''`, 'settings.updated', 0],
  ])('%s', async (sql, action, rows) => {
    const found = await byHand(sql);
    expect(found.filter((row) => row.action === action)).toHaveLength(rows);
    expect(found.every((row) => row.byOwner)).toBe(true);
    expect(JSON.stringify(found)).not.toContain('for a friend');
  });

  test('what is as it was is none, however many rows are touched besides', async () => {
    await desk.query('update quota.call_logs set model = model');
    expect(await noted()).toEqual([]);
    await desk.query(`update quota.call_logs set cost = case when id = 1 then 9 else cost end`);
    expect(await noted()).toMatchObject([{ action: 'call_logs.updated', after: { cost: 9 } }]);
  });

  test('of more than ten thousand rows at once there is one row with their number', async () => {
    await desk.query(
      `insert into quota.users (external_id) select 'many-' || g from generate_series(1, 10001) g`,
    );
    const found = await byHand(`update quota.users set name = 'x' where external_id like 'many-%'`);
    const one = (action: string) => {
      return { action, byOwner: true, hasUser: false, before: null, after: { rows: 10001 } };
    };
    expect(found).toEqual([one('users.updated')]);
    await desk.query(`insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at)
      select u.id, 'voice', 'vapi', 'many-' || g, now() from quota.users u, generate_series(1, 10001) g
      where u.external_id = 'ada'`);
    const deleted = await byHand(`delete from quota.call_logs where provider_call_id like 'many-%'`);
    expect(deleted.at(-1)).toEqual(one('call_logs.deleted'));
    await desk.query(`insert into quota.grants (user_id, meter, quantity, reason)
      select u.id, 'messages', 1, 'many' from quota.users u, generate_series(1, 10001) where u.external_id = 'ada'`);
    expect((await noted()).at(-1)).toEqual(one('grants.inserted'));
  });
});

describe('leaves none', () => {
  test.each([
    `update quota.call_logs set status = 'completed', duration_seconds = 30, ended_at = started_at + interval '30 s'
     where provider_call_id = 'running'`,
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at, duration_seconds)
     select id, 'voice', 'vapi', 'another', 'completed', now(), 5 from quota.users`.replace(
      `'another'`,
      `external_id || ' again'`,
    ),
    `select quota.record('ada', 'voice', 'k1', 30)`,
    `select quota.end_session(session_id, 5) from quota.start_session('ada', 'avatar', 's1')`,
    `select quota.reset_usage('ada', 'asked for')`,
    `select quota.set_plan('ada', 'transcription-free', 'asked for')`,
    `select quota.reset_due(null, 100, null)`,
    `select quota.erase_user(id) from quota.users where external_id = 'bob'`,
  ])('an app or a function: %s', async (sql) => {
    expect(await byHand(sql)).toEqual([]);
  });

  test('the tool', async () => {
    const why = ['--reason', 'a test', '--yes'];
    await desk.json('user', 'edit', 'ada', '--name', 'Ada', ...why);
    await desk.json('user', 'set-plan', 'ada', 'voice-free', '--limit', 'voice_seconds=7000', ...why);
    await desk.json('user', 'reset', 'ada', ...why);
    await desk.json('user', 'grant', 'ada', 'voice_seconds', '60s', ...why);
    await desk.json('fixtures', 'seed', '--users', '3', '--force', '--confirm', desk.name);
    expect(await noted()).toEqual([]);
  });
});
