import { beforeAll, expect, test } from 'vitest';
import { defaultLimitedState, parseLimitedState } from '../../src/enforcement/limited-state.ts';
import { perFile } from '../desk/desk.ts';
import { LimitsDesk } from './limits-desk.ts';

const desk = perFile(new LimitsDesk({ users: 2, perUser: 1 }));
beforeAll(() => desk.exceed('user_0', 'user_1'));

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
  const file = desk.write('state.yaml', text);
  for (const options of [{ args: ['--limited-state', file] }, { env: { QUOTA_LIMITED_STATE: file } }]) {
    const { code, stderr } = await desk
      .with({
        env: options.env ?? {},
      })
      .run('limits', 'sync', ...(options.args ?? []));
    expect(code).toBe(78);
    expect(stderr).toContain(words);
  }
  expect(desk.vapi.requests()).toEqual([]);
});

test('a file that is not there is a matter of configuration', async () => {
  expect((await desk.run('limits', 'sync', '--limited-state', '/nowhere')).code).toBe(78);
});

test("a plan's limited state is checked too, and used for its users; a changed one is brought to them", async () => {
  const plan = (state: unknown) =>
    desk.query(`update quota.plans set limited_state = $1 where key = 'voice-free'`, [JSON.stringify(state)]);
  await plan({ maxDurationSeconds: 3 });
  const bad = await desk.run('limits', 'sync');
  expect(bad.code).toBe(78);
  expect(bad.stderr).toContain('the plan voice-free');
  expect(desk.vapi.requests()).toEqual([]);

  const [id = ''] = desk.assistantsOf('user_0');
  const before = desk.vapi.assistant(id);
  await plan({ maxDurationSeconds: 15, endCallMessage: 'The limit is reached.' });
  expect((await desk.run('limits', 'sync')).code).toBe(0);
  expect(desk.vapi.assistant(id)).toMatchObject({
    maxDurationSeconds: 15,
    endCallMessage: 'The limit is reached.',
    firstMessage: before?.firstMessage,
  });
  await plan({ maxDurationSeconds: 20, firstMessage: 'Over.' });
  expect((await desk.run('limits', 'sync')).code).toBe(0);
  expect(desk.vapi.assistant(id)).toMatchObject({ maxDurationSeconds: 20, firstMessage: 'Over.' });
  expect(desk.vapi.assistant(id)?.endCallMessage ?? null).toBe(before?.endCallMessage ?? null);
  expect((await desk.run('limits', 'restore', 'user_0', '--yes')).code).toBe(0);
  const back = { maxDurationSeconds: 600, endCallMessage: null, updatedAt: '' };
  expect({ ...back, ...desk.vapi.assistant(id), updatedAt: '' }).toEqual({
    ...back,
    ...before,
    updatedAt: '',
  });
});
