import { beforeAll, expect, test } from 'vitest';
import { query } from '../database.ts';
import { looksAround, openSession } from '../hold.ts';
import { useThreeShards } from './three-shards.ts';

/** QUOTA_TEST_SHARD_KILLS=20: how often a move is killed. */
const kills = Number(process.env.QUOTA_TEST_SHARD_KILLS ?? 4);

const shards = useThreeShards('2026-11-15T12:00:00Z');
const { commands } = shards;
const places = ['eu-1', 'us-1'] as const;
type Place = (typeof places)[number];
const user = 'ada';
const why = ['--reason', 'eu-1 is full', '--yes'];

/** Where the command stands still when it is killed: what holds it, in which of the two. */
const points: readonly { at: 'from' | 'to'; hold: string }[] = [
  // The user is locked, nothing is packed.
  { at: 'to', hold: 'lock table quota.arriving_users in exclusive mode' },
  // Packed, and half unpacked.
  { at: 'to', hold: 'lock table quota.call_logs in share mode' },
  // Unpacked there and taken away here, neither committed.
  { at: 'from', hold: 'lock table quota.examined_users in exclusive mode' },
  // Committed here, and not there.
  { at: 'to', hold: 'select pg_advisory_lock(17)' },
];

const countedIn = async (place: Place) =>
  (
    await query(
      shards.urlOf(place),
      `select (select count(*)::int from quota.users where external_id = $1) as users,
         (select count(*)::int from quota.moved_users) as gone,
         (select count(*)::int from quota.arriving_users) as arriving,
         (select count(*)::int from quota.call_logs) as calls,
         (select coalesce(sum(used), 0)::float from quota.usage_quotas) as used,
         (select count(*)::int from quota.assistants) as assistants,
         (select coalesce(sum(quantity), 0)::float from quota.grants) as granted`,
      [user],
    )
  )[0] ?? {};

beforeAll(async () => {
  await commands.json('db', 'migrate', '--all-shards');
  await commands.json('user', 'add', user, '--yes', '--shard', 'eu-1');
  await shards.on(
    'eu-1',
    `select quota.record('${user}', 'voice', 'call ' || n, 7, p_metadata => '{"a": [null, 1.50]}') from generate_series(1, 300) n`,
  );
  await shards.on('eu-1', `select quota.add_assistant('${user}', 'ada-1')`);
  await commands.json('user', 'grant', user, 'voice_seconds', '1h', ...why);
  for (const place of places) {
    await shards.on(
      place,
      `create function public.wait_there() returns trigger language plpgsql as
         $$ begin perform pg_advisory_xact_lock(17); return null; end $$;
       create constraint trigger late after insert on quota.audit_log deferrable initially deferred
         for each row when (new.action = 'user.moved') execute function public.wait_there()`,
    );
  }
});

test('killed at any point and done again, a move has one effect', async () => {
  const facts = { calls: 300, used: 2100, assistants: 1, granted: 3600 };
  for (let kill = 0; kill < kills; kill += 1) {
    const from = kill % 2 === 0 ? 'eu-1' : 'us-1';
    const to = kill % 2 === 0 ? 'us-1' : 'eu-1';
    // Each point comes in both directions; after those it is any moment.
    const point = kill < 8 ? points[(kill + Math.floor(kill / 4)) % 4] : undefined;
    const words = ['shards', 'move', user, '--to', to, ...why];
    const holder = point && (await openSession(shards.urlOf(point.at === 'to' ? to : from), point.hold));
    const run = commands.start(...words);
    let isOver = false;
    const ended = run.result.then(() => {
      isOver = true;
    });
    await (holder
      ? holder.waitedFor()
      : expect
          .poll(async () => isOver || (await countedIn(to)).arriving || (await countedIn(to)).users, {
            timeout: 20_000,
            interval: 2,
          })
          .toBeTruthy());
    await looksAround(shards.urlOf(to), holder ? 0 : (kill * 7) % 20, () => isOver);
    run.kill('SIGKILL');
    await ended;
    // The server would go on with what it was told last before it notices.
    await holder?.endWaiting();
    await holder?.end();

    const [here, there] = [await countedIn(from), await countedIn(to)];
    const where = `kill ${kill}: ${JSON.stringify({ here, there })}`;
    expect(Number(here.users) + Number(there.users), where).toBe(
      here.gone === 1 && there.arriving === 1 ? 0 : 1,
    );
    if (point === points[3]) {
      expect({ here, there }, where).toMatchObject({
        here: { users: 0, gone: 1 },
        there: { users: 0, arriving: 1 },
      });
      expect((await commands.json(75, 'user', 'show', user)).error.message).toMatch(/is on the way to shard/);
      for (const place of places) {
        await expect(
          shards.on(place, `select quota.record('${user}', 'voice', 'k', 1)`),
        ).rejects.toMatchObject({
          code: 'QT009',
        });
      }
    }
    await commands.json(...words);
    expect(await countedIn(from), where).toEqual({
      users: 0,
      gone: 1,
      arriving: 0,
      calls: 0,
      used: 0,
      assistants: 0,
      granted: 0,
    });
    expect(await countedIn(to), where).toEqual({ users: 1, gone: 0, arriving: 0, ...facts });
  }
  const checked = await commands.answer('doctor', '--all-shards', '--full');
  expect(checked.data.map(({ exitCode }: { exitCode: number }) => exitCode)).not.toContain(3);
});
