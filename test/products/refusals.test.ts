import { beforeAll, expect, test } from 'vitest';
import { useApp } from './app.ts';

const app = useApp('2026-11-10T12:00:00Z');
beforeAll(async () => {
  await app.addUser('ada', '2026-01-31T09:00:00Z');
});

test.each([
  ['nobody', `select quota.record(null, 'voice', 'k', 1)`, 'QT001', 'unknown user'],
  ['an unknown service', `select quota.record('ada', 'vioce', 'k', 1)`, 'QT002', 'unknown service "vioce"'],
  ['a negative quantity', `select quota.record('ada', 'voice', 'k', -1)`, 'QT003', 'cannot be negative'],
  [
    'a negative cost',
    `select quota.record('ada', 'voice', 'k', 1, p_cost => -1)`,
    'QT003',
    'cannot be negative',
  ],
  [
    'a time to come',
    `select quota.record('ada', 'voice', 'k', 1, p_started_at => '2026-11-10T12:05:01Z')`,
    'QT004',
    'future',
  ],
  [
    'a part of a message',
    `select quota.record('ada', 'chat', 'k', 0.4)`,
    'QT003',
    'messages are counted one by one: 0.4',
  ],
  [
    'a word that is no status',
    `select quota.record('ada', 'voice', 'k', 1, p_status => 'done')`,
    'QT003',
    'a call is "active", "completed" or "error", not "done"',
  ],
  [
    'a number of words below none',
    `select quota.record('ada', 'voice', 'k', 1, p_words => -4)`,
    'QT003',
    'can be negative: -4',
  ],
  ['a call of weeks', `select quota.record('ada', 'voice', 'k', 1e9)`, 'QT003', 'longer than the 7 days'],
  [
    'a check for nothing known',
    `select quota.check('ada', 'voice', p_for => 'assistent')`,
    'QT003',
    'assistent',
  ],
  ['an unknown session', 'select quota.end_session(4711, 1)', 'QT003', 'unknown session'],
  ['a change of history', `update quota.audit_log set reason = ''`, 'QT005', 'never destroyed'],
  [
    'an unknown user in a plain insert',
    `insert into quota.call_logs (user_id, service, started_at) values (gen_random_uuid(), 'voice', now())`,
    'QT001',
    'unknown user',
  ],
  [
    'an unknown service in a plain insert',
    `insert into quota.call_logs (user_id, service, started_at) select id, 'vioce', now() from quota.users`,
    'QT002',
    'vioce',
  ],
])('%s is refused with a code and a message for the app', async (_, sql, code, message) => {
  await expect(app.rows(sql)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test('five minutes of clock difference are no future', async () => {
  expect(
    await app.call(
      `select recorded from quota.record('ada', 'voice', 'near', 1, p_started_at => '2026-11-10T12:05:00Z')`,
    ),
  ).toEqual({ recorded: true });
});

test('the fourth assistant is refused softly', async () => {
  await app.rows(
    `insert into quota.assistants (user_id, provider_assistant_id) select id, 'a' || n from quota.users, generate_series(1, 3) n`,
  );
  expect(
    await app.call(
      `select allowed, reason, action, message from quota.check('ada', 'voice', p_for => 'assistant')`,
    ),
  ).toEqual({
    allowed: false,
    reason: 'assistant_limit',
    action: 'block',
    message: 'The plan "Voice Free" includes 3 assistants.',
  });
});

test('an assistant that is gone leaves its place to another', async () => {
  await app.rows(`update quota.assistants set state = 'gone' where provider_assistant_id = 'a2'`);
  expect(
    await app.call(`select allowed, reason from quota.check('ada', 'voice', p_for => 'assistant')`),
  ).toEqual({ allowed: true, reason: 'ok' });
});
