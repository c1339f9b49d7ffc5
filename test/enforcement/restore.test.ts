import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { afterReset, LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk());

const withoutDate = (assistant: object | undefined) => ({ ...assistant, updatedAt: undefined });
const found = (id: string) => withoutDate(desk.vapi.assistant(id));

/** What an assistant is after a restore: a duration that was not set is VAPI's default, a cleared field is null. */
function restored(before: { [field: string]: unknown } | undefined) {
  return { maxDurationSeconds: 600, endCallPhrases: null, ...withoutDate(before) };
}

async function reset(): Promise<void> {
  await desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);
}

test('a reset gives back exactly what there was, and keeps what somebody else changed meanwhile', async () => {
  const [first = '', second = ''] = desk.assistantsOf('user_0');
  const before = new Map(desk.vapi.assistants().map((assistant) => [assistant.id, assistant]));
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  desk.vapi.editAssistant(first, { name: 'Renamed', voice: { provider: '11labs', voiceId: 'new' } });
  desk.vapi.editAssistant(second, { firstMessage: 'A new greeting' });
  await reset();
  const { code, data } = await desk.answer('limits', 'sync', '--as-of', afterReset);
  expect(code).toBe(0);
  expect(data.counts).toMatchObject({ restored: 2, limited: 0 });
  expect(found(first)).toEqual({
    ...restored(before.get(first)),
    name: 'Renamed',
    voice: { provider: '11labs', voiceId: 'new' },
  });
  expect(found(second)).toEqual({ ...restored(before.get(second)), firstMessage: 'A new greeting' });
  const kept = data.assistants.find(
    (assistant: { providerAssistantId: string }) => assistant.providerAssistantId === second,
  );
  expect(kept.kept).toEqual([{ field: 'firstMessage', value: 'A new greeting' }]);
  expect(await desk.limits()).toMatchObject([
    { status: 'restored', original: null, applied: null },
    { status: 'restored', original: null, applied: null },
  ]);
  for (const id of desk.assistantsOf('user_1')) {
    expect(found(id)).toEqual(withoutDate(before.get(id)));
  }
});

test('an operator limits and restores a user, audited with the reason', async () => {
  const before = desk.assistantsOf('user_1').map((id) => desk.vapi.assistant(id));
  const applied = await desk.answer('limits', 'apply', 'user_1', '--yes', '--reason', 'abuse');
  expect(applied.code).toBe(0);
  expect(applied.data).toMatchObject({
    users: ['user_1'],
    counts: { limited: 2 },
    left: { pending: 0, failed: 0 },
  });
  expect((await desk.answer('limits', 'apply', 'user_1')).data).toMatchObject({
    counts: { limited: 0 },
    assistants: [],
  });
  const lifted = await desk.answer('limits', 'restore', 'user_1', '--yes', '--reason', 'settled');
  expect(lifted.code).toBe(0);
  expect(lifted.data).toMatchObject({ counts: { restored: 2 } });
  for (const assistant of before) {
    expect(found(assistant?.id ?? '')).toEqual(restored(assistant));
  }
  expect(
    await desk.query(`select action, quota.audit_reason(a) as reason, actor, count(*)::int as rows from quota.audit_log a
      where action like 'limit.%' or action like 'assistant.%' group by 1, 2, 3 order by min(id)`),
  ).toEqual([
    { action: 'limit.applied', reason: 'abuse', actor: 'tester', rows: 1 },
    { action: 'assistant.limited', reason: null, actor: 'tester', rows: 2 },
    { action: 'limit.lifted', reason: 'settled', actor: 'tester', rows: 1 },
    { action: 'assistant.restored', reason: null, actor: 'tester', rows: 2 },
  ]);
});

test('who is still over the allowance is said; --exceeded limits again', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  const lifted = await desk.answer('limits', 'restore', 'user_0', '--yes');
  expect(lifted.stderr).toContain('still over the allowance: user_0');
  expect(await desk.query('select 1 from quota.subscriptions where limit_enforced_at is not null')).toEqual(
    [],
  );
  const again = await desk.answer('limits', 'apply', '--exceeded', '--yes');
  expect(again.code).toBe(0);
  expect(again.data).toMatchObject({ users: ['user_0'], counts: { limited: 2 } });
  expect((await desk.answer('limits', 'apply', '--exceeded')).data).toMatchObject({
    users: [],
    assistants: [],
  });
});

test('changes are guarded: no terminal, production, dry run', async () => {
  expect((await desk.run('limits', 'apply', 'user_0')).code).toBe(5);
  const production = { env: { QUOTA_ENV: 'production' } };
  expect((await desk.with(production).run('limits', 'apply', 'user_0', '--yes')).code).toBe(5);
  expect((await desk.with(production).run('limits', 'apply', 'user_0', '--confirm', 'user_1')).code).toBe(5);
  const dry = await desk.answer('limits', 'apply', 'user_0', '--dry-run');
  expect(dry).toMatchObject({ code: 0, data: { dryRun: true, counts: { limited: 2 } } });
  expect(dry.data.assistants[0].changes).toContainEqual(
    expect.objectContaining({ field: 'maxDurationSeconds', to: 10 }),
  );
  expect(await desk.limits()).toEqual([]);
  expect(desk.vapi.patches()).toEqual([]);
  expect(await desk.query('select 1 from quota.audit_log')).toEqual([]);
  expect((await desk.with(production).run('limits', 'apply', 'user_0', '--confirm', 'user_0')).code).toBe(0);
});

test('wrong use is told apart: nobody named, nobody known, contradictions', async () => {
  expect((await desk.run('limits', 'apply')).code).toBe(2);
  expect((await desk.run('limits', 'apply', 'user_0', '--exceeded')).code).toBe(2);
  expect((await desk.run('limits', 'restore', 'nobody', '--yes')).code).toBe(4);
  expect((await desk.run('limits', 'restore', '--all-reset', '--set', 'maxDurationSeconds=9')).code).toBe(2);
  const bad = await desk.run('limits', 'restore', 'user_0', '--set', 'maxDurationSeconds=9');
  expect(bad.code).toBe(2);
  expect(bad.stderr).toContain('maxDurationSeconds must not be less than 10');
  expect(desk.vapi.requests()).toEqual([]);
});

test('without a key what only queues still works, and what sends says so first', async () => {
  const keyless = { env: { VAPI_API_KEY: '' } };
  expect((await desk.with(keyless).run('limits', 'apply', 'user_0', '--yes')).code).toBe(78);
  expect(await desk.limits()).toEqual([]);
  const queued = await desk.with(keyless).answer('limits', 'apply', 'user_0', '--yes', '--no-sync');
  expect(queued).toMatchObject({ code: 0, data: { left: { pending: 2 } } });
  expect(await desk.limits()).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
  expect(desk.vapi.requests()).toEqual([]);
});

test('an original of the history is put back, whatever is found', async () => {
  const [id = ''] = desk.assistantsOf('user_0');
  const original = desk.vapi.assistant(id);
  await desk.answer('limits', 'apply', 'user_0', '--yes');
  await desk.answer('limits', 'restore', 'user_0', '--yes', '--as-of', '2026-10-16T00:00:00Z');
  desk.vapi.editAssistant(id, { firstMessage: 'Second greeting', maxDurationSeconds: 1200 });
  await desk.answer('limits', 'apply', 'user_0', '--yes', '--as-of', '2026-10-20T00:00:00Z');
  await desk.answer('limits', 'restore', 'user_0', '--yes', '--as-of', '2026-10-21T00:00:00Z');
  expect(found(id)).toMatchObject({ firstMessage: 'Second greeting', maxDurationSeconds: 1200 });

  const tooEarly = await desk.run('limits', 'restore', 'user_0', '--yes', '--to-original-of', '2026-10-14');
  expect(tooEarly.code).toBe(4);
  const dry = await desk.answer('limits', 'restore', 'user_0', '--dry-run', '--to-original-of', '2026-10-15');
  expect(dry.data.assistants).toContainEqual(
    expect.objectContaining({
      providerAssistantId: id,
      changes: expect.arrayContaining([
        { field: 'firstMessage', from: 'Second greeting', to: original?.firstMessage },
      ]),
    }),
  );
  const back = await desk.answer('limits', 'restore', 'user_0', '--yes', '--to-original-of', '2026-10-15');
  expect(back.code).toBe(0);
  expect(found(id)).toEqual(restored(original));
});

test("another application's victim gets the values that the operator gives, and only those", async () => {
  const [victim = '', healthy = ''] = desk.assistantsOf('user_0');
  const notice = 'You have exceeded your monthly usage limit.';
  desk.vapi.editAssistant(victim, { maxDurationSeconds: 10, firstMessage: notice });
  const untouched = found(healthy);

  const status = await desk.answer('limits', 'status', 'user_0', '--check');
  expect(status.code).toBe(3);
  expect(status.data.checked).toEqual({ 'limited elsewhere': 1, same: 1 });

  const restored = await desk.answer(
    'limits',
    'restore',
    'user_0',
    '--yes',
    '--set',
    'maxDurationSeconds=900',
    '--set',
    'firstMessage=Hello again',
  );
  expect(restored.code).toBe(0);
  expect(restored.data.counts.restored).toBe(1);
  expect(found(victim)).toMatchObject({ maxDurationSeconds: 900, firstMessage: 'Hello again' });
  expect(found(healthy)).toEqual(untouched);
  expect(await desk.query('select source, fields from quota.assistant_originals')).toEqual([
    { source: 'operator', fields: { maxDurationSeconds: 900, firstMessage: 'Hello again' } },
  ]);
  const nothing = await desk.run('limits', 'restore', 'user_0', '--yes', '--set', 'maxDurationSeconds=900');
  expect(nothing.code).toBe(5);
});

/** The body of a webhook as VAPI posts it. */
const report = (id: string, timestamp: number, assistant: object) =>
  JSON.stringify({
    message: {
      type: 'end-of-call-report',
      timestamp,
      endedReason: 'customer-ended-call',
      call: { id: `call-${timestamp}`, assistantId: id },
      assistant: { id, ...assistant },
    },
  });

test('originals are found in stored end-of-call reports: the newest that is not limited itself', async () => {
  const [victim = ''] = desk.assistantsOf('user_0');
  const [other = ''] = desk.assistantsOf('user_1');
  const notice = { maxDurationSeconds: 10, firstMessage: 'Monthly limit reached. Goodbye.' };
  desk.vapi.editAssistant(victim, { ...notice, endCallPhrases: ['bye bye'] });
  desk.vapi.editAssistant(other, notice);
  const before = found(desk.assistantsOf('user_2')[0] ?? '');
  const day = Date.parse('2026-09-01T00:00:00Z');
  const file = desk.write(
    'reports.jsonl.gz',
    gzipSync(
      [
        report(victim, day, { maxDurationSeconds: 300, firstMessage: 'Oldest' }),
        report(victim, day + 2, {
          maxDurationSeconds: 1800,
          firstMessage: 'Newest',
          endCallPhrases: ['bye bye'],
        }),
        report(victim, day + 1, { maxDurationSeconds: 600, firstMessage: 'Older' }),
        report(victim, day + 3, notice),
        JSON.stringify({ message: { type: 'status-update', status: 'ended', call: { id: 'x' } } }),
        report(desk.assistantsOf('user_2')[0] ?? '', day, {
          maxDurationSeconds: 60,
          firstMessage: 'Not limited now',
        }),
        '',
      ].join('\n'),
    ),
  );
  const { code, data } = await desk.answer('limits', 'restore', '--all-reset', '--originals', file, '--yes');
  expect(code).toBe(0);
  expect(data.assistants).toMatchObject([{ providerAssistantId: victim, status: 'restored' }]);
  expect(found(victim)).toMatchObject({
    maxDurationSeconds: 1800,
    firstMessage: 'Newest',
    endCallPhrases: ['bye bye'],
  });
  expect(found(other)).toMatchObject(notice);
  expect(found(desk.assistantsOf('user_2')[0] ?? '')).toEqual(before);
});

test('a report that leaves fields out: they were not set, and no assistant that it names stays limited', async () => {
  const victims = ['user_0', 'user_1'].flatMap((user) => desk.assistantsOf(user));
  const [bare = '', whole = '', onlyLate = '', stored = ''] = victims;
  const notice = { firstMessage: 'Usage limit reached.', endCallPhrases: ['limit'], endCallMessage: 'Over.' };
  for (const id of victims) {
    desk.vapi.editAssistant(id, { ...notice, maxDurationSeconds: 10, silenceTimeoutSeconds: 12 });
  }
  const state = desk.write(
    'state.json',
    JSON.stringify({ firstMessage: 'No minutes left.', endCallMessage: 'x', silenceTimeoutSeconds: 10 }),
  );
  const day = Date.parse('2026-08-01T00:00:00Z');
  const file = desk.write(
    'bare.jsonl',
    [
      report(bare, day, { firstMessage: 'Bare' }),
      report(whole, day, { maxDurationSeconds: 240, firstMessage: 'Whole', endCallMessage: null }),
      report(onlyLate, day, { ...notice, maxDurationSeconds: 10 }),
      JSON.stringify({ assistant: { id: stored, firstMessage: 'Stored', maxDurationSeconds: 77 } }),
      report('deleted-long-ago', day, { firstMessage: 'Who' }),
      '',
    ].join('\n'),
  );
  const args = ['--originals', file, '--limited-state', state];
  const restored = await desk.answer('limits', 'restore', '--all-reset', '--yes', ...args);
  expect(restored).toMatchObject({ code: 0, data: { counts: { restored: 3 } } });
  expect(restored.stderr).toContain(`left as they are: ${onlyLate}: it is limited in every report of it`);
  expect(restored.stderr).toContain('left as they are: deleted-long-ago: no assistant');
  expect(found(bare)).toMatchObject({
    firstMessage: 'Bare',
    maxDurationSeconds: 600,
    silenceTimeoutSeconds: 30,
    endCallMessage: null,
  });
  expect(found(whole)).toMatchObject({ firstMessage: 'Whole', maxDurationSeconds: 240 });
  expect(found(stored)).toMatchObject({ firstMessage: 'Stored', maxDurationSeconds: 77 });
  const check = await desk.answer('limits', 'status', '--check', '--limited-state', state);
  expect(check).toMatchObject({ code: 3, data: { checked: { 'limited elsewhere': 1, same: 5 } } });
  const again = await desk.answer('limits', 'restore', '--all-reset', '--yes', ...args);
  expect(again).toMatchObject({ code: 0, data: { counts: { restored: 0 }, assistants: [] } });
  expect(
    await desk.query(
      `select fields, absent from quota.assistant_originals where source = 'file' and not fields ? 'maxDurationSeconds'`,
    ),
  ).toEqual([
    {
      fields: { firstMessage: 'Bare' },
      absent: ['endCallMessage', 'silenceTimeoutSeconds', 'maxDurationSeconds'],
    },
  ]);
});

test('users who are limited stay so, with an original from a report for the day of their reset', async () => {
  const [victim = ''] = desk.assistantsOf('user_0');
  const victimOf2 = desk.assistantsOf('user_2')[0] ?? '';
  const limit = { maxDurationSeconds: 10, firstMessage: 'Quota exceeded.', endCallPhrases: ['quota'] };
  desk.vapi.editAssistant(victim, limit);
  desk.vapi.editAssistant(victimOf2, limit);
  await desk.exceed('user_0');
  expect((await desk.answer('limits', 'sync')).data.counts).toMatchObject({ limited: 1, failed: 1 });
  const day = Date.parse('2026-08-01T00:00:00Z');
  const file = desk.write(
    'limited.jsonl',
    `${[victim, victimOf2].map((id) => report(id, day, { firstMessage: 'Before', maxDurationSeconds: 333 })).join('\n')}\n`,
  );
  const given = await desk.answer('limits', 'restore', '--all-reset', '--originals', file, '--yes');
  expect(given).toMatchObject({ code: 0, data: { counts: { limited: 1, restored: 1 } } });
  expect(found(victimOf2)).toMatchObject({ firstMessage: 'Before', maxDurationSeconds: 333 });
  expect(found(victim)).toMatchObject({
    maxDurationSeconds: 10,
    firstMessage: expect.stringContaining('usage limit'),
  });
  expect(
    await desk.query('select 1 from quota.subscriptions where limit_enforced_at is not null'),
  ).toHaveLength(1);
  await reset();
  expect((await desk.answer('limits', 'sync', '--as-of', afterReset)).code).toBe(0);
  expect(found(victim)).toMatchObject({
    firstMessage: 'Before',
    maxDurationSeconds: 333,
    endCallPhrases: null,
  });
});

test('a file that is not one of reports is refused with its lines, and nothing is changed', async () => {
  const file = desk.write('bad.jsonl', `${report('a', 1, {})}\n{"call": {}}\n{"message": 3}\n`);
  const { code, stderr } = await desk.run('limits', 'restore', '--all-reset', '--originals', file, '--yes');
  expect(code).toBe(65);
  expect(stderr).toContain('line 2');
  expect(stderr).toContain('line 3');
  expect(desk.vapi.requests()).toEqual([]);
});

test('failures show in the status until they are made good', async () => {
  const [bad = ''] = desk.assistantsOf('user_0');
  desk.vapi.scriptFaults([{ kind: 'error', status: 400, path: bad, times: 2 }]);
  expect((await desk.answer('limits', 'apply', 'user_0', '--yes')).code).toBe(75);
  expect((await desk.answer('limits', 'restore', 'user_0', '--yes')).code).toBe(75);
  const { data } = await desk.answer('limits', 'status');
  expect(data.counts).toMatchObject({ failed: 1, restored: 1 });
  expect(data.assistants[0]).toMatchObject({
    providerAssistantId: bad,
    desired: 'original',
    status: 'failed',
    attempts: 1,
    lastError: expect.stringContaining('Internal server error'),
    nextAttemptAt: expect.stringMatching(/^2026-10-15T12:00:/),
  });
  expect((await desk.run('limits', 'status')).stdout).toMatch(
    /^state +user +assistant +name\nrestoring failed .*\n.*Internal server error/,
  );
  expect((await desk.answer('limits', 'restore', '--all-reset', '--yes')).code).toBe(0);
  expect((await desk.answer('limits', 'status')).data.counts).toMatchObject({ failed: 0, restored: 2 });
});

test('drift at VAPI shows with --check, whether few are looked at or many', async () => {
  const many = await new LimitsDesk({ users: 60, perUser: 1 }).open();
  try {
    const users = Array.from({ length: 60 }, (_, index) => `user_${index}`);
    await many.exceed(...users);
    await many.answer('limits', 'sync');
    const [changed = ''] = many.assistantsOf('user_7');
    const [deleted = ''] = many.assistantsOf('user_8');
    many.vapi.editAssistant(changed, { maxDurationSeconds: 43 });
    many.vapi.deleteAssistant(deleted);
    many.vapi.clearLogs();
    const { data } = await many.answer('limits', 'status', '--check');
    expect(data.checked).toEqual({ same: 58, drift: 1, gone: 1 });
    expect(many.vapi.requests().length).toBeLessThan(5);
    expect(many.vapi.patches()).toEqual([]);
    expect(data.assistants).toHaveLength(2);
    const one = await many.answer('limits', 'status', 'user_7', '--check');
    expect(one.data.assistants[0].check).toMatchObject({ state: 'drift', changes: [{ from: 43, to: 10 }] });
  } finally {
    await many.close();
  }
});
