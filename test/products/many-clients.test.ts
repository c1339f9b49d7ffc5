import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const clientsMax = Number(process.env.QUOTA_TEST_CLIENTS ?? 200);
/** Of each client. */
const turns = Number(process.env.QUOTA_TEST_TURNS ?? 3);
/** So few that their lifetimes of 20 sessions do not reach for all that is asked. */
const users = 20;

const desk = useDesk();
beforeAll(async () => {
  await desk.query(
    `insert into quota.users (external_id) select 'user ' || n from generate_series(1, ${users}) n`,
  );
});

interface Tally {
  calls: number;
  /** What the client was told is recorded, by user: milliseconds. */
  voice: Map<string, number>;
  sessions: number;
  refused: number;
}

/** One client of the app: asks and records by turns, for one user after another. */
async function work(number: number): Promise<Tally> {
  const client = new pg.Client({ connectionString: desk.url });
  const tally: Tally = { calls: 0, voice: new Map(), sessions: 0, refused: 0 };
  await client.connect();
  try {
    for (let turn = 0; turn < turns; turn++) {
      const user = `user ${1 + ((number * 7 + turn * 13) % users)}`;
      await client.query(`select * from quota.check($1::text, 'voice')`, [user]);
      await record(client, tally, user, `${number} ${turn}`);
      await holdSession(client, tally, user, `${number} ${turn}`);
      tally.calls++;
    }
  } finally {
    await client.end();
  }
  return tally;
}

/** Records a call, every third one twice, as an app does that did not hear the answer. */
async function record(client: pg.Client, tally: Tally, user: string, key: string): Promise<void> {
  const milliseconds = 1 + (key.length % 5);
  for (let repeat = 0; repeat < (tally.calls % 3 === 0 ? 2 : 1); repeat++) {
    const { rows } = await client.query(`select recorded from quota.record($1, 'voice', $2, $3)`, [
      user,
      `voice ${key}`,
      milliseconds / 1000,
    ]);
    expect(rows[0].recorded).toBe(repeat === 0);
  }
  tally.voice.set(user, (tally.voice.get(user) ?? 0) + milliseconds);
}

/** Takes up to a minute of the 20 of a lifetime, and uses all of it. */
async function holdSession(client: pg.Client, tally: Tally, user: string, key: string): Promise<void> {
  const { rows } = await client.query(
    `select allowed, session_id, cap_seconds from quota.start_session($1, 'avatar', $2, p_estimate => 59.9)`,
    [user, `avatar ${key}`],
  );
  const { allowed, session_id, cap_seconds } = rows[0];
  if (!allowed) {
    tally.refused++;
    return;
  }
  await client.query('select quota.end_session($1, $2)', [session_id, cap_seconds]);
  tally.sessions++;
}

test(`${clientsMax} clients at once lose no update, meet no deadlock and overspend nothing`, async () => {
  const tallies = await Promise.all(Array.from({ length: clientsMax }, (_, number) => work(number)));

  const told = new Map<string, number>();
  for (const tally of tallies) {
    for (const [user, milliseconds] of tally.voice) {
      told.set(user, (told.get(user) ?? 0) + milliseconds);
    }
  }
  const stored = await desk.query<{
    external_id: string;
    meter: string;
    milliseconds: string;
    overspent: boolean;
  }>(
    `select u.external_id, q.meter, (q.used * 1000)::bigint as milliseconds, q.used > q.limit_quantity as overspent
     from quota.usage_quotas q join quota.users u on u.id = q.user_id where q.used > 0`,
  );
  const voice = stored.filter(({ meter }) => meter === 'voice_seconds');
  expect(new Map(voice.map((row) => [row.external_id, Number(row.milliseconds)]))).toEqual(told);
  const avatar = stored.filter(({ meter }) => meter === 'avatar_seconds');
  expect(avatar).toHaveLength(users);
  expect(avatar.filter(({ overspent }) => overspent)).toEqual([]);
  const sum = (count: (tally: Tally) => number) => tallies.reduce((total, tally) => total + count(tally), 0);
  expect(sum(({ calls }) => calls)).toBe(clientsMax * turns);
  expect(sum(({ sessions }) => sessions)).toBeGreaterThan(users);
  expect(sum(({ refused }) => refused)).toBeGreaterThan(users);

  expect(await desk.json('doctor', '--strict')).toMatchObject({ ok: true, differences: 0 });
});
