import { expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import { perTest } from '../desk/desk.ts';
import { strike } from '../desk/strike.ts';
import { afterReset, asOf, LimitsDesk } from './limits-desk.ts';

/** Sixty assistants; `QUOTA_TEST_ASSISTANTS=1000` for the long version. */
const users = Number(process.env.QUOTA_TEST_ASSISTANTS ?? 60) / 2;
const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const names = Array.from({ length: users }, (_, index) => `user_${index}`);

const desk = perTest(
  new LimitsDesk({
    users,
    perUser: 2,
    latencyMs: 5,
    faults: { rate: 0.2, kinds: ['error', 'html', 'rateLimit', 'drop', 'lost', 'lostHtml'] },
  }),
);

const sync = (at: string, ...words: string[]) =>
  desk.at(at).start('limits', 'sync', '--json', '--rate', '200', ...words);

/** The assistants that a killed run was working on; its claims end by themselves, here at once. */
async function endClaims(): Promise<string | null> {
  // A statement that was on its way when its process died is carried out all the same.
  await expect.poll(async () => (await desk.sessions()).length).toBe(0);
  const claims = await desk.query<{ soon: boolean }>(
    `with held as (select assistant_id, claimed_until from quota.assistant_limits where claimed_until is not null)
     update quota.assistant_limits l set claimed_until = clock_timestamp() from held h
     where h.assistant_id = l.assistant_id returning h.claimed_until < clock_timestamp() + interval '2 minutes' as soon`,
  );
  expect(claims.filter(({ soon }) => !soon)).toEqual([]);
  return claims.length === 0 ? null : 'claimed assistants';
}

/** Kills runs in the midst of their requests, then lets runs end until nothing is left. */
async function convergeThroughKills(at: string, kills: number): Promise<void> {
  let answered = 0;
  await strike({
    kills,
    start: () => {
      answered = desk.vapi.requests().length;
      return sync(at, '--attempts', '2');
    },
    isDue: (attempt) => desk.vapi.requests().length > answered + 20 * chance(seed, at, attempt),
    evidence: endClaims,
  });
  for (let runs = 0; ; runs++) {
    expect(runs).toBeLessThan(40);
    // One attempt each, so that failures are seen; what is limited is not looked at again, for that fails as well.
    const { code, stdout } = await sync(at, '--attempts', '1', '--recheck-after', '1h').result;
    const { left } = JSON.parse(stdout);
    const queued = (await desk.limits()).filter(({ status }) => status === 'pending' || status === 'failed');
    // Whatever failed shows in the queue and in the exit code.
    expect({ code, queued: queued.length, busy: left.busy }).toEqual({
      code: left.pending + left.failed > 0 ? 75 : 0,
      queued: left.pending + left.failed,
      busy: 0,
    });
    expect(queued.every(({ status, error }) => (status === 'failed') === (error !== null))).toBe(true);
    if (code === 0) {
      return;
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
  const before = new Map(desk.vapi.assistants().map((assistant) => [assistant.id, assistant]));
  await desk.exceed(...names);
  await convergeThroughKills(asOf, 4);
  for (const { id } of desk.vapi.assistants()) {
    expect(desk.vapi.assistant(id)).toMatchObject({
      maxDurationSeconds: 10,
      endCallPhrases: ['goodbye'],
    });
  }
  for (const { provider, original, applied } of await desk.limits()) {
    const was = before.get(provider) ?? {};
    for (const field of Object.keys(applied ?? {})) {
      expect(original?.[field]).toEqual((was as { [field: string]: unknown })[field]);
    }
  }
  const [first = ''] = desk.assistantsOf('user_0');
  desk.vapi.editAssistant(first, { name: 'Renamed meanwhile' });
  await desk.queryAt(afterReset, `select quota.reset_due('signup', 1000, gen_random_uuid())`);
  await convergeThroughKills(afterReset, 4);
  for (const [id, assistant] of before) {
    const expected = id === first ? { ...assistant, name: 'Renamed meanwhile' } : assistant;
    expect(comparable(desk.vapi.assistant(id))).toEqual(comparable(expected));
  }
  const patches = desk.vapi.patches().filter(({ by }) => by === 'client');
  expect(patches.filter(({ changedFields }) => changedFields.length === 0)).toEqual([]);
  expect(patches).toHaveLength(4 * users);
  const [originals] = await desk.query('select count(*)::int as rows from quota.assistant_originals');
  expect(originals).toEqual({ rows: 2 * users });
});

test('two runs at once patch no assistant twice for the same change', async () => {
  desk.vapi.clearFaults();
  await desk.exceed(...names);
  const runs = await Promise.all([1, 2].map(() => sync(asOf).result));
  const limited = runs.map(({ stdout }) => JSON.parse(stdout).counts.limited);
  expect(limited[0] + limited[1]).toBe(2 * users);
  expect(desk.vapi.patches()).toHaveLength(2 * users);
  expect(new Set(desk.vapi.patches().map(({ assistantId }) => assistantId)).size).toBe(2 * users);
});

test('an interrupted run ends soon, gives its claims back and reports what it did', async () => {
  desk.vapi.clearFaults();
  desk.vapi.setLatency(200);
  await desk.exceed(...names);
  const run = sync(asOf);
  await expect.poll(() => desk.vapi.patches().length).toBeGreaterThan(5);
  run.kill('SIGTERM');
  const { code, stdout } = await run.result;
  expect(code).toBe(143);
  expect(JSON.parse(stdout).left.pending).toBeGreaterThan(0);
  const limits = await desk.limits();
  expect(limits.filter(({ claimed }) => claimed)).toEqual([]);
  expect((await sync(asOf).result).code).toBe(0);
  expect(desk.vapi.patches().every(({ changedFields }) => changedFields.length > 0)).toBe(true);
});
