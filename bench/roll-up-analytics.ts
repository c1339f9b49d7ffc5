/**
 * The roll-up of a day: its time follows the day, not the table. Rolls the same day among a tenth of the call logs and
 * among all of them, and a day of ten times its calls; fails when the table shows.
 *
 *   node scripts/bench.mjs roll-up-analytics [--logs 10000000] [--per-day 10000] [--users 5000] [--rounds 5]
 */
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { rollUpDay } from '../src/analytics/roll-up-store.ts';
import { withClient } from '../src/db/client.ts';
import { withBenchServer } from './bench-server.ts';
import { judge, median, say } from './verdict.ts';

const { values } = parseArgs({
  options: {
    logs: { type: 'string', default: '10000000' },
    'per-day': { type: 'string', default: '10000' },
    users: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
  },
});
const logs = Number(values.logs);
const perDay = Number(values['per-day']);
const users = Number(values.users);
const rounds = Number(values.rounds);
/** Times of a busy machine vary; a cost by the size of the table would show tenfold. */
const ratioMax = 2;
const day = '2020-01-02';
const bigDay = '2019-12-31';

await withBenchServer(async ({ createMigrated, urlOf }) => {
  await createMigrated('rolled');
  await withClient(urlOf('rolled'), measure);
});

async function measure(client: pg.Client): Promise<void> {
  // The disk's delay at commit is not what is measured.
  await client.query('set synchronous_commit = off');
  const daysAll = Math.ceil(logs / perDay);
  const daysFew = Math.ceil(daysAll / 10);
  await client.query(
    `insert into quota.users (external_id) select 'user_' || n from generate_series(1, ${users}) n`,
  );
  await client.query(
    `insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from quota.users`,
  );
  await fill(client, '2020-01-01', daysFew, perDay);
  const few = await medianMs(client, day);
  await fill(client, bigDay, 1, perDay * 10);
  const big = await medianMs(client, bigDay);
  await fill(client, afterDays('2020-01-01', daysFew), daysAll - daysFew, perDay);
  const all = await medianMs(client, day);
  tell(`a day of ${perDay} calls among ${daysFew * perDay}`, few);
  tell(`a day of ${perDay * 10} calls`, big);
  tell(`a day of ${perDay} calls among ${logs}`, all);
  judge('a day among all / among a tenth', all / few, ratioMax, {
    ours: `${all.toFixed(0)} ms`,
    baseline: `${few.toFixed(0)} ms`,
  });
}

function afterDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);
}

function tell(what: string, ms: number): void {
  say(`${what.padEnd(44)} ${ms.toFixed(0)} ms`);
}

/** Past the triggers: what is measured is the roll-up, not the load. */
async function fill(client: pg.Client, first: string, days: number, callsPerDay: number): Promise<void> {
  await client.query('set session_replication_role = replica');
  await client.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds, cost)
     select p.id, 'voice', 'vapi', gen_random_uuid()::text,
       ('${first}'::date + d)::timestamp at time zone 'UTC' + n * interval '1 day' / ${callsPerDay}, 60, 0.05
     from generate_series(0, ${days - 1}) d, generate_series(0, ${callsPerDay - 1}) n
     join (select id, row_number() over () - 1 as place from quota.users) p on p.place = (n * 7919) % ${users}`,
  );
  await client.query('set session_replication_role = origin');
  await client.query('analyze'); // As autovacuum does in time.
}

async function medianMs(client: pg.Client, measured: string): Promise<number> {
  await client.query('insert into quota.analytics_days (day) values ($1) on conflict do nothing', [measured]);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    await rollUpDay(client, measured);
    times.push(performance.now() - before);
  }
  return median(times);
}
