import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** What an app kept while the database was away: told later, once, in whatever state its sessions were left. */
const now = '2026-11-10T12:00:00Z';
const desk = useDesk({ asOf: now });
const replay = (path: string, ...more: string[]) =>
  desk.answer('usage', 'import', path, '--format', 'quota-events', ...more);
const spool = (name: string, ...events: readonly object[]) =>
  desk.write(
    name,
    events.map((event) => JSON.stringify(event)),
  );
const event = (user: string, key: string, more: object = {}) => ({
  ...{ user, service: 'voice', key, quantity: 60, startedAt: '2026-11-10T10:00:00Z' },
  ...more,
});
const history = (user: string) =>
  desk.query(
    `select key, status, seconds, messages, started_at, is_estimate from quota.usage_history($1) order by key`,
    [user],
  );

test('a spool is told once, makes the users that it names, and counts in the time of its calls', async () => {
  const path = spool(
    'spool.jsonl',
    event('ann', 'a1', { quantity: 12.5, cost: '0.031', provider: 'vapi', metadata: { line: 1 } }),
    event('ann', 'a2', { startedAt: '2026-10-03T10:00:00+02:00' }),
    event('ann', 'a3', { service: 'chat', quantity: 1, model: 'claude-3-opus' }),
    event('ben', 'b1', { quantity: '1:30', status: 'error', error: 'line dropped' }),
    event('ben', 'b1', { quantity: '1:30', status: 'error', error: 'line dropped' }),
  );
  const dry = await replay(path, '--dry-run');
  expect(dry).toMatchObject({ code: 0, data: { dryRun: true, lines: 5, new: 4, skipped: 1 } });
  expect(await desk.query('select 1 from quota.users')).toEqual([]);

  expect(await replay(path)).toMatchObject({
    code: 0,
    data: { new: 4, existing: 0, skipped: 1, rejected: 0 },
  });
  const before = await desk.snapshot({ sequences: false });
  expect(await replay(path)).toMatchObject({
    code: 0,
    data: { new: 0, existing: 4, differing: 0, auditId: null },
  });
  expect(await desk.snapshot({ sequences: false })).toEqual(before);

  expect(await history('ann')).toMatchObject([
    { key: 'a1', seconds: '12.500', started_at: new Date('2026-11-10T10:00:00Z') },
    { key: 'a2', started_at: new Date('2026-10-03T08:00:00Z') },
    { key: 'a3', messages: 1 },
  ]);
  expect(await history('ben')).toMatchObject([{ key: 'b1', status: 'error', seconds: '90.000' }]);
  expect(
    await desk.query(`select after->>'new' as new from quota.audit_log where action = 'quota-events.import'`),
  ).toEqual([{ new: '4' }]);
  expect(await desk.differences()).toEqual([]);
});

test('sessions that run, and those that were settled at an estimate, get their true end', async () => {
  const at = (instant: string, sql: string) => desk.queryAt(instant, sql);
  await at('2026-11-10T09:00:00Z', `select quota.start_session('cleo', 'voice', 'runs', p_estimate => 100)`);
  await at('2026-11-10T08:00:00Z', `select quota.start_session('cleo', 'voice', 'lost', p_estimate => 100)`);
  await desk.at('2026-11-10T08:30:00Z').json('jobs', 'reap-stale');
  expect(await history('cleo')).toMatchObject([{ key: 'lost', is_estimate: true }, { status: 'active' }]);
  const path = spool(
    'ends.jsonl',
    event('cleo', 'lost', { quantity: 41, startedAt: '2026-11-10T08:00:00Z' }),
    event('cleo', 'runs', { quantity: 42, startedAt: '2026-11-10T09:00:00Z' }),
  );
  expect((await replay(path)).data).toMatchObject({ new: 2, existing: 0 });
  expect(await history('cleo')).toMatchObject([
    { key: 'lost', seconds: '41.000', is_estimate: false, status: 'completed' },
    { key: 'runs', seconds: '42.000', status: 'completed' },
  ]);
});

test('what is stored with other figures stays and is said; the key of another user is refused, the others are taken', async () => {
  await replay(spool('first.jsonl', event('dora', 'd1')));
  const path = spool(
    'second.jsonl',
    event('dora', 'd1', { quantity: 61 }),
    event('eve', 'd1', { provider: 'voice', key: 'd1 of eve' }),
    event('eve', 'd1'),
  );
  const mixed = spool('mixed.jsonl', event('eve', 'e1'), event('eve', 'd1'));
  expect((await replay(path)).code).toBe(65);
  const { code, stderr } = await replay(mixed);
  expect(code).toBe(65);
  expect(JSON.parse(stderr).error).toMatchObject({
    message: expect.stringContaining('1 of 2 events of'),
    problems: [{ line: 2, reason: expect.stringContaining('d1') }],
  });
  expect(await history('eve')).toMatchObject([{ key: 'e1' }]);
  expect((await replay(spool('third.jsonl', event('dora', 'd1', { quantity: 62 })))).data).toMatchObject({
    new: 0,
    existing: 1,
    differing: 1,
  });
  expect(await history('dora')).toMatchObject([{ key: 'd1', seconds: '60.000' }]);
});

test.each([
  ['no start', { startedAt: null }],
  ['no key', { key: '' }],
  ['a negative quantity', { quantity: -1 }],
  ['a quantity of many digits', { quantity: '9'.repeat(40) }],
  ['a service that there is not', { service: 'vioce' }],
  ['a field that quota.record does not have', { sevrice: 'voice' }],
])('a spool with %s is refused by its line before anything is told', async (_, fault) => {
  const before = await desk.snapshot({ sequences: false });
  const { code, stderr } = await replay(spool('bad.jsonl', event('fay', 'f1'), event('fay', 'f2', fault)));
  expect([code, stderr]).toEqual([65, expect.stringContaining('line 2')]);
  expect(await desk.snapshot({ sequences: false })).toEqual(before);
});

test('events of a time to come, and of long ago, are refused by their lines, by a dry run as by the real one', async () => {
  const path = spool(
    'times.jsonl',
    event('hal', 'h1'),
    event('hal', 'h2', { startedAt: '2026-11-10T12:04:00Z' }),
    event('hal', 'h3', { startedAt: '2026-11-10T12:06:00Z' }),
    event('hal', 'h4', { startedAt: '2025-11-01T00:00:00Z' }),
  );
  const before = await desk.snapshot({ sequences: false });
  const dry = await replay(path, '--dry-run');
  expect(await desk.snapshot({ sequences: false })).toEqual(before);
  const real = await replay(path);
  const [foreseen, refused] = [dry, real].map(({ stderr }) => JSON.parse(stderr).error);
  expect([dry.code, real.code]).toEqual([65, 65]);
  expect(foreseen.problems.map(({ line }: { line: number }) => line)).toEqual([3, 4]);
  expect(foreseen.problems).toEqual(refused.problems);
  expect(foreseen.message).toBe(
    refused.message.replace('were refused', 'would be refused').replace('are recorded', 'would be recorded'),
  );
  expect(await history('hal')).toMatchObject([{ key: 'h1' }, { key: 'h2' }]);
});

test('options that events do not go by are wrong use', async () => {
  const path = spool('one.jsonl', event('gus', 'g1'));
  for (const words of [['--update'], ['--tell-alerts'], ['--provider', 'vapi'], ['--service', 'chat']]) {
    expect((await replay(path, ...words)).code, words.join(' ')).toBe(2);
  }
});

test('a replay that is killed has told what it has told, and tells the rest when it runs again', async () => {
  const events = Array.from({ length: 400 }, (_, index) =>
    event(`many-${index % 7}`, `k${index}`, { quantity: 1 }),
  );
  const path = spool('many.jsonl', ...events);
  const run = desk.start('usage', 'import', path, '--format', 'quota-events');
  const told = async () =>
    (
      await desk.query<{ n: number }>(
        `select count(*)::integer as n from quota.call_logs where provider_call_id ~ '^k'`,
      )
    )[0]?.n ?? 0;
  await expect.poll(told, { interval: 5 }).toBeGreaterThan(0);
  run.kill('SIGKILL');
  await run.result;
  expect((await replay(path)).code).toBe(0);
  expect(await told()).toBe(400);
  expect(await desk.differences()).toEqual([]);
});
