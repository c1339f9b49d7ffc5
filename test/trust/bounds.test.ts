import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { Logins } from './logins.ts';

const desk = useDesk();
let logins: Logins;
let [app, ada] = ['', ''];
beforeAll(() => {
  logins = new Logins(desk);
});
beforeAll(async () => {
  await desk.addUser({ externalId: 'ada' });
  await desk.addUser({ externalId: 'bob' });
  app = await logins.add('app', 'app');
  ada = await logins.add('ada', 'readonly');
  await desk.json('login', 'bind', ada, '--user', 'ada', '--reason', 'her own', '--yes');
  await desk.query(`grant quota_app to ${ada}`);
});

/** The error of a call, as who sends it gets it. */
const refusal = async (login: string, call: string): Promise<{ code: string; message: string }> => {
  const error = await logins.as(login, `select * from quota.${call}`).then(
    () => undefined,
    (found) => found as { code: string; message: string },
  );
  expect(error, call.slice(0, 200)).toBeDefined();
  return { code: error?.code ?? '', message: error?.message ?? '' };
};

const long = `repeat(chr(27) || ']0;x', 300000)`;

describe('what is endless is refused, and not repeated in full', () => {
  test.each([
    ['QT002', `check('ada', ${long})`],
    ['QT003', `check(${long}, 'voice')`],
    ['QT003', `check('ada', 'voice', p_for => ${long})`],
    ['QT002', `record('ada', ${long}, 'k', 1)`],
    ['QT003', `record('ada', 'voice', ${long}, 1)`],
    ['QT003', `record('ada', 'voice', 'k', 1, ${long})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_model => ${long})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_assistant_id => ${long})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_status => ${long})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_error => ${long})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_metadata => to_jsonb(${long}))`],
    ['QT003', `record('ada', 'voice', 'k', 0.${'1'.repeat(2000)})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_cost => 0.${'1'.repeat(16000)})`],
    ['QT003', `record('ada', 'voice', 'k', 1, p_cost => 1e100)`],
    ['QT003', `record('ada', 'chat', 'k', 1e1000)`],
    ['QT003', `record('ada', 'voice', 'k', 'NaN')`],
    ['QT003', `start_session('ada', 'voice', ${long})`],
    ['QT003', `start_session('ada', 'voice', 's', p_model => ${long})`],
    ['QT003', `start_session('ada', 'voice', 's', p_estimate => 1e1000)`],
    ['QT003', `start_session('ada', 'voice', 's', p_metadata => to_jsonb(${long}))`],
    ['QT003', `touch_session('ada', ${long})`],
    ['QT003', `end_session('ada', ${long}, 1)`],
    ['QT003', `end_session('ada', 'k', 1, p_status => ${long}, p_service => 'voice')`],
    ['QT003', `ensure_user('ada', p_email => ${long})`],
    ['QT003', `ensure_user('ada', p_name => ${long})`],
    ['QT003', `ensure_user('ada', p_timezone => ${long})`],
    ['QT003', `add_assistant('ada', ${long})`],
    ['QT003', `remove_assistant('ada', ${long})`],
    ['QT002', `get_user_plan_limits('ada', ${long})`],
    ['QT002', `usage_history('ada', ${long})`],
    ['QT003', `count_refusal('ada', 'voice', ${long})`],
    ['QT002', `count_refusal('ada', ${long}, 'quota_exceeded')`],
    ['QT003', `calculate_usage_stats(${long})`],
  ])('%s: %s', async (code, call) => {
    const found = await refusal(app, call);
    expect(found.code, found.message.slice(0, 300)).toBe(code);
    expect(found.message.length).toBeLessThan(250);
    expect(found.message).not.toMatch(/[\u0000-\u001f\u007f]/);
  });

  test.each([
    '0.12345678901234567891',
    // What a language with floats alone makes of 17 * 7.5e-8, and of the least that anything costs.
    '0.0000012749999999999999',
    '0.0000000000000000000012345678901234567',
  ])('exact costs of many digits are kept as they are: %s', async (cost) => {
    const [row] = await logins.as(
      app,
      `select stored_cost::text as cost from quota.record('ada', 'voice', 'exact ${cost}', 1, p_cost => ${cost})`,
    );
    expect(row).toEqual({ cost });
  });
});

describe('whoever speaks for one user hears the same of what is another’s and of what is nobody’s', () => {
  test.each([
    ['a user', `check('bob', 'voice')`, `check('nobody-at-all', 'voice')`],
    [
      'a user by id',
      `check((select id::text from quota.users where external_id = 'bob'), 'voice')`,
      `check('0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f', 'voice')`,
    ],
    ['a session by number', 'end_session(SESSION, 5)', 'end_session(987654321, 5)'],
    ['a session by key', `end_session('ada', 'bobs', 5)`, `end_session('ada', 'nones', 5)`],
    ['a sign of life', `touch_session('ada', 'bobs', 5)`, `touch_session('ada', 'nones', 5)`],
    [
      'a page of calls',
      `usage_history('ada', p_before => SESSION)`,
      `usage_history('ada', p_before => 987654321)`,
    ],
    [
      'an alert',
      `acknowledge_alert('ada', ALERT)`,
      `acknowledge_alert('ada', '0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f')`,
    ],
    ['an assistant', `remove_assistant('ada', 'bobs-desk')`, `remove_assistant('ada', 'no-desk')`],
  ])('%s', async (_, another, nobody) => {
    await desk.query(`insert into quota.assistants (user_id, provider_assistant_id)
      select id, 'bobs-desk' from quota.users where external_id = 'bob' on conflict do nothing`);
    const [{ session, alert } = { session: '', alert: '' }] = await desk.query<
      Record<'session' | 'alert', string>
    >(
      `with started as (select session_id from quota.start_session('bob', 'avatar', 'bobs')),
         used as (select quota.record('bob', 'voice', 'bobs-call', 590))
       select (select session_id from started)::text as session,
         (select count(*) from used)::text as used,
         coalesce((select a.id::text from quota.usage_alerts a limit 1), '') as alert`,
    );
    const told = async (call: string) => {
      const filled = call.replace('SESSION', session).replace('ALERT', `'${alert || crypto.randomUUID()}'`);
      const { code, message } = await refusal(ada, filled);
      return { code, message: message.replaceAll(/'?[0-9a-f-]{36}'?|\d+|"[^"]*"/g, 'it') };
    };
    expect(await told(another)).toEqual(await told(nobody));
  });
});
