import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLimitsWorld, type LimitsWorld } from './world.ts';

let world: LimitsWorld;
beforeEach(async () => {
  world = await createLimitsWorld({ users: 2, perUser: 2 });
  await world.exceed(['user_0', 'user_1']);
  await world.json(['limits', 'sync']);
});
afterEach(() => world.close());

const reset = ['user', 'reset', 'user_0', '--reason', 'goodwill', '--yes'];

test('a reset restores the assistants of the user at once', async () => {
  const { code, data } = await world.json(reset);
  expect(code).toBe(0);
  expect(data.assistants).toEqual(
    world
      .assistantsOf('user_0')
      .map((providerAssistantId) => ({ providerAssistantId, status: 'restored', error: null })),
  );
  for (const id of world.assistantsOf('user_0')) {
    expect(world.simulator.assistant(id)?.maxDurationSeconds).not.toBe(10);
  }
  for (const id of world.assistantsOf('user_1')) {
    expect(world.simulator.assistant(id)?.maxDurationSeconds).toBe(10);
  }
});

test('what cannot be restored stays queued, is said, and the next reset tries it again', async () => {
  const [bad = ''] = world.assistantsOf('user_0');
  world.simulator.scriptFaults([{ kind: 'error', status: 422, path: bad }]);
  const failed = await world.json(reset);
  expect(failed.code).toBe(75);
  expect(failed.data.assistants).toContainEqual({
    providerAssistantId: bad,
    status: 'failed',
    error: expect.stringContaining('Internal server error'),
  });
  const again = await world.json(reset);
  expect(again.code).toBe(0);
  expect(again.data).toMatchObject({
    meters: [],
    assistants: [{ providerAssistantId: bad, status: 'restored' }],
  });
});

test('without a key the reset is done, the restore left queued with a hint, and the exit code 75', async () => {
  const { code, stderr, data } = await world.json(reset, { env: { VAPI_API_KEY: '' } });
  expect(code).toBe(75);
  expect(stderr).toContain('VAPI_API_KEY is not set');
  expect(data.assistants).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
  expect(data.auditId).not.toBeNull();
});

test('with --no-sync the restore is left queued, as asked for; a wrong key does not undo the reset', async () => {
  const left = await world.json([...reset, '--no-sync']);
  expect(left).toMatchObject({
    code: 0,
    data: { assistants: [{ status: 'pending' }, { status: 'pending' }] },
  });
  const wrong = await world.json(['user', 'reset', 'user_1', '--reason', 'goodwill', '--yes'], {
    env: { VAPI_API_KEY: 'wrong' },
  });
  expect(wrong.code).toBe(75);
  expect(wrong.stderr).toContain('Invalid Key');
  expect(wrong.data.meters).toMatchObject([{ before: { used: '660.000' }, after: { used: '0.000' } }]);
});
