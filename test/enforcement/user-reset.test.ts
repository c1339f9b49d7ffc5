import { beforeEach, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 2, perUser: 2 }));
beforeEach(async () => {
  await desk.exceed('user_0', 'user_1');
  await desk.answer('limits', 'sync');
});

const reset = ['user', 'reset', 'user_0', '--reason', 'goodwill', '--yes'];

test('a reset restores the assistants of the user at once', async () => {
  const { code, data } = await desk.answer(...reset);
  expect(code).toBe(0);
  expect(data.assistants).toEqual(
    desk
      .assistantsOf('user_0')
      .map((providerAssistantId) => ({ providerAssistantId, status: 'restored', error: null })),
  );
  for (const id of desk.assistantsOf('user_0')) {
    expect(desk.vapi.assistant(id)?.maxDurationSeconds).not.toBe(10);
  }
  for (const id of desk.assistantsOf('user_1')) {
    expect(desk.vapi.assistant(id)?.maxDurationSeconds).toBe(10);
  }
});

test('what cannot be restored stays queued, is said, and the next reset tries it again', async () => {
  const [bad = ''] = desk.assistantsOf('user_0');
  desk.vapi.scriptFaults([{ kind: 'error', status: 422, path: bad }]);
  const failed = await desk.answer(...reset);
  expect(failed.code).toBe(75);
  expect(failed.data.assistants).toContainEqual({
    providerAssistantId: bad,
    status: 'failed',
    error: expect.stringContaining('Internal server error'),
  });
  const again = await desk.answer(...reset);
  expect(again.code).toBe(0);
  expect(again.data).toMatchObject({
    meters: [],
    assistants: [{ providerAssistantId: bad, status: 'restored' }],
  });
});

test('without a key the reset is done, the restore left queued with a hint, and the exit code 75', async () => {
  const { code, stderr, data } = await desk.with({ env: { VAPI_API_KEY: '' } }).answer(...reset);
  expect(code).toBe(75);
  expect(stderr).toContain('VAPI_API_KEY is not set');
  expect(data.assistants).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
  expect(data.auditId).not.toBeNull();
});

test('with --no-sync the restore is left queued, as asked for; a wrong key does not undo the reset', async () => {
  const left = await desk.answer(...reset, '--no-sync');
  expect(left).toMatchObject({
    code: 0,
    data: { assistants: [{ status: 'pending' }, { status: 'pending' }] },
  });
  const wrong = await desk
    .with({
      env: { VAPI_API_KEY: 'wrong' },
    })
    .answer('user', 'reset', 'user_1', '--reason', 'goodwill', '--yes');
  expect(wrong.code).toBe(75);
  expect(wrong.stderr).toContain('Invalid Key');
  expect(wrong.data.meters).toMatchObject([{ before: { used: '660.000' }, after: { used: '0.000' } }]);
});
