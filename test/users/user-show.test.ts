import { beforeAll, describe, expect, test } from 'vitest';
import type { UserUsage } from '../../src/usage/usage.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });
let adaId: string;

beforeAll(async () => {
  adaId = await desk.addUser({
    externalId: 'ada',
    email: 'Ada@Example.com',
    name: '\u001b[31mAda\u001b[0m',
    timezone: 'America/New_York',
    createdAt: '2024-01-31T12:40:48Z',
    assistants: ['desk', 'door'],
  });
  await desk.addCalls({ userId: adaId, at: '2026-11-10T10:00:00Z', seconds: '95.5', cost: '0.1', times: 6 });
  const bob = await desk.addUser({
    externalId: 'bob',
    timezone: 'Europe/Berlin',
    createdAt: '2024-02-29T23:30:00Z',
    name: '=HYPERLINK("http://example.com")',
    assistants: ['b1', 'b2', 'b3', 'b4'],
  });
  await desk.addCalls({ userId: bob, at: '2026-11-02T10:00:00Z', seconds: '751' });
  await desk.addCalls({ userId: bob, at: '2026-11-03T10:00:00Z', seconds: '1300', service: 'avatar' });
  const chat = { userId: bob, service: 'chat', at: '2026-11-04T10:00:00Z' };
  await desk.addCalls({ ...chat, model: 'claude-3-opus', times: 17 });
  await desk.addCalls({ ...chat, model: 'gpt-4o', times: 3 });
  await desk.query(`update quota.assistant_limits l
     set status = case a.provider_assistant_id when 'b1' then 'applied' when 'b2' then 'failed' else l.status end,
       last_error = case a.provider_assistant_id when 'b2' then E'VAPI answered 500\\x1b[2J' end
     from quota.assistants a where a.id = l.assistant_id`);
  await desk.addUser({ externalId: 'cy', email: null, assistants: ['lonely'] });
  await desk.addUser({ externalId: 'twin-1', email: 'twin@example.com' });
  await desk.addUser({ externalId: 'twin-2', email: 'Twin@example.com' });
});

const show = (user: string): Promise<UserUsage> => desk.json('user', 'show', user);

describe('the name of a user', () => {
  test('id, external id and email in any case mean the same user', async () => {
    const users = await Promise.all(
      ['ada', adaId, adaId.toUpperCase(), 'ADA@example.com', ' ada '].map(show),
    );
    expect(users.map(({ user }) => user.externalId)).toEqual(Array(5).fill('ada'));
  });

  test('an unknown one is answered with the nearest', async () => {
    for (const [typed, meant] of [
      ['adda', 'ada'],
      ['ad', 'ada'],
      ['da', 'ada'],
      ['ADA', 'ada'],
      ['bib@example.com', 'bob@example.com'],
      ['twin-3', 'twin-1, twin-2'],
      ['twin', 'twin'],
    ] as const) {
      const { code, stdout, stderr } = await desk.run('user', 'show', typed);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain(`no user "${typed}"`);
      expect(stderr).toMatch(new RegExp(`did you mean .*${meant}`));
    }
  });

  test('nothing is near: the search is named', async () => {
    const { code, stderr } = await desk.run('user', 'show', 'zzzzzzzz', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'not_found',
      suggestion: 'look with quota user list --search zzzzzzzz',
    });
  });

  test('an email of several users is ambiguous', async () => {
    const { code, stderr } = await desk.run('user', 'show', 'twin@example.com');
    expect(code).toBe(2);
    expect(stderr).toContain('several users have the email "twin@example.com"');
    expect(stderr).toMatch(/twin-1 \([0-9a-f-]{36}\)\n {2}twin-2 \(/);
  });

  test('no name at all is a wrong argument', async () => {
    expect((await desk.run('user', 'show', '')).code).toBe(2);
    expect((await desk.run('user', 'show')).code).toBe(2);
    expect((await desk.run('user', 'show', 'x'.repeat(500))).code).toBe(2);
  });
});

describe('json', () => {
  test('is the contract', async () => {
    const { user, subscriptions } = await show('ada');
    expect(user).toMatchObject({
      id: adaId,
      externalId: 'ada',
      email: 'Ada@Example.com',
      timezone: 'America/New_York',
      createdAt: '2024-01-31T12:40:48.000Z',
    });
    expect(subscriptions).toMatchObject([
      {
        service: 'voice',
        plan: 'voice-free',
        nextResetAt: '2026-11-30T05:00:00.000Z',
        limitEnforcedAt: null,
        quotas: [
          {
            meter: 'voice_seconds',
            unit: 'second',
            period: { start: '2026-10-31T04:00:00.000Z', end: '2026-11-30T05:00:00.000Z' },
            limit: '600.000',
            used: '573.000',
            remaining: '27.000',
            percent: '95.50',
            state: 'critical',
            exhaustedAt: null,
            resetsAt: '2026-11-30T05:00:00.000Z',
            cost: '0.6',
          },
        ],
        assistants: [
          {
            providerAssistantId: 'desk',
            name: 'Desk',
            desired: 'original',
            status: 'untouched',
            lastError: null,
          },
          { providerAssistantId: 'door' },
        ],
      },
    ]);
  });

  test('a lifetime has no bounds, every state has its word', async () => {
    const { subscriptions } = await show('bob');
    expect(
      subscriptions.map(({ service, quotas }) => [
        service,
        ...quotas.map(({ state, used }) => `${used} ${state}`),
      ]),
    ).toEqual([
      ['avatar', '1300.000 exceeded'],
      ['chat', '20.000 ok', '17.000 warning'],
      ['voice', '751.000 exceeded'],
    ]);
    const [avatar, , voice] = subscriptions;
    expect(avatar).toMatchObject({ nextResetAt: null, assistants: [] });
    expect(avatar?.quotas[0]).toMatchObject({
      period: { start: null, end: null },
      resetsAt: null,
      remaining: '0.000',
      exhaustedAt: '2026-11-03T10:00:00.000Z',
    });
    expect(voice).toMatchObject({ limitEnforcedAt: '2026-11-02T10:00:00.000Z', maxAssistants: 3 });
    expect(voice?.assistants.map(({ status }) => status)).toEqual([
      'applied',
      'failed',
      'pending',
      'pending',
    ]);
  });

  test('of a user without subscription', async () => {
    const { subscriptions, unsubscribedAssistants } = await show('cy');
    expect(subscriptions).toEqual([]);
    expect(unsubscribedAssistants).toMatchObject([{ providerAssistantId: 'lonely', status: 'untouched' }]);
  });

  test('a period that nobody has opened yet is there all the same', async () => {
    const { subscriptions } = await desk.at('2027-03-01').json('user', 'show', 'ada');
    // February has no 31st; the 28th is clamped from the anchor, not from the 30th of November.
    expect(subscriptions[0]).toMatchObject({
      nextResetAt: '2026-11-30T05:00:00.000Z',
      quotas: [
        {
          used: '0.000',
          limit: '600.000',
          period: { start: '2027-02-28T05:00:00.000Z', end: '2027-03-31T04:00:00.000Z' },
        },
      ],
    });
  });
});

describe('text', () => {
  test('says what is left, of what, until when', async () => {
    const { stdout } = await desk.run('user', 'show', 'ada');
    expect(stdout).toContain('Ada · Ada@Example.com\n');
    expect(stdout).toContain('voice_seconds  95.50 %  critical');
    expect(stdout).toContain(
      '9:33 of 10:00 minutes used, 0:27 left until Mon 30 Nov 2026 00:00 -05:00 (in 14 days)',
    );
    expect(stdout).toContain('assistants  2 of 3 allowed');
    expect(stdout).not.toContain('\u001b');
  });

  test('says why it is blocked, and what is wrong with assistants, the worst first', async () => {
    const { stdout } = await desk.run('user', 'show', 'bob');
    expect(stdout).toContain(
      'blocked since Mon 2 Nov 2026 11:00 +01:00 (13 days ago): the allowance is used up; the assistants are limited until the period ends or an operator resets it',
    );
    expect(stdout).toContain('21:40 of 20:00 minutes used, nothing left; never resets');
    expect(stdout).toContain('the static fallback answers until an operator resets it');
    expect(stdout).toContain('17 of 20 messages used, 3 left until Tue 1 Dec 2026 00:00 +00:00');
    const assistants = [...stdout.matchAll(/^ {4}(.{14}) {2}(b\d) {2}(.*)$/gm)];
    expect(assistants.map(([, word, id]) => `${id} ${word?.trim()}`)).toEqual([
      'b2 limit failed',
      'b1 limited',
      'b3 limit queued',
      'b4 limit queued',
    ]);
    expect(stdout).toContain('B2  VAPI answered 500\n');
  });

  test('tells of a reset that is due and of a limit that outlived its cause', async () => {
    const { stdout } = await desk.at('2026-12-03T00:00:00Z').run('user', 'show', 'bob');
    expect(stdout).toContain(
      'although the running period has allowance left: the reset that lifts it is due',
    );
    expect(stdout).toContain('has not been done: run the reset jobs');
  });

  test('draws a bar on a terminal, and folds to its width', async () => {
    const { stdout } = await desk.with({ tty: true }).run('user', 'show', 'ada');
    expect(stdout).toMatch(/\u001b\[31m█{38}░{2} {2}95\.50 % {2}critical/);
    const plain = await desk.with({ tty: true }).run('user', 'show', 'bob', '--no-color');
    expect(plain.stdout).not.toContain('\u001b');
    expect(Math.max(...plain.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

test('csv and ndjson have a line per meter, safe to open in a spreadsheet', async () => {
  const csv = await desk.run('user', 'show', 'bob', '--output', 'csv');
  const [head, avatar, ...rest] = csv.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^externalId,email,service,plan,meter,unit,periodStart,periodEnd,limit,/);
  expect(avatar).toBe(
    'bob,bob@example.com,avatar,avatar-lifetime,avatar_seconds,second,,,1200.000,0.000,1300.000,0.000,0.000,108.33,exceeded,0,,2026-11-03T10:00:00.000Z,,',
  );
  expect(rest).toHaveLength(3);
  const ndjson = await desk.run('user', 'show', 'bob', '--output', 'ndjson');
  expect(
    ndjson.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).meter),
  ).toEqual(['avatar_seconds', 'messages', 'premium_messages', 'voice_seconds']);
});
