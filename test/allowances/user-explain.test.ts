import { beforeAll, expect, test } from 'vitest';
import type { Explanation } from '../../src/usage/explain/explain.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

const run = (args: string[], at: string, tty = false) => desk.with({ asOf: at, tty }).run(...args);

async function change(args: string[], at: string) {
  const { code, stderr } = await run([...args, '--yes', '--json'], at);
  expect([0, 75], stderr).toContain(code);
}

const explain = (at: string, ...more: string[]): Promise<Explanation> =>
  desk.at(at).json('user', 'explain', 'ada', ...more);

/** Ada's month: calls, a goodwill reset, a grant, a custom limit, and in the end nothing left. */
beforeAll(async () => {
  const userId = await desk.addUser({
    externalId: 'ada',
    createdAt: '2026-10-05T09:00:00Z',
    assistants: ['desk'],
  });
  const call = (at: string, seconds: string, times = 1) => desk.addCalls({ userId, at, seconds, times });
  await call('2026-10-20T10:00:00Z', '60');
  expect((await run(['jobs', 'reset-anniversaries'], '2026-11-05T00:10:00Z')).code).toBe(0);
  await call('2026-11-06T10:00:00Z', '200', 3);
  await change(['user', 'reset', 'ada', '--reason', 'outage', '--no-sync'], '2026-11-06T12:00:00Z');
  await call('2026-11-07T10:00:00Z', '20', 10);
  await call('2026-11-08T10:00:00Z', '20', 10);
  await change(['user', 'grant', 'ada', 'voice_seconds', '60', '--reason', 'promo'], '2026-11-09T10:00:00Z');
  await call('2026-11-10T10:00:00Z', '200');
  await change(
    ['user', 'set-plan', 'ada', 'voice-free', '--limit', 'voice_seconds=9m', '--reason', 'abuse'],
    '2026-11-11T10:00:00Z',
  );
  await desk.addCalls({
    userId,
    at: '2026-11-10T11:00:00Z',
    seconds: '10',
    service: 'chat',
    model: 'claude-3-opus',
  });
});

const at = '2026-11-15T12:00:00Z';

test('the story in order, each with who and why and the usage after it', async () => {
  const { service, plan, quotas, answer } = await explain(at);
  expect({ service, plan }).toEqual({ service: 'voice', plan: 'voice-free' });
  expect(quotas).toHaveLength(1);
  const [quota] = quotas;
  expect(quota).toMatchObject({ meter: 'voice_seconds', used: '600', limit: '540', granted: '60' });
  const told = quota?.events.map(({ kind, quantity, balance, who, why, calls }) => ({
    kind,
    quantity,
    balance,
    who,
    why,
    calls,
  }));
  const nothing = { quantity: null, who: null, why: null, calls: null };
  expect(told).toEqual([
    { ...nothing, kind: 'subscription.reset', balance: '0', who: 'tester', why: 'period ended' },
    { ...nothing, kind: 'calls', quantity: '600', balance: '600', who: 'test', calls: 3 },
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'adjustment', quantity: '-600', balance: '0', who: 'tester', why: 'outage' },
    { ...nothing, kind: 'calls', quantity: '200', balance: '200', who: 'test', calls: 10 },
    { ...nothing, kind: 'calls', quantity: '200', balance: '400', who: 'test', calls: 10 },
    { ...nothing, kind: 'grant', balance: '400', who: 'tester', why: 'promo' },
    { ...nothing, kind: 'calls', quantity: '200', balance: '600', who: 'test', calls: 1 },
    // 80 and 90 % of what the grant made of it, and all of what the smaller limit leaves.
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'threshold', balance: '600' },
    { ...nothing, kind: 'plan.changed', balance: '600', who: 'tester', why: 'abuse' },
  ]);
  const instants = quota?.events.map((event) => event.at) ?? [];
  expect(instants).toEqual([...instants].sort());
  expect(answer).toMatchObject({ allowed: false, reason: 'quota_exceeded', action: 'limit_assistants' });
});

test('one screen for a person, with the answer and the ways out at its end', async () => {
  const { code, stdout } = await run(['user', 'explain', 'ada'], at, true);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(stdout).toMatch(
    /2026-11-06 12:00Z +-10:00 +0:00 {2}.*usage reset by an operator.*by tester: "outage"/,
  );
  expect(stdout).toMatch(/2026-11-07 10:00Z +\+3:20 +3:20 {2}10 calls/);
  expect(stdout).toContain('Blocked: The voice minutes of the plan "Voice Free" are used up');
  expect(stdout).toContain('(2026-12-05 00:00Z).');
  expect(stdout).toContain('quota user grant ada voice_seconds');
});

test('a grant that expires is told, and what was over its limit before is over it again, each for its time', async () => {
  const userId = await desk.addUser({ externalId: 'ben', createdAt: '2026-11-05T09:00:00Z' });
  await desk.addCalls({ userId, at: '2026-11-06T10:00:00Z', seconds: '660' });
  const grant = [
    'user',
    'grant',
    'ben',
    'voice_seconds',
    '10m',
    '--expires',
    '2026-11-08',
    '--reason',
    'pilot',
  ];
  await change(grant, '2026-11-06T12:00:00Z');
  expect((await run(['jobs', 'reap-stale'], '2026-11-08T00:05:00Z')).code).toBe(0);
  const { stdout } = await run(['user', 'explain', 'ben'], '2026-11-09T00:00:00Z');
  const told = stdout
    .split('\n')
    .filter((line) => /^ .*(crossed|grant)/.test(line) && !line.includes('quota user'));
  expect(told.map((line) => line.replace(/^ +(\S+ \S+) +[\d:]+ +/, '$1 '))).toEqual([
    expect.stringMatching(
      /^2026-11-06 10:0\dZ 80 % crossed \(warning\), 90 % crossed \(critical\), 100 % crossed \(exceeded\), until 2026-11-06 12:00Z$/,
    ),
    '2026-11-06 12:00Z 10:00 minutes granted until 2026-11-08 00:00Z  by tester: "pilot"',
    '2026-11-08 00:00Z the grant of 10:00 minutes expired',
    expect.stringMatching(/^2026-11-08 00:05Z 80 % crossed .* 100 % crossed \(exceeded\)$/),
  ]);
});

test('the period before, an instant of it, another service', async () => {
  for (const period of ['previous', '2026-10-21']) {
    const { quotas } = await explain(at, '--period', period);
    expect(quotas).toMatchObject([{ used: '60', period: { start: '2026-10-05T00:00:00.000Z' } }]);
    expect(quotas[0]?.events[0]).toMatchObject({ kind: 'calls', balance: '60' });
  }
  const { quotas, answer } = await explain(at, '--service', 'chat');
  expect(quotas.map(({ meter, used }) => [meter, used])).toEqual([
    ['messages', '1'],
    ['premium_messages', '1'],
  ]);
  expect(answer.allowed).toBe(true);
  const early = await explain('2026-11-07T23:00:00Z');
  expect(early.quotas[0]?.events.at(-1)).toMatchObject({ kind: 'calls', balance: '200' });
});

test('what is not there: a service, a period, a user', async () => {
  expect((await run(['user', 'explain', 'ada', '--service', 'avatar'], at)).code).toBe(4);
  expect((await run(['user', 'explain', 'ada', '--period', '2020-01-01'], at)).code).toBe(4);
  expect((await run(['user', 'explain', 'ada', '--period', 'next'], at)).code).toBe(2);
  expect((await run(['user', 'explain', 'nobody'], at)).code).toBe(4);
});

test('csv and ndjson have a line per event; nothing is changed', async () => {
  const rows = () => desk.query('select * from quota.usage_quotas order by user_id, meter, period_start');
  const before = await rows();
  const csv = await run(['user', 'explain', 'ada', '--output', 'csv'], at);
  expect(csv.stdout.trim().split('\n')).toHaveLength(15);
  const ndjson = await run(['user', 'explain', 'ada', '--output', 'ndjson'], at);
  expect(
    ndjson.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).meter),
  ).toEqual(Array(14).fill('voice_seconds'));
  expect(await rows()).toEqual(before);
});

test('premium messages that are used up are told beside the others that are left', async () => {
  const userId = await desk.addUser({ externalId: 'cleo', createdAt: '2026-10-05T09:00:00Z' });
  await desk.addCalls({
    userId,
    at: '2026-11-10T11:00:00Z',
    service: 'chat',
    model: 'claude-3-opus',
    times: 20,
  });
  const { code, stdout } = await run(['user', 'explain', 'cleo'], '2026-11-11T10:00:00Z');
  expect(code).toBe(0);
  expect(stdout).toContain('Not blocked. 80 messages left until 2026-12-01 00:00Z (in ');
  expect(stdout).toContain('Blocked for what counts on premium_messages until 2026-12-01 00:00Z (in ');
});
