import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const now = '2026-11-10T12:00:00Z';
const rows = (sql: string, values: unknown[] = []) => desk.queryAt(now, sql, values);

beforeAll(async () => {
  await rows(`select quota.ensure_user('ann', p_signup_at => '2026-01-31T09:00:00Z')`);
  await rows(
    `insert into quota.subscriptions (user_id, service, plan) values (quota.find_user('ann'), 'avatar', 'avatar-monthly')`,
  );
  for (let index = 1; index <= 7; index += 1) {
    // Two at the same instant: pages still come to all of them, once.
    await rows(`select quota.record('ann', 'avatar', $1, 60, p_started_at => $2, p_words => 12)`, [
      `a${index}`,
      `2026-11-0${Math.ceil(index / 2)}T10:00:00Z`,
    ]);
  }
  await rows(
    `select quota.record('ann', 'chat', 'm1', 1, p_model => 'claude-3-opus', p_metadata => '{"room": 7}')`,
  );
  await rows(`select quota.record('ben', 'avatar', 'b1', 60)`);
});

test('the calls of a user, the newest first, with what they cost by the price of the plan', async () => {
  expect(
    await rows(
      `select service, key, seconds::text, words, cost::text, model, metadata from quota.usage_history('ann', p_limit => 2)`,
    ),
  ).toEqual([
    {
      service: 'chat',
      key: 'm1',
      seconds: '0.000',
      words: null,
      cost: '0',
      model: 'claude-3-opus',
      metadata: { room: 7 },
    },
    {
      service: 'avatar',
      key: 'a7',
      seconds: '60.000',
      words: 12,
      cost: '0.500000',
      model: null,
      metadata: null,
    },
  ]);
});

test('pages of any length come to every call once', async () => {
  const all = (await rows(`select key from quota.usage_history('ann', 'avatar')`)).map(({ key }) => key);
  expect([...all].sort()).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  for (const length of [1, 2, 3, 500]) {
    const keys: string[] = [];
    let before: string | null = null;
    for (;;) {
      const page: { key: string; id: string }[] = (await rows(
        `select key, call_log_id as id from quota.usage_history('ann', 'avatar', $1, $2)`,
        [length, before],
      )) as never;
      keys.push(...page.map(({ key }) => key));
      before = page.at(-1)?.id ?? null;
      if (page.length < length) {
        break;
      }
    }
    expect(keys).toEqual(all);
  }
});

test('somebody unknown has none', async () => {
  expect(await rows(`select * from quota.usage_history('nobody-yet')`)).toEqual([]);
});

test.each([
  ['a page of nothing', `'ann', p_limit => 0`, 'QT003'],
  ['a page without end', `'ann', p_limit => 501`, 'QT003'],
  ['a service that there is not', `'ann', 'vioce'`, 'QT002'],
  [
    'the call of another',
    `'ann', p_before => (select max(id) from quota.call_logs where provider_call_id = 'b1')`,
    'QT003',
  ],
])('%s is refused', async (_, words, code) => {
  await expect(rows(`select * from quota.usage_history(${words})`)).rejects.toMatchObject({ code });
});

test('refusals are counted by day, service, plan and reason; sessions count their own', async () => {
  await Promise.all(
    Array.from({ length: 12 }, () => rows(`select quota.count_refusal('ann', 'chat', 'quota_exceeded')`)),
  );
  await rows(`select quota.count_refusal('nobody-yet', 'voice', 'would_exceed')`);
  await rows(`select quota.count_refusal(null, 'chat', 'sign_in_required')`);
  await rows(`select quota.record('ann', 'avatar', 'much', 3600)`);
  await rows(`select quota.start_session('ann', 'avatar', 'no more')`);
  expect(
    await rows(
      `select day::text, service, plan, reason, refused::integer from quota.refusals_by_day('2026-11-10', '2026-11-10')`,
    ),
  ).toEqual([
    { day: '2026-11-10', service: 'avatar', plan: 'avatar-monthly', reason: 'quota_exceeded', refused: 1 },
    { day: '2026-11-10', service: 'chat', plan: 'chat-anonymous', reason: 'sign_in_required', refused: 1 },
    { day: '2026-11-10', service: 'chat', plan: 'chat-free', reason: 'quota_exceeded', refused: 12 },
    { day: '2026-11-10', service: 'voice', plan: 'voice-free', reason: 'would_exceed', refused: 1 },
  ]);
  expect(await rows(`select id from quota.users where external_id = 'nobody-yet'`)).toEqual([]);
});

test.each([
  [`'ann', 'vioce', 'x'`, 'QT002'],
  [`'ann', null, 'x'`, 'QT002'],
  [`'ann', 'chat', 'Two words'`, 'QT003'],
  [`'ann', 'chat', null`, 'QT003'],
])('count_refusal(%s) is refused', async (words, code) => {
  await expect(rows(`select quota.count_refusal(${words})`)).rejects.toMatchObject({ code });
});
