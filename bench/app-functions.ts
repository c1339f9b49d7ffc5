/**
 * `quota.check` and `quota.record` against the bare statements that they stand for - one indexed select; one insert
 * and one upsert - with pgbench on the same server in the same run, in turn, medians: with prepared statements, and
 * with statements that are sent anew each time (extended), as most drivers do. pgbench must be on the PATH or named
 * with --pgbench (Debian keeps it beside the server). Fails below the share of the bare throughput that is aimed at.
 *
 * With --processor without pgbench: what the server's processor takes for so many calls of one session, the least of all
 * rounds, and the throughput that it would be.
 *
 *   node scripts/bench.mjs app-functions [--seconds 5] [--rounds 3] [--clients 4] [--users 1000] [--pgbench PATH]
 *     [--processor] [--calls 500]
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import pg from 'pg';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { processorSeconds } from './processor-time.ts';
import { judge, median } from './verdict.ts';

/** Of the bare throughput; PostgreSQL itself takes its share of a function, and less of it where each statement is planned. */
const shareMin = {
  'quota.check': { prepared: 0.5, extended: 0.7 },
  'quota.record': { prepared: 0.7, extended: 0.85 },
} as const;
const debianServers = '/usr/lib/postgresql';
const run = promisify(execFile);

/** Debian has it beside the server, not on the PATH. */
function findPgbench(): string {
  const [version] = existsSync(debianServers) ? readdirSync(debianServers).toSorted().reverse() : [];
  const path = version === undefined ? '' : join(debianServers, version, 'bin', 'pgbench');
  return existsSync(path) ? path : 'pgbench';
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '4' },
    users: { type: 'string', default: '1000' },
    pgbench: { type: 'string', default: findPgbench() },
    processor: { type: 'boolean', default: false },
    calls: { type: 'string', default: '500' },
  },
});

const pick = `\\set n random(1, ${values.users})\n`;
const scripts = {
  'bare select': `${pick}select used, limit_quantity from bare_usage where external_id = 'user_' || :n and meter = 'voice_seconds';\n`,
  'quota.check': `${pick}select * from quota.check('user_' || :n, 'voice');\n`,
  'bare insert and upsert': `${pick}begin;
insert into bare_logs (user_id, service, provider, provider_call_id, started_at, ended_at, duration_seconds, cost)
  select id, 'voice', 'vapi', gen_random_uuid()::text, now() - interval '1 s', now(), 0.001, 0.0001
  from quota.users where external_id = 'user_' || :n;
insert into bare_usage (external_id, meter, used, limit_quantity) values ('user_' || :n, 'voice_seconds', 0.001, 600)
  on conflict (external_id, meter) do update set used = bare_usage.used + excluded.used;
commit;\n`,
  'quota.record': `${pick}select * from quota.record('user_' || :n, 'voice', gen_random_uuid()::text, 0.001, p_provider => 'vapi', p_cost => 0.0001);\n`,
} as const;
type Script = keyof typeof scripts;

await withBenchServer(async (server) => {
  await arrange(server);
  for (const protocol of ['prepared', 'extended'] as const) {
    const tps = await (values.processor ? measureProcessor : measure)(server, protocol);
    compare(protocol, 'quota.check', 'bare select', tps);
    compare(protocol, 'quota.record', 'bare insert and upsert', tps);
  }
});

async function arrange({ createMigrated, on }: BenchServer): Promise<void> {
  await createMigrated('app');
  await on(
    'app',
    `insert into quota.users (external_id) select 'user_' || n from generate_series(1, ${Number(values.users)}) n;
    select quota.record(external_id, 'voice', external_id, 1) from quota.users;
    create table bare_logs (like quota.call_logs including indexes including identity including constraints including defaults);
    create table bare_usage (external_id text, meter text, used numeric, limit_quantity numeric, primary key (external_id, meter));
    insert into bare_usage select external_id, 'voice_seconds', 1, 600 from quota.users;
    analyze`,
  );
}

async function measure(server: BenchServer, protocol: string): Promise<Record<Script, number[]>> {
  const names = Object.keys(scripts) as Script[];
  const tps = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Script, number[]>;
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of names) {
      tps[name].push(await pgbench(server, protocol, scripts[name]));
    }
  }
  return tps;
}

/** Without what planning costs the first calls of a session. */
const warmUpCalls = 20;

async function measureProcessor(server: BenchServer, protocol: string): Promise<Record<Script, number[]>> {
  const names = Object.keys(scripts) as Script[];
  const client = new pg.Client(server.urlOf('app'));
  await client.connect();
  try {
    // The disk is waited for by the clock, and not at the same cost each time.
    await client.query('set synchronous_commit = off');
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    const best = Object.fromEntries(names.map((name) => [name, 0])) as Record<Script, number>;
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const name of names) {
        await callAll(client, { protocol, name, count: warmUpCalls });
        const before = processorSeconds(pid);
        await callAll(client, { protocol, name, count: Number(values.calls) });
        best[name] = Math.max(best[name], Number(values.calls) / (processorSeconds(pid) - before));
      }
    }
    return Object.fromEntries(names.map((name) => [name, [best[name]]])) as Record<Script, number[]>;
  } finally {
    await client.end();
  }
}

/** The statements of a script, as pgbench sends them: each user in turn. */
async function callAll(
  client: pg.Client,
  { protocol, name, count }: { protocol: string; name: Script; count: number },
): Promise<void> {
  const [, ...statements] = scripts[name].split(/;?\n(?=select|begin|insert|commit)/);
  for (let call = 0; call < count; call++) {
    for (const [place, statement] of statements.entries()) {
      const text = statement.replaceAll("'user_' || :n", '$1').replace(/;\s*$/, '');
      await client.query({
        text,
        ...(text.includes('$1') && { values: [`user_${(call % Number(values.users)) + 1}`] }),
        ...(protocol === 'prepared' && { name: `${name} ${place}` }),
      });
    }
  }
}

async function pgbench({ folder, urlOf }: BenchServer, protocol: string, script: string): Promise<number> {
  const file = join(folder, 'script.sql');
  await writeFile(file, script);
  const { stdout } = await run(values.pgbench, [
    ...['--no-vacuum', '--protocol', protocol, '--file', file, '--time', values.seconds],
    ...['--client', values.clients, '--jobs', '2', urlOf('app')],
  ]);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

function compare(
  protocol: 'prepared' | 'extended',
  ours: keyof typeof shareMin,
  bare: Script,
  tps: Record<Script, number[]>,
): void {
  const [a, b] = [median(tps[ours]), median(tps[bare])];
  judge(`${ours}, ${protocol}`, a / b, shareMin[ours][protocol], {
    kind: 'share',
    ours: `${a.toFixed(0)}/s`,
    baseline: `${b.toFixed(0)}/s`,
  });
}
