import { beforeEach, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { afterReset, LimitsDesk } from './limits-desk.ts';

/** A limited state with everything in it that an API likes to tidy up. */
const untidyState = `
maxDurationSeconds: 12
firstMessage: |
  Your minutes are used up.
  Please come back next month.
hooks:
  - on: call.timeElapsed
    options: { seconds: 5 }
    do: [{ type: tool, tool: { type: endCall } }]
server: { url: "https://limits.example.com/vapi" }
`;

const desk = perTest(new LimitsDesk({ users: 1, perUser: 2 }));
let args: string[];
beforeEach(() => {
  args = ['--limited-state', desk.write('state.yaml', untidyState)];
});

const texts = ['firstMessage', 'maxDurationSeconds', 'hooks', 'server'];
const shown = (id: string) => {
  const assistant = desk.vapi.assistant(id) ?? {};
  return Object.fromEntries(
    texts.map((field) => [field, (assistant as Record<string, unknown>)[field] ?? null]),
  );
};
/** What an assistant is again after a limit: a duration that was not set is VAPI's default. */
const original = (id: string) => {
  const fields = shown(id);
  return { ...fields, maxDurationSeconds: fields.maxDurationSeconds ?? 600 };
};
const reset = () => desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);

test('a tidied limit is a limit: applied at once, no drift, no original, and the true one comes back', async () => {
  const ids = desk.assistantsOf('user_0');
  const before = ids.map(original);
  desk.vapi.setNormalisations(['trim', 'defaults']);
  await desk.exceed('user_0');
  const first = await desk.answer('limits', 'sync', ...args);
  expect(first).toMatchObject({ code: 0, data: { counts: { limited: 2, failed: 0 } } });
  const stored = await desk.query<{ applied: { firstMessage: string }; made: { firstMessage: string }[] }>(
    'select applied, made from quota.assistant_limits',
  );
  for (const { applied, made } of stored) {
    expect(applied.firstMessage).toMatch(/next month\.\n$/);
    expect(made).toMatchObject([{ firstMessage: applied.firstMessage.trim(), hooks: [{ filters: [] }] }]);
  }
  const patches = desk.vapi.patches().length;
  const second = await desk.answer('limits', 'sync', ...args);
  expect(second).toMatchObject({ code: 0, data: { counts: { limited: 0, unchanged: 2 }, assistants: [] } });
  expect(desk.vapi.patches()).toHaveLength(patches);
  expect((await desk.answer('limits', 'status', '--check', ...args)).code).toBe(0);
  await reset();
  const back = await desk.answer('limits', 'sync', '--as-of', afterReset, ...args);
  expect(back).toMatchObject({ code: 0, data: { counts: { restored: 2 } } });
  expect(back.data.assistants.every(({ kept }: { kept: unknown[] }) => kept.length === 0)).toBe(true);
  expect(ids.map(shown)).toEqual(before);
  expect(await desk.query('select 1 from quota.assistant_limits where made <> $1', ['[]'])).toEqual([]);
});

test('what the provider makes of a limit later on is not adopted either', async () => {
  const [first = '', second = ''] = desk.assistantsOf('user_0');
  const before = [first, second].map(original);
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync', ...args);
  const limited = shown(first) as { hooks: object[]; firstMessage: string };
  desk.vapi.editAssistant(first, {
    firstMessage: ` ${limited.firstMessage.replaceAll('\n', '\r\n')}`,
    hooks: limited.hooks.map((hook) => ({ ...hook, filters: [], name: 'hook-1' })),
    maxDurationSeconds: '12',
    server: { timeoutSeconds: 20, url: 'https://limits.example.com/vapi' },
  });
  const again = await desk.answer('limits', 'sync', ...args);
  expect(again).toMatchObject({ code: 0, data: { assistants: [], counts: { unchanged: 2 } } });
  await reset();
  expect((await desk.answer('limits', 'sync', '--as-of', afterReset, ...args)).code).toBe(0);
  expect([first, second].map(shown)).toEqual(before);
});

test('a limit that comes to something else fails with words, is tried again, and is never adopted', async () => {
  const ids = desk.assistantsOf('user_0');
  const before = ids.map(original);
  desk.vapi.setNormalisations(['shorten', 'raise']);
  await desk.exceed('user_0');
  for (const hour of ['12', '13', '14']) {
    const failed = await desk.answer('limits', 'sync', '--as-of', `2026-10-15T${hour}:00:00Z`, ...args);
    expect(failed).toMatchObject({ code: 75, data: { counts: { failed: 2 }, left: { failed: 2 } } });
    expect(failed.data.assistants[0].error).toMatch(/did not make it: .*maxDurationSeconds is 30/);
    expect(failed.data.assistants[0].adopted).toEqual([]);
  }
  expect((await desk.query('select 1 from quota.assistant_originals')).length).toBe(2);
  desk.vapi.setNormalisations([]);
  const limited = await desk.answer('limits', 'sync', '--as-of', '2026-10-15T15:00:00Z', ...args);
  expect(limited).toMatchObject({ code: 0, data: { counts: { limited: 2 } } });
  desk.vapi.setNormalisations(['shorten', 'raise']);
  await reset();
  const back = await desk.answer('limits', 'sync', '--as-of', afterReset, ...args);
  expect(back.data.assistants.every(({ kept }: { kept: unknown[] }) => kept.length === 0)).toBe(true);
  desk.vapi.setNormalisations([]);
  await desk.answer('limits', 'sync', '--as-of', '2026-11-12T12:00:00Z', ...args);
  expect(ids.map(shown)).toEqual(before);
});

test('an answer that is lost leaves a doubt: found out by sending again, for limits and edits alike', async () => {
  const [made = '', edited = ''] = desk.assistantsOf('user_0');
  const before = original(made);
  const editedBefore = original(edited);
  desk.vapi.setNormalisations(['shorten', 'raise']);
  await desk.exceed('user_0');
  desk.vapi.scriptFaults([{ kind: 'lost', method: 'PATCH', times: 2 }]);
  await desk.answer('limits', 'sync', '--attempts', '1', ...args);
  expect(desk.vapi.patches()).toHaveLength(2);
  // One has what the provider made of the limit, the other what somebody has set since.
  desk.vapi.editAssistant(edited, { firstMessage: 'Ask for Ms Ito.', maxDurationSeconds: 45 });
  desk.vapi.setNormalisations(['shorten', 'raise']);
  await desk.answer('limits', 'sync', '--as-of', '2026-10-15T13:00:00Z', ...args);
  desk.vapi.setNormalisations([]);
  expect((await desk.answer('limits', 'sync', '--as-of', '2026-10-15T14:00:00Z', ...args)).code).toBe(0);
  await reset();
  expect((await desk.answer('limits', 'sync', '--as-of', afterReset, ...args)).code).toBe(0);
  expect(shown(made)).toEqual(before);
  expect(shown(edited)).toEqual({ ...editedBefore, firstMessage: 'Ask for Ms Ito.', maxDurationSeconds: 45 });
});
