/**
 * `quota.check` and `quota.record` against the bare statements that they stand for - one indexed select; one insert
 * and one upsert - with pgbench on the same server in the same run, in turn, medians. pgbench must be on the PATH or
 * named with --pgbench. Fails below the share of the bare throughput that is aimed at.
 *
 *   node scripts/bench.mjs app-functions [--seconds 5] [--rounds 3] [--clients 4] [--users 1000] [--pgbench PATH]
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import pg from 'pg';
import { openEmbedded } from '../src/db/embedded-session.ts';
import { migrate } from '../src/db/migrations.ts';

const shareMin = 0.7;
const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '4' },
    users: { type: 'string', default: '1000' },
    pgbench: { type: 'string', default: 'pgbench' },
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

const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
const session = await openEmbedded({ dataDir: join(folder, 'data') });
try {
  await arrange(session.url);
  const tps = await measure(session.url);
  compare('quota.check', 'bare select', tps);
  compare('quota.record', 'bare insert and upsert', tps);
} finally {
  await session.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function arrange(url: string): Promise<void> {
  await migrate(url, { talk: { info: () => {}, verbose: () => {} } });
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`
    insert into quota.users (external_id) select 'user_' || n from generate_series(1, ${Number(values.users)}) n;
    select quota.record(external_id, 'voice', external_id, 1) from quota.users;
    create table bare_logs (like quota.call_logs including indexes including identity including constraints including defaults);
    create table bare_usage (external_id text, meter text, used numeric, limit_quantity numeric, primary key (external_id, meter));
    insert into bare_usage select external_id, 'voice_seconds', 1, 600 from quota.users;
    analyze`);
  } finally {
    await client.end();
  }
}

async function measure(url: string): Promise<Record<Script, number[]>> {
  const names = Object.keys(scripts) as Script[];
  const tps = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Script, number[]>;
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of names) {
      tps[name].push(await pgbench(url, scripts[name]));
    }
  }
  return tps;
}

async function pgbench(url: string, script: string): Promise<number> {
  const file = join(folder, 'script.sql');
  await writeFile(file, script);
  const { stdout } = await run(values.pgbench, [
    ...['--no-vacuum', '--protocol', 'prepared', '--file', file, '--time', values.seconds],
    ...['--client', values.clients, '--jobs', '2', url],
  ]);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

function compare(ours: Script, bare: Script, tps: Record<Script, number[]>): void {
  const [a, b] = [median(tps[ours]), median(tps[bare])];
  const share = a / b;
  const verdict = share >= shareMin ? 'ok' : `below ${shareMin}`;
  process.stdout.write(
    `${ours} ${a.toFixed(0)}/s, ${bare} ${b.toFixed(0)}/s: ${share.toFixed(2)} (${verdict})\n`,
  );
  if (share < shareMin) {
    process.exitCode = 1;
  }
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
