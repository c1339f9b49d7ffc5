import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { Logins } from '../trust/logins.ts';

/** What functions of the apps answer while somebody holds their user for longer than an app can wait. */
const desk = useDesk();
const logins = new Logins(desk);

let app = '';
let backOffice = '';
beforeAll(async () => {
  app = await logins.add('busy_app', 'app');
  backOffice = await logins.add('busy_back_office', 'operator');
  await desk.query(`
    select quota.record('ada', 'voice', 'first', 10), quota.record('ada', 'chat', 'first', 1),
      quota.start_session('ada', 'avatar', 'running', p_estimate => 60), quota.add_assistant('ada', 'bot')`);
});

const writing = {
  record: `select quota.record('ada', 'voice', 'second', 5)`,
  start_session: `select quota.start_session('ada', 'avatar', 'next', p_estimate => 60)`,
  touch_session: `select quota.touch_session('ada', 'running', 10)`,
  end_session: `select quota.end_session('ada', 'running', 30)`,
  gate: `select quota.gate('vapi', '{"message": {"type": "end-of-call-report", "startedAt": "2026-11-03T10:00:00Z",
    "endedAt": "2026-11-03T10:01:00Z", "call": {"id": "gated", "assistantId": "bot"}}}')`,
};
const operating = {
  set_plan: `select quota.set_plan('ada', 'avatar-monthly', 'paid')`,
  reset_usage: `select quota.reset_usage('ada', 'sorry')`,
  grant_allowance: `select quota.grant_allowance('ada', 'voice_seconds', 60, 'sorry')`,
};

/** The SQLSTATE of each; null: it was answered. Each in a session of its own, with the timeout of an app. */
async function outcomes(lockTimeout: string): Promise<Record<string, string | null>> {
  const each = [
    ...Object.entries(writing).map(([name, sql]) => ({ name, sql, login: app })),
    ...Object.entries(operating).map(([name, sql]) => ({ name, sql, login: backOffice })),
  ];
  const answers = each.map(async ({ name, sql, login }) => {
    try {
      await logins.as(login, `set lock_timeout = '${lockTimeout}'`, sql);
      return [name, null] as const;
    } catch (error) {
      return [name, (error as { code: string }).code] as const;
    }
  });
  return Object.fromEntries(await Promise.all(answers));
}

const all = (answer: string | null) =>
  Object.fromEntries([...Object.keys(writing), ...Object.keys(operating)].map((name) => [name, answer]));

test('while a user is held, what writes gives up with 55P03 and wrote nothing, and a check is answered', async () => {
  const facts = `select (select jsonb_agg(q order by q) from quota.usage_quotas q) as quotas,
    (select count(*)::integer from quota.call_logs) as calls, (select count(*)::integer from quota.audit_log) as audited`;
  const before = await desk.query(facts);
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query(`
      select 1 from quota.call_logs where user_id = quota.find_user('ada') for update;
      select 1 from quota.subscriptions where user_id = quota.find_user('ada') for update;
      select 1 from quota.users where external_id = 'ada' for update`);
    expect(await outcomes('300ms')).toEqual(all('55P03'));
    expect(
      await logins.as(
        app,
        `select allowed from quota.check('ada', 'voice')`,
        `select allowed from quota.check('ada', 'chat')`,
      ),
    ).toEqual([{ allowed: true }]);
    await holder.query('rollback');
  });
  expect(await desk.query(facts)).toEqual(before);
});

test('the same calls once it is free', async () => {
  expect(await outcomes('0')).toEqual(all(null));
  expect(await desk.differences()).toEqual([]);
});
