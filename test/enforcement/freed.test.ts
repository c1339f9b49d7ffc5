import { expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 3, perUser: 2 }));

const durations = (user: string) =>
  desk.assistantsOf(user).map((id) => desk.vapi.assistant(id)?.maxDurationSeconds ?? 600);
const change = (...words: string[]) => desk.run(...words, '--yes', '--reason', 'ticket 9', '--verbose');

test.each([
  ['a grant', ['user', 'grant', 'user_0', 'voice_seconds', '30m']],
  ['a larger limit', ['user', 'set-plan', 'user_0', 'voice-free', '--limit', 'voice_seconds=3600']],
  ['a reset', ['user', 'reset', 'user_0']],
])('%s frees the assistants at once', async (_name, words) => {
  const before = durations('user_0');
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  expect(durations('user_0')).toEqual([10, 10]);
  const { code, stdout } = await change(...words);
  expect(code).toBe(0);
  for (const id of desk.assistantsOf('user_0')) {
    expect(stdout).toContain(id);
  }
  expect(durations('user_0')).toEqual(before);
});

test('what only queues says so, and which command does it', async () => {
  const wait = /2 assistants wait to be limited or restored at VAPI: quota limits sync/;
  const recorded = await change(
    'usage',
    'record',
    'user_1',
    '--service',
    'voice',
    '--key',
    'k',
    '--quantity',
    '700',
  );
  expect(recorded).toMatchObject({ code: 0, stderr: expect.stringMatching(wait) });
  const calls = desk.write(
    'calls.csv',
    'service,provider,provider_call_id,user_external_id,started_at,duration_seconds\nvoice,vapi,c,user_2,2026-10-15T10:00:00Z,700\n',
  );
  const imported = await change('import', 'call-logs', calls);
  expect(imported).toMatchObject({ code: 0, stderr: expect.stringMatching(wait) });
  expect((await change('import', 'call-logs', calls)).stderr).not.toMatch(/wait/);
  expect((await desk.answer('limits', 'sync')).data.counts.limited).toBe(4);
});
