import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultLimitedState, parseLimitedState } from '../../src/enforcement/limited-state.ts';
import { createLimitsWorld, type LimitsWorld } from './world.ts';

let world: LimitsWorld;
let file: string;
beforeAll(async () => {
  world = await createLimitsWorld({ users: 2, perUser: 1 });
  file = join(mkdtempSync(join(tmpdir(), 'quota-test-state-')), 'state.yaml');
  await world.exceed(['user_0', 'user_1']);
});
afterAll(async () => {
  rmSync(join(file, '..'), { recursive: true });
  await world.close();
});

test('the default ends the call with the last word of its notice', () => {
  expect(parseLimitedState(defaultLimitedState, 'the default')).toBe(defaultLimitedState);
  const [phrase = ''] = defaultLimitedState.endCallPhrases;
  expect(defaultLimitedState.firstMessage.toLowerCase().replace(/\W+$/, '').endsWith(phrase)).toBe(true);
  expect(defaultLimitedState.firstMessage.split(' ').length).toBeLessThanOrEqual(30);
});

test.each([
  ['{maxDurationSeconds: 5}', 'maxDurationSeconds must not be less than 10'],
  ['{maxDurationSeconds: 50000}', 'maxDurationSeconds must not be greater than 43200'],
  [
    '{maxDurationSeconds: 10, endCallAfterSpokenWords: 30}',
    'endCallAfterSpokenWords: VAPI has no such field',
  ],
  ['{maxSeconds: 10}', 'property maxSeconds should not exist'],
  ['{firstMessage: 7}', 'firstMessage must be a string'],
  ['{model: {provider: openai, model: gpt-4o}}', 'model: a PATCH replaces the whole model'],
  ['{}', 'it limits nothing'],
  ['[1]', 'it must be an object'],
  ['{maxDurationSeconds: [', 'Flow'],
])('%s is refused, and nothing is sent', async (text, words) => {
  writeFileSync(file, text);
  for (const options of [{ args: ['--limited-state', file] }, { env: { QUOTA_LIMITED_STATE: file } }]) {
    const { code, stderr } = await world.cli(['limits', 'sync', ...(options.args ?? [])], {
      env: options.env ?? {},
    });
    expect(code).toBe(78);
    expect(stderr).toContain(words);
  }
  expect(world.simulator.requests()).toEqual([]);
});

test('a file that is not there is a matter of configuration', async () => {
  expect((await world.cli(['limits', 'sync', '--limited-state', '/nowhere'])).code).toBe(78);
});

test("a plan's limited state is checked too, and used for its users; a changed one is brought to them", async () => {
  const plan = (state: unknown) =>
    world.sql(`update quota.plans set limited_state = $1 where key = 'voice-free'`, [JSON.stringify(state)]);
  await plan({ maxDurationSeconds: 3 });
  const bad = await world.cli(['limits', 'sync']);
  expect(bad.code).toBe(78);
  expect(bad.stderr).toContain('the plan voice-free');
  expect(world.simulator.requests()).toEqual([]);

  const [id = ''] = world.assistantsOf('user_0');
  const before = world.simulator.assistant(id);
  await plan({ maxDurationSeconds: 15, endCallMessage: 'The limit is reached.' });
  expect((await world.cli(['limits', 'sync'])).code).toBe(0);
  expect(world.simulator.assistant(id)).toMatchObject({
    maxDurationSeconds: 15,
    endCallMessage: 'The limit is reached.',
    firstMessage: before?.firstMessage,
  });
  await plan({ maxDurationSeconds: 20, firstMessage: 'Over.' });
  expect((await world.cli(['limits', 'sync'])).code).toBe(0);
  expect(world.simulator.assistant(id)).toMatchObject({ maxDurationSeconds: 20, firstMessage: 'Over.' });
  expect(world.simulator.assistant(id)?.endCallMessage ?? null).toBe(before?.endCallMessage ?? null);
  expect((await world.cli(['limits', 'restore', 'user_0', '--yes'])).code).toBe(0);
  const back = { maxDurationSeconds: 600, endCallMessage: null, updatedAt: '' };
  expect({ ...back, ...world.simulator.assistant(id), updatedAt: '' }).toEqual({
    ...back,
    ...before,
    updatedAt: '',
  });
});
