import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runBin, startBin } from '../run-cli.ts';
import { afterReset, asOf, createLimitsWorld, type LimitsWorld } from './world.ts';

/** Sixty assistants; `QUOTA_TEST_ASSISTANTS=1000` for the long version. */
const users = Number(process.env.QUOTA_TEST_ASSISTANTS ?? 60) / 2;
const names = Array.from({ length: users }, (_, index) => `user_${index}`);

let world: LimitsWorld;
beforeEach(async () => {
  world = await createLimitsWorld({
    users,
    perUser: 2,
    latencyMs: 5,
    faults: { rate: 0.2, kinds: ['error', 'html', 'rateLimit', 'drop', 'lost', 'lostHtml'] },
  });
});
afterEach(() => world.close());

const sync = (at: string, ...args: string[]) => [
  'limits',
  'sync',
  '--json',
  '--quiet',
  '--rate',
  '200',
  '--as-of',
  at,
  ...args,
];

/** Kills runs at random moments, then lets runs end until nothing is left. */
async function convergeThroughKills(at: string, kills: number): Promise<void> {
  for (let killed = 0; killed < kills; killed++) {
    const run = startBin(sync(at, '--attempts', '2'), { env: world.env });
    await sleep(250 + Math.random() * 900);
    run.kill('SIGKILL');
    await run.result;
  }
  for (let runs = 0; ; runs++) {
    expect(runs).toBeLessThan(40);
    // One attempt each, so that failures are seen; what is limited is not looked at again, for that fails as well.
    const args = sync(at, '--attempts', '1', '--recheck-after', '1h');
    const { code, stdout } = await runBin(args, { env: world.env });
    const { left } = JSON.parse(stdout);
    const queued = (await world.limits()).filter(({ status }) => status === 'pending' || status === 'failed');
    // Whatever failed shows in the queue and in the exit code.
    expect({ code, queued: queued.length }).toEqual({
      code: left.pending + left.failed > 0 ? 75 : 0,
      queued: left.pending + left.failed,
    });
    expect(queued.every(({ status, error }) => (status === 'failed') === (error !== null))).toBe(true);
    if (code === 0) {
      return;
    }
    if (left.busy > 0) {
      await sleep(1000); // Claims of killed runs end by themselves.
    }
  }
}

const comparable = (assistant: { [field: string]: unknown } | undefined) => ({
  maxDurationSeconds: 600,
  endCallPhrases: null,
  ...assistant,
  updatedAt: undefined,
});

test('faults and kill -9 at any moment: every assistant ends as desired, no original is lost', async () => {
  const before = new Map(world.simulator.assistants().map((assistant) => [assistant.id, assistant]));
  await world.exceed(names);
  await convergeThroughKills(asOf, 4);
  for (const { id } of world.simulator.assistants()) {
    expect(world.simulator.assistant(id)).toMatchObject({
      maxDurationSeconds: 10,
      endCallPhrases: ['goodbye'],
    });
  }
  for (const { provider, original, applied } of await world.limits()) {
    const was = before.get(provider) ?? {};
    for (const field of Object.keys(applied ?? {})) {
      expect(original?.[field]).toEqual((was as { [field: string]: unknown })[field]);
    }
  }
  const [first = ''] = world.assistantsOf('user_0');
  world.simulator.editAssistant(first, { name: 'Renamed meanwhile' });
  await world.sqlAt(afterReset, `select quota.reset_due('signup', 1000, gen_random_uuid())`);
  await convergeThroughKills(afterReset, 4);
  for (const [id, assistant] of before) {
    const expected = id === first ? { ...assistant, name: 'Renamed meanwhile' } : assistant;
    expect(comparable(world.simulator.assistant(id))).toEqual(comparable(expected));
  }
  const patches = world.simulator.patches().filter(({ by }) => by === 'client');
  expect(patches.filter(({ changedFields }) => changedFields.length === 0)).toEqual([]);
  expect(patches).toHaveLength(4 * users);
  const [originals] = await world.sql('select count(*)::int as rows from quota.assistant_originals');
  expect(originals).toEqual({ rows: 2 * users });
}, 300_000);

test('two runs at once patch no assistant twice for the same change', async () => {
  world.simulator.clearFaults();
  await world.exceed(names);
  const runs = await Promise.all([1, 2].map(() => runBin(sync(asOf), { env: world.env })));
  const limited = runs.map(({ stdout }) => JSON.parse(stdout).counts.limited);
  expect(limited[0] + limited[1]).toBe(2 * users);
  expect(world.simulator.patches()).toHaveLength(2 * users);
  expect(new Set(world.simulator.patches().map(({ assistantId }) => assistantId)).size).toBe(2 * users);
});

test('an interrupted run ends soon, gives its claims back and reports what it did', async () => {
  world.simulator.clearFaults();
  world.simulator.setLatency(200);
  await world.exceed(names);
  const run = startBin(sync(asOf), { env: world.env });
  await expect.poll(() => world.simulator.patches().length, { timeout: 10_000 }).toBeGreaterThan(5);
  run.kill('SIGTERM');
  const { code, stdout } = await run.result;
  expect(code).toBe(143);
  expect(JSON.parse(stdout).left.pending).toBeGreaterThan(0);
  const limits = await world.limits();
  expect(limits.filter(({ claimed }) => claimed)).toEqual([]);
  expect((await runBin(sync(asOf), { env: world.env })).code).toBe(0);
  expect(world.simulator.patches().every(({ changedFields }) => changedFields.length > 0)).toBe(true);
});
