import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 2, perUser: 2 }));
beforeEach(async () => {
  await desk.exceed('user_0', 'user_1');
  await desk.answer('limits', 'sync');
  expect(await limited()).toEqual(['user_0', 'user_1']);
});

/** Whose assistants are limited at the provider. */
const limited = async () =>
  ['user_0', 'user_1'].filter((user) =>
    desk.assistantsOf(user).every((id) => desk.vapi.assistant(id)?.maxDurationSeconds === 10),
  );

async function planFile(limit: string): Promise<string> {
  const definition = await desk.json('plan', 'show', 'voice-free');
  const limits = definition.limits.map((one: { limit: string }) => ({ ...one, limit }));
  return desk.write('plan.json', JSON.stringify({ ...definition, limits }));
}

const grant = ['user', 'grant', 'user_0', 'voice_seconds', '600', '--reason', 'promo', '--yes'];
const setPlan = [
  ...['user', 'set-plan', 'user_0', 'voice-free', '--limit', 'voice_seconds=30m'],
  ...['--reason', 'pilot', '--yes'],
];

describe.each([
  ['a grant', grant],
  ['a higher limit', setPlan],
])('%s that lifts the limit of a user', (_what, words) => {
  test('gives the assistants back at once, and nobody else’s', async () => {
    const { code, data } = await desk.answer(...words);
    expect(code).toBe(0);
    expect(data.assistants).toEqual(
      desk.assistantsOf('user_0').map((providerAssistantId) => ({
        providerAssistantId,
        desired: 'original',
        status: 'restored',
        error: null,
      })),
    );
    expect(await limited()).toEqual(['user_1']);
  });

  test('leaves them queued with --no-sync and on a dry run, and without a key says so', async () => {
    const dry = await desk.answer(...words, '--dry-run');
    expect(dry).toMatchObject({ code: 0, data: { assistants: [] } });
    const { code, data } = await desk.answer(...words, '--no-sync');
    expect({ code, status: data.assistants[0]?.status }).toEqual({ code: 0, status: 'pending' });
    const keyless = desk.with({ env: { VAPI_API_KEY: '' }, besides: () => [] });
    const again = await keyless.run(...words.map((word) => word.replace('30m', '40m').replace('600', '60')));
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('VAPI_API_KEY is not set') });
    expect(await limited()).toEqual(['user_0', 'user_1']);
  });

  test('stands when VAPI refuses an assistant; the exit code is 75 and the next sync goes on', async () => {
    const [bad = ''] = desk.assistantsOf('user_0');
    desk.vapi.scriptFaults([{ kind: 'error', status: 422, path: bad }]);
    const { code, data } = await desk.answer(...words);
    expect(code).toBe(75);
    expect(data.auditId).not.toBeNull();
    expect(data.assistants).toMatchObject([
      { providerAssistantId: bad, status: 'failed' },
      { status: 'restored' },
    ]);
    expect((await desk.answer('limits', 'sync')).code).toBe(0);
    expect(await limited()).toEqual(['user_1']);
  });
});

test('plan apply --now with a higher limit gives back what it frees; without --now nothing is touched', async () => {
  const file = await planFile('1800');
  const later = await desk.answer('plan', 'apply', file, '--dry-run', '--now');
  expect(later).toMatchObject({ code: 0, data: { assistants: null } });
  const { code, data } = await desk.answer('plan', 'apply', file, '--now', '--yes');
  expect({ code, assistants: data.assistants }).toEqual({
    code: 0,
    assistants: { limited: 0, restored: 4, failed: 0, queued: 0 },
  });
  expect(await limited()).toEqual([]);
});

test('plan move to a plan with more gives back what it frees, and back again limits anew', async () => {
  const definition = await desk.json('plan', 'show', 'voice-free');
  const limits = definition.limits.map((one: object) => ({ ...one, limit: '1800' }));
  const more = { ...definition, key: 'voice-more', isDefault: false, limits };
  await desk.json('plan', 'apply', desk.write('more.json', JSON.stringify(more)), '--yes');
  const moved = await desk.answer('plan', 'move', 'voice-free', 'voice-more', '--reason', 'more', '--yes');
  expect(moved).toMatchObject({
    code: 0,
    data: { users: 2, assistants: { limited: 0, restored: 4, failed: 0, queued: 0 } },
  });
  expect(await limited()).toEqual([]);
  const back = await desk.answer('plan', 'move', 'voice-more', 'voice-free', '--reason', 'back', '--yes');
  expect(back).toMatchObject({ code: 0, data: { assistants: { limited: 4, restored: 0 } } });
  expect(await limited()).toEqual(['user_0', 'user_1']);
});
