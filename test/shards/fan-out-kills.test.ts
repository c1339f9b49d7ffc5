import { beforeAll, expect, test } from 'vitest';
import { killAgain } from '../adopt/kill-again.ts';
import { shardNames, useThreeShards } from './three-shards.ts';

/** QUOTA_TEST_SHARD_KILLS=20: how often a command on all shards is killed. */
const kills = Number(process.env.QUOTA_TEST_SHARD_KILLS ?? 3);
const usersOfShard = 120;

const shards = useThreeShards('2026-11-15T12:00:00Z');
const later = shards.commands.at('2026-12-20T12:00:00Z');

/** Resets that the history tells of, over all shards. */
async function resets(): Promise<number> {
  let all = 0;
  for (const name of shardNames) {
    const [row] = await shards.on<{ resets: number }>(
      name,
      `select count(*)::int as resets from quota.audit_log where action = 'subscription.reset'`,
    );
    all += row?.resets ?? 0;
  }
  return all;
}

beforeAll(async () => {
  await shards.commands.json('db', 'migrate', '--all-shards');
  for (const name of shardNames) {
    await shards.on(
      name,
      `insert into quota.users (external_id, created_at)
       select '${name} ' || n, '2026-11-01T00:00:00Z' from generate_series(1, ${usersOfShard}) n;
       select quota.record(u.external_id, 'voice', u.external_id, 7, p_started_at => '2026-11-10T00:00:00Z') from quota.users u`,
    );
  }
});

test('a job on all shards that is killed at any moment resets each user once', async () => {
  const words = ['jobs', 'reset-anniversaries', '--no-sync', '--batch-size', '15', '--all-shards'];
  await killAgain(later, words, resets, async () => {}, kills);
  // It may warn of the run that was killed last.
  expect((await later.answer(...words)).code).toBe(0);
  expect(await resets()).toBe(usersOfShard * shardNames.length);
  for (const name of shardNames) {
    const [row] = await shards.on(
      name,
      `select count(*) filter (where closed_at is not null)::int as closed,
         count(distinct user_id) filter (where closed_at is null)::int as open,
         sum(used)::float as used from quota.usage_quotas`,
    );
    expect(row).toEqual({ closed: usersOfShard, open: usersOfShard, used: 7 * usersOfShard });
  }
  const answers = await later.answer('jobs', 'reset-anniversaries', '--no-sync', '--all-shards');
  expect(answers.data.map(({ data }: { data: { due: number } }) => data.due)).toEqual([0, 0, 0]);
});
