/**
 * Two shards on two servers against one server with everything, on the same cores: what the processor takes for calls of
 * `quota.record` and `quota.check`, by an app that connects to the shard of its user, and through the router; and what a
 * month takes that is reconciled through a database of finance, against one database. Interleaved, the least of all
 * rounds. Needs the packages postgresql and plproxy of Debian; build first (`npm run build`).
 *
 *   node scripts/bench.mjs shards [--users 1000] [--calls 2000] [--lines 20000] [--rounds 3]
 */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../src/db/migrations.ts';
import { bucketInSql, bucketOf } from '../src/shards/shard.ts';
import { runQuota } from './quota-process.ts';
import { fillLogs, writeFiles } from './reconcile-month.ts';
import { findProxyServer, type SystemServer, withSystemServers } from './system-servers.ts';
import { judge, say } from './verdict.ts';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '2000' },
    lines: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
  },
});
const [users, calls, rounds] = [Number(values.users), Number(values.calls), Number(values.rounds)];
const thousands = Math.round(Number(values.lines) / 1000);

/** Two shards cost what one server does, and a bill over shards half more; a second hop costs what it costs. */
const aims = { direct: 1.15, finance: 1.5 };
const functions = {
  record: `select * from quota.record($1, 'voice', gen_random_uuid()::text, 0.001, p_provider => 'vapi', p_cost => 0.0001)`,
  check: `select * from quota.check($1, 'voice')`,
};
const why = ['--reason', 'bench', '--yes', '--quiet'];

const programs = findProxyServer();
if (programs === undefined) {
  throw new Error('no server with PL/Proxy: apt install postgresql-15-plproxy');
}
const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
try {
  await withSystemServers(programs, 4, async ([one, first, second, besides]) => {
    if (one && first && second && besides) {
      await arrange(one, [first, second], besides);
      await compareCalls(one, [first, second], besides);
      await compareMonths(one, [first, second], besides);
      say(`load ${loadavg()[0]?.toFixed(1)}`);
    }
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function arrange(one: SystemServer, shards: SystemServer[], besides: SystemServer): Promise<void> {
  for (const server of [one, ...shards]) {
    await server.on('postgres', 'create database app');
    await migrate(server.url('app'), { talk: { info: () => {}, verbose: () => {} } });
    await server.on(
      'app',
      'create role app login; grant quota_app to app; create role reader login in role quota_finance',
    );
  }
  await besides.on('postgres', 'create database router');
  await besides.on('postgres', 'create database finance');
  await migrate(besides.url('finance'), { talk: { info: () => {}, verbose: () => {} } });
  const file = join(folder, 'shards.yaml');
  const entries = shards.map(
    (shard, number) =>
      `  - { name: s${number}, number: ${number}, url: "${shard.url('app')}", buckets: ${number * 512}-${number * 512 + 511} }`,
  );
  writeFileSync(file, `shards:\n${entries.join('\n')}\n`);
  process.env.QUOTA_SHARDS = file;
  const quota = (server: SystemServer, database: string, ...words: string[]) =>
    runQuota([...words, '--quiet'], { databaseUrl: server.url(database) });
  await quota(besides, 'finance', 'db', 'migrate', '--all-shards');
  await quota(besides, 'finance', 'login', 'allow', 'app', '--all-shards', ...why);
  await quota(besides, 'router', 'shards', 'router', '--init', '--login', 'app', ...why);
  await quota(besides, 'finance', 'shards', 'finance', '--init', '--login', 'reader', ...why);
}

/** What all of these servers take for some work, and what it says that it took besides. */
async function secondsOf(servers: readonly SystemServer[], work: () => Promise<number>): Promise<number> {
  const taken = () => servers.reduce((sum, server) => sum + server.processorSeconds(), 0);
  const before = taken();
  const besides = await work();
  return taken() - before + besides;
}

async function compareCalls(one: SystemServer, shards: SystemServer[], besides: SystemServer): Promise<void> {
  const names = Array.from({ length: users }, (_, n) => `app_${n}`);
  const placeOf = (user: string) => Math.floor(bucketOf(user) / 512);
  const open = async (url: string) => {
    const client = new pg.Client(url);
    await client.connect();
    // The disk is waited for by the clock, and not at the same cost each time.
    await client.query('set synchronous_commit = off');
    return client;
  };
  const whole = await open(one.url('app'));
  const parts = await Promise.all(shards.map((shard) => open(shard.url('app'))));
  const router = await open(besides.url('router'));
  const ways = {
    one: { servers: [one], of: () => whole },
    direct: { servers: shards, of: (user: string) => parts[placeOf(user)] ?? whole },
    router: { servers: [besides, ...shards], of: () => router },
  };
  try {
    for (const [name, text] of Object.entries(functions) as [keyof typeof functions, string][]) {
      const least = {
        one: Number.POSITIVE_INFINITY,
        direct: Number.POSITIVE_INFINITY,
        router: Number.POSITIVE_INFINITY,
      };
      // The first round makes the users and the plans of the sessions.
      for (let round = 0; round <= rounds; round += 1) {
        for (const [way, { servers, of }] of Object.entries(ways) as [
          keyof typeof ways,
          (typeof ways)['direct'],
        ][]) {
          const seconds = await secondsOf(servers, async () => {
            for (let call = 0; call < Math.max(calls, users); call += 1) {
              const user = names[call % users] ?? '';
              await of(user).query({ name, text, values: [user] });
            }
            return 0;
          });
          least[way] = round === 0 ? least[way] : Math.min(least[way], seconds);
        }
      }
      const each = (way: keyof typeof least) =>
        `${((least[way] / Math.max(calls, users)) * 1000).toFixed(3)} ms`;
      judge(`${name}, two shards / one server`, least.direct / least.one, aims.direct, {
        ours: each('direct'),
        baseline: each('one'),
      });
      say(
        `  one server ${each('one')}, two shards ${each('direct')}, through the router ${each('router')}, ${(least.router / least.one).toFixed(1)} times`,
      );
    }
  } finally {
    for (const client of [whole, router, ...parts]) {
      await client.end();
    }
  }
}

async function compareMonths(
  one: SystemServer,
  shards: SystemServer[],
  besides: SystemServer,
): Promise<void> {
  const inFolder = (name: string) => join(folder, name);
  const files = { csv: inFolder('bill.csv'), jsonl: inFolder('bill.jsonl'), logs: inFolder('logs.csv') };
  for (const server of [one, ...shards]) {
    await fillLogs(server.url('app'), thousands, 0);
  }
  await writeFiles(one.url('app'), { thousands, moreDiffering: 0 }, files);
  for (const [number, shard] of shards.entries()) {
    await shard.on(
      'app',
      `set session_replication_role = replica;
       create temp table others as select u.id from quota.users u, sha256(convert_to(u.external_id, 'UTF8')) d
         where ${bucketInSql('d')} / 512 <> ${number};
       delete from quota.call_logs where user_id in (select id from others);
       delete from quota.assistants where user_id in (select id from others);
       delete from quota.users where id in (select id from others)`,
    );
    await shard.on('app', 'vacuum analyze');
  }
  const least = { one: Number.POSITIVE_INFINITY, finance: Number.POSITIVE_INFINITY };
  const answers = new Set<string>();
  const ways = { one: { server: one, template: 'app' }, finance: { server: besides, template: 'finance' } };
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, { server, template }] of Object.entries(ways) as [
      keyof typeof ways,
      (typeof ways)['one'],
    ][]) {
      await server.on('postgres', `create database month template ${template}`);
      const servers = way === 'one' ? [one] : [besides, ...shards];
      const seconds = await secondsOf(servers, async () => {
        const words = [
          'reconcile',
          '--month',
          '2026-10',
          '--provider',
          'vapi',
          '--export',
          files.csv,
          '--json',
        ];
        const run = await runQuota(words, { databaseUrl: server.url('month'), exitCode: 3 });
        answers.add(JSON.stringify(JSON.parse(run.stdout).kinds));
        return run.processorSeconds;
      });
      least[way] = Math.min(least[way], seconds);
      await server.on('postgres', 'drop database month');
    }
  }
  if (answers.size !== 1) {
    throw new Error('finance does not find what one database does');
  }
  judge('reconcile, finance over two shards / one database', least.finance / least.one, aims.finance, {
    ours: `${least.finance.toFixed(1)} s`,
    baseline: `${least.one.toFixed(1)} s`,
  });
  say(`  one database ${least.one.toFixed(1)} s, finance ${least.finance.toFixed(1)} s`);
}
