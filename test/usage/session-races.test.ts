import pg from 'pg';
import { expect, test } from 'vitest';
import { chance } from '../../fixtures/vapi-simulator/chance.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
/** Another seed makes other statements; the order in which they meet is the server's. */
const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);
const clients = 8;
const turns = Number(process.env.QUOTA_TEST_TURNS ?? 60);
const sessions = 3;
const noon = Date.parse('2026-11-10T12:00:00Z');

const statements = [
  `select quota.start_session('ada', 'avatar', $1, p_estimate => 100)`,
  `select quota.touch_session('ada', $1, $2)`,
  `select quota.touch_session('ada', $1, $2)`,
  `select quota.end_session('ada', $1, $2)`,
  `select quota.record('ada', 'avatar', $1, $2)`,
  'select quota.reap_sessions(10, null)',
  `update quota.call_logs set status = 'completed', duration_seconds = $2, ended_at = null where provider_call_id = $1`,
  'delete from quota.call_logs where provider_call_id = $1 and $2::numeric > 35',
];

/** One client of many that tell of the same few sessions of one user, each by a clock of its own. */
async function work(number: number, refused: Set<string>): Promise<void> {
  const client = new pg.Client({ connectionString: desk.url });
  await client.connect();
  try {
    for (let turn = 0; turn < turns; turn++) {
      const draw = (what: string, below: number) => Math.floor(chance(seed, number, turn, what) * below);
      const now = noon + turn * 40_000 + draw('clock', 40_000);
      await client.query(`select set_config('quota.as_of', $1, false)`, [new Date(now).toISOString()]);
      const sql = statements[draw('statement', statements.length)] ?? '';
      const values = [`session ${draw('session', sessions)}`, draw('seconds', 40)].slice(
        0,
        /\$2/.test(sql) ? 2 : /\$1/.test(sql) ? 1 : 0,
      );
      await client.query(sql, values).catch((error) => refused.add(error.code));
    }
  } finally {
    await client.end();
  }
}

test('touched, ended, recorded, reaped, deleted and started anew at once: no deadlock, and everything follows from the facts', async () => {
  await desk.addUser({ externalId: 'ada' });
  const refused = new Set<string>();
  await Promise.all(Array.from({ length: clients }, (_, number) => work(number, refused)));
  // A session that is not there, or whose end is known, is refused as such; nothing else is.
  expect([...refused].filter((code) => code !== 'QT003')).toEqual([]);
  expect(await desk.differences()).toEqual([]);
  expect(await desk.query('select problem from quota.wrong_leases()')).toEqual([]);
  expect(
    await desk.query(
      `select c.call_log_id from quota.concurrent_processing c group by 1 having count(*) > 1`,
    ),
  ).toEqual([]);
}, 120_000);

test('the end of a session that is deleted while its end waits is refused in words', async () => {
  await desk.addUser({ externalId: 'bea' });
  await desk.query(`select quota.start_session('bea', 'avatar', 'a tab')`);
  const ended = await desk.session(async (other) => {
    await other.query('begin');
    await other.query(`delete from quota.call_logs where provider_call_id = 'a tab'`);
    const end = desk.query(`select quota.end_session('bea', 'a tab', 12)`).catch((error) => error);
    await expect
      .poll(() => other.query(`select from pg_locks where not granted`).then(({ rowCount }) => rowCount))
      .toBeGreaterThan(0);
    await other.query('commit');
    return end;
  });
  expect(ended).toMatchObject({
    code: 'QT003',
    message: 'the call is no longer there: it was deleted meanwhile',
  });
});
