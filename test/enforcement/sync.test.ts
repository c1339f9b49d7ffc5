import { expect, test } from 'vitest';
import { pickFields } from '../../src/enforcement/assistant-state.ts';
import { perTest } from '../desk/desk.ts';
import { asOf, LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk());

const limitedFields = { maxDurationSeconds: 10, endCallPhrases: ['goodbye'] };

test('usage over the allowance limits the assistants of the user, and only those', async () => {
  const before = desk.vapi.assistants();
  await desk.exceed('user_1');
  expect(await desk.limits()).toMatchObject([
    { user: 'user_1', desired: 'limited', status: 'pending' },
    { user: 'user_1', desired: 'limited', status: 'pending' },
  ]);
  const { code, data } = await desk.answer('limits', 'sync');
  expect(code).toBe(0);
  expect(data).toMatchObject({
    dryRun: false,
    counts: { limited: 2, restored: 0, unchanged: 0, failed: 0, gone: 0 },
    left: { pending: 0, failed: 0, busy: 0 },
  });
  const limited = desk.assistantsOf('user_1');
  for (const assistant of before) {
    const now = desk.vapi.assistant(assistant.id);
    if (limited.includes(assistant.id)) {
      expect(now).toMatchObject({
        ...limitedFields,
        firstMessage: expect.stringContaining('limit'),
        name: assistant.name,
      });
    } else {
      expect(now).toEqual(assistant);
    }
  }
  for (const { provider, original, applied, status, intents } of await desk.limits()) {
    const found = before.find(({ id }) => id === provider);
    expect(status).toBe('applied');
    expect(applied).toMatchObject(limitedFields);
    expect(original).toEqual(pickFields(found ?? {}, Object.keys(applied ?? {})));
    expect(intents).toEqual([]);
  }
});

test('a second sync sends nothing, and exits 0', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  const patches = desk.vapi.patches().length;
  const { code, data } = await desk.answer('limits', 'sync');
  expect(code).toBe(0);
  expect(data).toMatchObject({ counts: { limited: 0, unchanged: 2 }, assistants: [] });
  expect(desk.vapi.patches()).toHaveLength(patches);
});

test('a dry run reads only: no PATCH, no row changed', async () => {
  await desk.exceed('user_0');
  const rows = () => desk.query('select l::text from quota.assistant_limits l order by 1');
  const before = await rows();
  const { code, data } = await desk.answer('limits', 'sync', '--dry-run');
  expect(code).toBe(0);
  expect(data.dryRun).toBe(true);
  expect(data.assistants).toHaveLength(2);
  expect(data.assistants[0].changes).toContainEqual({
    field: 'firstMessage',
    from: desk.vapi.assistant(data.assistants[0].providerAssistantId)?.firstMessage,
    to: expect.stringContaining('limit'),
  });
  expect(desk.vapi.patches()).toEqual([]);
  expect(await rows()).toEqual(before);
  expect(await desk.query('select 1 from quota.assistant_originals')).toEqual([]);
  expect((await desk.run('limits', 'sync', '--dry-run')).stdout).toMatch(
    /would limit.*\n {2}maxDurationSeconds: .* → 10/,
  );
});

test('no key: said before anything is touched', async () => {
  await desk.exceed('user_0');
  const { code, stderr } = await desk.with({ env: { VAPI_API_KEY: '' } }).run('limits', 'sync');
  expect(code).toBe(78);
  expect(stderr).toContain('VAPI_API_KEY is not set');
  expect(desk.vapi.requests()).toEqual([]);
});

test("a wrong key: exit 69 with VAPI's words, and nothing changed", async () => {
  await desk.exceed('user_0', 'user_1');
  const rows = () => desk.query('select l::text from quota.assistant_limits l order by 1');
  const before = await rows();
  const { code, stderr } = await desk.with({ env: { VAPI_API_KEY: 'not-the-key' } }).run('limits', 'sync');
  expect(code).toBe(69);
  expect(stderr).toContain('Invalid Key');
  expect(stderr).not.toContain('not-the-key');
  expect(await rows()).toEqual(before);
});

test('an assistant that VAPI does not know is gone: visible, and only looked for again', async () => {
  await desk.exceed('user_0');
  const [gone = ''] = desk.assistantsOf('user_0');
  desk.vapi.deleteAssistant(gone);
  const first = await desk.answer('limits', 'sync');
  expect(first.code).toBe(0);
  expect(first.data.counts).toMatchObject({ limited: 1, gone: 1 });
  expect((await desk.limits()).find(({ provider }) => provider === gone)).toMatchObject({
    status: 'gone',
    error: expect.stringContaining('not found'),
  });
  expect(
    await desk.query(`select state from quota.assistants where provider_assistant_id = $1`, [gone]),
  ).toEqual([{ state: 'gone' }]);
  desk.vapi.clearLogs();
  const again = await desk.answer('limits', 'sync');
  expect(again).toMatchObject({ code: 0, data: { counts: { gone: 0, failed: 0 }, assistants: [] } });
  expect(desk.vapi.requests().filter(({ path }) => path.includes(gone))).toMatchObject([
    { method: 'GET', status: 404 },
  ]);
});

test("a refusal is recorded with VAPI's words, tried again, and makes the exit code 75", async () => {
  await desk.exceed('user_0');
  const [bad = ''] = desk.assistantsOf('user_0');
  desk.vapi.scriptFaults([{ kind: 'error', status: 400, method: 'PATCH', path: bad }]);
  const { code, data } = await desk.answer('limits', 'sync');
  expect(code).toBe(75);
  expect(data).toMatchObject({ counts: { limited: 1, failed: 1 }, left: { failed: 1 } });
  const [row] = await desk.query<{ attempts: number; error: string; wait: number }>(
    `select attempts, last_error as error, extract(epoch from next_attempt_at - $1::timestamptz)::float8 as wait
     from quota.assistant_limits where status = 'failed'`,
    [asOf],
  );
  expect(row).toMatchObject({ attempts: 1, error: expect.stringContaining('Internal server error') });
  expect(row?.wait).toBeGreaterThanOrEqual(15);
  expect(row?.wait).toBeLessThanOrEqual(30);
  expect((await desk.answer('limits', 'sync')).code).toBe(0);
  expect(desk.vapi.assistant(bad)).toMatchObject(limitedFields);
});

test('after an answer that was lost the assistant is looked at, and not patched again', async () => {
  await desk.exceed('user_0');
  desk.vapi.scriptFaults([{ kind: 'lost', method: 'PATCH', times: 2 }]);
  expect((await desk.answer('limits', 'sync')).code).toBe(0);
  const patches = desk.vapi.patches();
  expect(patches).toHaveLength(2);
  expect(patches.every(({ changedFields }) => changedFields.length > 0)).toBe(true);
});

test('when VAPI stays out of reach, the run gives up instead of trying everything', async () => {
  const many = await new LimitsDesk({ users: 30, perUser: 1 }).open();
  try {
    await many.exceed(...Array.from({ length: 30 }, (_, index) => `user_${index}`));
    many.vapi.setFaults({ rate: 1, kinds: ['error'] });
    const { code, data, stderr } = await many.answer('limits', 'sync', '--attempts', '1');
    expect(code).toBe(75);
    expect(stderr).toContain('given up for now');
    expect(data.counts.failed).toBeLessThan(20);
    expect(data.left.pending + data.left.failed).toBe(30);
  } finally {
    await many.close();
  }
});

test('a limit that somebody took off is put on again; a new value becomes the one to restore', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  const [setBack = '', changed = ''] = desk.assistantsOf('user_0');
  const originals = new Map((await desk.limits()).map(({ provider, original }) => [provider, original]));
  desk.vapi.editAssistant(setBack, {
    maxDurationSeconds: originals.get(setBack)?.maxDurationSeconds ?? 600,
  });
  desk.vapi.editAssistant(changed, { firstMessage: 'Our new greeting', name: 'Renamed' });
  const { code, data } = await desk.answer('limits', 'sync');
  expect(code).toBe(0);
  expect(data.counts).toMatchObject({ limited: 2, unchanged: 0 });
  const reported = new Map<string, { adopted: unknown; changes: unknown[] }>(
    data.assistants.map((assistant: { providerAssistantId: string }) => [
      assistant.providerAssistantId,
      assistant,
    ]),
  );
  expect(reported.get(setBack)).toMatchObject({
    adopted: [],
    changes: [{ field: 'maxDurationSeconds', to: 10 }],
  });
  expect(reported.get(changed)).toMatchObject({
    adopted: [{ field: 'firstMessage', value: 'Our new greeting' }],
    changes: [{ field: 'firstMessage', from: 'Our new greeting' }],
  });
  expect(desk.vapi.assistant(changed)).toMatchObject({ ...limitedFields, name: 'Renamed' });
  const after = new Map((await desk.limits()).map(({ provider, original }) => [provider, original]));
  expect(after.get(setBack)).toEqual(originals.get(setBack));
  expect(after.get(changed)).toEqual({ ...originals.get(changed), firstMessage: 'Our new greeting' });
  expect(
    await desk.query(
      `select fields ->> 'firstMessage' as first from quota.assistant_originals o
      join quota.assistants a on a.id = o.assistant_id where provider_assistant_id = $1 order by o.id`,
      [changed],
    ),
  ).toEqual([{ first: originals.get(changed)?.firstMessage }, { first: 'Our new greeting' }]);
});

test('an assistant that was limited by somebody else is not taken for an original', async () => {
  await desk.exceed('user_0');
  const [victim = ''] = desk.assistantsOf('user_0');
  desk.vapi.editAssistant(victim, {
    maxDurationSeconds: 10,
    firstMessage: 'You have reached your monthly limit.',
  });
  const { code, data } = await desk.answer('limits', 'sync');
  expect(code).toBe(75);
  expect(data.counts).toMatchObject({ limited: 1, failed: 1 });
  expect((await desk.limits()).find(({ provider }) => provider === victim)).toMatchObject({
    status: 'failed',
    original: null,
    error: expect.stringContaining('original unknown'),
  });
  expect(desk.vapi.patches(victim).filter(({ by }) => by === 'client')).toEqual([]);
});
