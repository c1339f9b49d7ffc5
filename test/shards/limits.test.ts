import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVapiSimulator } from '../../fixtures/vapi-simulator/server.ts';
import type { VapiSimulator } from '../../fixtures/vapi-simulator/simulator.ts';
import { query } from '../database.ts';
import type { Commands } from '../desk/commands.ts';
import { useDesk } from '../desk/desk.ts';
import { addUser } from '../desk/facts.ts';
import { placeOf, useThreeShards } from './three-shards.ts';

// The same users, once in three shards and once in one database, each beside a VAPI of its own.
const now = '2026-11-15T12:00:00Z';
const count = 15;
const users = Array.from({ length: count }, (_, n) => `caller_${n}`);
const desk = useDesk({ asOf: now, vapi: { assistants: count, seed: 18 } });
const shards = useThreeShards(now);
let vapi: VapiSimulator;
/** A command line, at an instant; what is done for everybody is done for all shards. */
let onShards: Commands;
const all = ['--all-shards'];

beforeAll(async () => {
  vapi = await startVapiSimulator({ assistants: count, seed: 18 });
  onShards = shards.commands.with({ env: { VAPI_API_KEY: vapi.apiKey, VAPI_BASE_URL: vapi.url } });
  await onShards.json('db', 'migrate', '--all-shards');
  const ids = vapi.assistants().map(({ id }) => id);
  expect(desk.vapi.assistants().map(({ id }) => id)).toEqual(ids);
  for (const [n, user] of users.entries()) {
    for (const url of [desk.url, shards.urlOf(placeOf(user) ?? 'eu-1')]) {
      await addUser(
        { query: (sql, values = []) => query(url, sql, [...values]) },
        { externalId: user, createdAt: '2026-01-20T00:00:00Z', assistants: [ids[n] ?? ''] },
      );
      await query(url, `select quota.record($1, 'voice', $1, $2, p_started_at => '2026-11-10T00:00:00Z')`, [
        user,
        (n * 137) % 1100,
      ]);
    }
  }
});
afterAll(() => vapi.stop());

/** What VAPI has, and how often it was changed; without the moments at which it was. */
const told = ({ assistants, patches }: VapiSimulator) => ({
  assistants: assistants().map(({ updatedAt: _, ...assistant }) => assistant),
  changes: patches().length,
});

async function expectTheSame(limited: number): Promise<void> {
  const here = told(vapi);
  expect(here).toEqual(told(desk.vapi));
  expect(here.assistants.filter(({ maxDurationSeconds }) => maxDurationSeconds === 10)).toHaveLength(limited);
}

test('who has used up is limited at VAPI, freed and restored as with one database', async () => {
  const exceeded = users.filter((_, n) => (n * 137) % 1100 >= 600);
  expect(new Set(exceeded.map(placeOf)).size).toBe(3);
  await desk.json('jobs', 'enforce-limits');
  await onShards.json('jobs', 'enforce-limits', ...all);
  await expectTheSame(exceeded.length);

  const status = await onShards.json('limits', 'status', ...all);
  const limitedOf = ({ assistants }: { assistants: { user: string }[] }) => assistants.length;
  expect(
    status
      .map(({ data }: { data: never }) => limitedOf(data))
      .reduce((one: number, other: number) => one + other),
  ).toBe(limitedOf(await desk.json('limits', 'status')));

  const [first = '', second = '', third = ''] = exceeded;
  for (const words of [
    ['user', 'grant', first, 'voice_seconds', '1000', '--reason', 'a test'],
    ['user', 'adjust', second, 'voice_seconds', '-600', '--reason', 'a test'],
    ['limits', 'restore', third],
  ]) {
    for (const line of [desk, onShards]) {
      // A restore warns that the next run of the job limits again.
      expect((await line.answer(...words, '--yes')).code).toBe(0);
    }
  }
  await expectTheSame(exceeded.length - 3);

  await desk.at('2026-12-25T00:00:00Z').json('jobs', 'reset-anniversaries');
  await onShards.at('2026-12-25T00:00:00Z').json('jobs', 'reset-anniversaries', ...all);
  await expectTheSame(0);
});

test('all shards together keep to the rate that VAPI allows', async () => {
  vapi.clearLogs();
  vapi.setRateLimit(8);
  const later = '2027-01-10T00:00:00Z';
  for (const user of users) {
    await shards.on(
      placeOf(user) ?? 'eu-1',
      `set quota.as_of = '${later}'; select quota.record('${user}', 'voice', 'later ${user}', 2000)`,
    );
  }
  await onShards.at(later).json('jobs', 'enforce-limits', '--rate', '8', ...all);
  expect(vapi.requests().length).toBeGreaterThanOrEqual(count);
  expect(vapi.requests().filter(({ status }) => status === 429)).toEqual([]);
  expect(told(vapi).assistants.every(({ maxDurationSeconds }) => maxDurationSeconds === 10)).toBe(true);
});
