import { beforeAll, expect, test } from 'vitest';
import type { UserPage } from '../../src/usage/list/list-users.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });

beforeAll(async () => {
  for (const [index, seconds] of ['0.5', '479.999', '480', '540', '600', '700'].entries()) {
    const userId = await desk.addUser({
      externalId: `u${index}`,
      name: `Person ${index}`,
      assistants: [`a${index}`],
    });
    await desk.addCalls({ userId, at: '2026-11-10T10:00:00Z', seconds });
  }
  const chatter = await desk.addUser({ externalId: 'chatter/1', email: 'chat@example.org' });
  const calls = { userId: chatter, service: 'chat', at: '2026-11-10T10:00:00Z' };
  await desk.addCalls({ ...calls, model: 'claude-3-opus', times: 19 });
  await desk.addCalls({ ...calls, model: 'gpt-4o', times: 40 });
  await desk.addUser({ externalId: 'none', name: '100% _new_' });
});

const run = (...args: string[]) => desk.run('user', 'list', ...args);
const list = (...args: string[]): Promise<UserPage> => desk.json('user', 'list', ...args);
const names = async (...args: string[]) => (await list(...args)).users.map(({ externalId }) => externalId);

test('every user, by name, with the meter nearest to its limit', async () => {
  const { users, next } = await list();
  expect(next).toBeNull();
  expect(users.map(({ externalId, meter, percent, state }) => [externalId, meter, percent, state])).toEqual([
    ['chatter/1', 'premium_messages', '95.00', 'critical'],
    ['none', null, null, null],
    ['u0', 'voice_seconds', '0.08', 'ok'],
    ['u1', 'voice_seconds', '80.00', 'warning'],
    ['u2', 'voice_seconds', '80.00', 'warning'],
    ['u3', 'voice_seconds', '90.00', 'critical'],
    ['u4', 'voice_seconds', '100.00', 'exceeded'],
    ['u5', 'voice_seconds', '116.67', 'exceeded'],
  ]);
  expect(users.at(-1)).toMatchObject({
    plan: 'voice-free',
    unit: 'second',
    used: '700.000',
    limit: '600.000',
    remaining: '0.000',
    limitEnforcedAt: '2026-11-10T10:00:00.000Z',
    nextResetAt: '2026-11-30T00:00:00.000Z',
  });
});

test('agrees with what is shown of each user', async () => {
  for (const { externalId, service, percent, state, used } of (await list()).users) {
    const { subscriptions } = await desk.json('user', 'show', externalId);
    const quotas = subscriptions.flatMap((subscription: { service: string; quotas: object[] }) =>
      subscription.service === service ? subscription.quotas : [],
    );
    if (service !== null) {
      expect(quotas).toContainEqual(expect.objectContaining({ percent, state, used }));
    }
  }
});

test('filters', async () => {
  expect(await names('--state', 'exceeded')).toEqual(['u4', 'u5']);
  expect(await names('--state', 'exceeded', '--state', 'critical')).toEqual(['chatter/1', 'u3', 'u4', 'u5']);
  expect(await names('--state', 'ok')).toEqual(['u0']);
  expect(await names('--state', 'OK', '--state', 'critical', '--service', 'voice')).toEqual(['u0', 'u3']);
  expect(await names('--service', 'chat')).toEqual(['chatter/1']);
  expect(await names('--plan', 'chat-free', '--plan', 'voice-free', '--limit', '2')).toEqual([
    'chatter/1',
    'u0',
  ]);
  expect(await names('--limited')).toEqual(['u4', 'u5']);
  expect(await names('--search', 'PERSON 3')).toEqual(['u3']);
  expect(await names('--search', 'example.org')).toEqual(['chatter/1']);
  expect(await names('--search', '% _')).toEqual(['none']);
  expect(await names('--search', 'u', '--state', 'warning')).toEqual(['u1', 'u2']);
  expect(await names('--service', 'avatar')).toEqual([]);
});

test.each([
  ['exceeded'],
  ['critical'],
  ['warning', 'exceeded'],
  ['warning', 'critical'],
  ['ok', 'critical'],
  ['ok', 'warning', 'critical', 'exceeded'],
])('by state %s: those of the whole list that are in it, in both orders', async (...states) => {
  const { users } = await list();
  const meant = users.filter(({ state }) => state !== null && states.includes(state));
  const args = states.flatMap((state) => ['--state', state]);
  expect((await list(...args)).users).toEqual(meant);
  const fullest = meant.toSorted(
    (a, b) => Number(b.percent) - Number(a.percent) || (a.id < b.id ? -1 : 1), // One subscription each.
  );
  expect((await list(...args, '--sort', 'percent')).users).toEqual(fullest);
});

test.each([
  { args: [] as string[], expected: ['chatter/1', 'none', 'u0', 'u1', 'u2', 'u3', 'u4', 'u5'] },
  {
    args: ['--sort', 'percent', '--state', 'exceeded', '--state', 'warning'],
    expected: ['u5', 'u4', 'u1', 'u2'],
  },
  { args: ['--sort', 'percent'], expected: ['u5', 'u4', 'chatter/1', 'u3', 'u1', 'u2', 'u0'] },
])('pages are the list cut in pieces: $args', async ({ args, expected }) => {
  const paged: string[] = [];
  let next: string | null = null;
  do {
    const after: string[] = next === null ? [] : ['--after', next];
    const page = await list(...args, '--limit', '3', ...after);
    expect(page.users.length).toBeLessThanOrEqual(3);
    paged.push(...page.users.map(({ externalId }) => externalId));
    next = page.next;
  } while (next !== null);
  const [whole, pieces] = [await names(...args), paged];
  expect(pieces).toEqual(whole);
  // Users of the same percent follow in the order of their ids, which are random.
  expect([...pieces].sort()).toEqual([...expected].sort());
});

test('csv and ndjson stream all of it', async () => {
  await desk.query(
    `insert into quota.users (external_id) select 'x' || lpad(g::text, 4, '0') from generate_series(1, 2500) g`,
  );
  const ndjson = (await run('--output', 'ndjson')).stdout.trimEnd().split('\n');
  expect(ndjson).toHaveLength(2508);
  expect(JSON.parse(ndjson.at(-1) ?? '')).toMatchObject({ externalId: 'x2500', service: null });
  const csv = (await run('--output', 'csv')).stdout.trimEnd().split('\n');
  expect(csv).toHaveLength(2509);
  expect(csv[0]).toBe(
    'id,externalId,email,name,service,plan,meter,unit,limit,granted,used,remaining,percent,state,limitEnforcedAt,nextResetAt,runsOutAt',
  );
  expect((await run('--output', 'csv', '--limit', '2')).stdout.trimEnd().split('\n')).toHaveLength(3);
  const table = await run('--search', 'x');
  expect(table.stdout.trimEnd().split('\n')).toHaveLength(51);
  expect(table.stderr).toMatch(/There are more: --after [\w/]+\n/);
});

test('a table for people', async () => {
  const { stdout } = await run('--state', 'exceeded');
  expect(stdout).toMatch(/^user +email +plan +meter +used +limit +% +state +assistants +next reset\n/);
  expect(stdout).toMatch(
    /\nu5 +u5@example.com +voice-free +voice_seconds +11:40 +10:00 +116.67 +exceeded +limited +in 14 days \(2026-11-30 00:00Z\)\n/,
  );
});

test.each([
  [
    ['--service', 'vioce'],
    4,
    'no service "vioce"\nhint: the services are avatar, chat, transcription, voice',
  ],
  [['--plan', 'free'], 4, 'no plan "free"'],
  [['--state', 'bad'], 2, '--state: "bad" is not one of ok, warning, critical, exceeded'],
  [['--limit', '0'], 2, '--limit: "0" is not a whole number from 1'],
  [['--sort', 'used'], 2, '--sort: "used" is not one of name, percent'],
  [['--after', 'nonsense'], 2, '--after: "nonsense" is not where a page in this order ends'],
  [['--sort', 'percent', '--after', 'u1/voice'], 2, 'write it as the page before gave it, like 97.50/'],
])('%j is refused', async (args, code, message) => {
  const result = await run(...args);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(message);
});

test('a row that is found by its name shows it, and one that is used up by its cost says so', async () => {
  expect((await run('--search', 'person 3')).stdout).toMatch(/^user +name +email[\s\S]*^u3 +Person 3/m);
  expect((await run('--search', 'u3')).stdout).not.toContain(', cost');
  const userId = await desk.addUser({ externalId: 'spender' });
  await desk.addCalls({ userId, service: 'avatar', at: '2026-11-10T10:00:00Z', seconds: '60', cost: '49' });
  await desk.query(
    `update quota.subscriptions set plan = 'avatar-monthly' where user_id = $1 and service = 'avatar'`,
    [userId],
  );
  const { stdout } = await run('--search', 'spender');
  expect(stdout).toContain('avatar_seconds, cost');
});
