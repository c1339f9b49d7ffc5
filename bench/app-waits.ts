/**
 * How long an app waits for each of our own commands: a few clients start, touch, end, check and record for users of all
 * kinds, while one command after another changes all of these users. Prints the p99 and the longest wait by command.
 *
 *   node scripts/bench.mjs app-waits [--clients 4] [--users 20000] [--lines 100000] [--only NAME]
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { arrangeDueUsers, dueUsers, pastCalls } from './app-load/arrange.ts';
import { type Latencies, loadFunctions, runClients } from './app-load/clients.ts';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { runQuota } from './quota-process.ts';
import { say } from './verdict.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '4' },
    users: { type: 'string', default: '20000' },
    lines: { type: 'string', default: '100000' },
    only: { type: 'string' },
  },
});
const [clients, users, lines] = [Number(values.clients), Number(values.users), Number(values.lines)];
const quietSeconds = 5;

await withBenchServer(async (server) => {
  const url = await arrange(server);
  const commands = await writeCommands(server.folder, server.urlOf('load'));
  say(`${clients} clients, ${users} users, ${lines} calls; milliseconds`);
  const took = new Map<string, number>();
  let phase: string | undefined = 'warm-up';
  let failure: unknown;
  const work = async () => {
    phase = 'clients alone';
    await sleep(quietSeconds * 1000);
    for (const [name, words] of commands) {
      phase = name;
      const { seconds } = await runQuota([...words, '--quiet'], { databaseUrl: server.urlOf('load') });
      took.set(name, seconds);
    }
  };
  const load = await runClients({
    ...{ url, clients, users: dueUsers(users), estimate: 1 },
    phase: () => phase,
    onWarm: () => {
      work()
        .catch((error: unknown) => {
          failure = error;
        })
        .finally(() => {
          phase = undefined;
        });
    },
  });
  for (const [name, ofPhase] of load.latencies) {
    say(line(name, took.get(name), ofPhase));
  }
  for (const error of new Set(load.errors)) {
    say(`error ${error}`);
    process.exitCode = 1;
  }
  if (failure !== undefined) {
    throw failure;
  }
  await runQuota(['doctor', '--strict', '--quiet'], { databaseUrl: server.urlOf('load') });
  say('every quota is what its facts sum to');
});

async function arrange({ createMigrated, on, urlOf }: BenchServer): Promise<string> {
  await createMigrated('load');
  await on('load', arrangeDueUsers(users));
  await on('load', pastCalls(lines, users));
  await on('load', 'create role app_load login in role quota_app; analyze');
  await runQuota(['login', 'allow', 'app_load', '--reason', 'bench', '--yes'], {
    databaseUrl: urlOf('load'),
  });
  return urlOf('load').replace(/\/\/(?:[^/@]*@)?/, '//app_load@');
}

/** The command lines by the name under which their waits are shown, in the order in which they run. */
async function writeCommands(folder: string, databaseUrl: string): Promise<[string, string[]][]> {
  const month = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 7);
  const calls = join(folder, 'calls.csv');
  const bill = join(folder, 'bill.csv');
  const rows = Array.from({ length: lines }, (_, n) => {
    const startedAt = new Date(Date.now() - 60_000 - (n % 86_400) * 20_000).toISOString();
    return `more ${n},user ${1 + (n % users)},chat,past,gpt-4o,${startedAt}`;
  });
  await writeFile(
    calls,
    `provider_call_id,user_external_id,service,provider,model,started_at\n${rows.join('\n')}\n`,
  );
  const billed = Array.from(
    { length: lines },
    (_, n) => `past ${n},${month}-15T10:00:00Z,${1 + (n % 3)},0.01`,
  );
  await writeFile(bill, `id,started_at,duration_seconds,cost\n${billed.join('\n')}\n`);
  const { stdout: plan } = await runQuota(['plan', 'show', 'chat-free'], { databaseUrl });
  const planFile = join(folder, 'plan.yaml');
  await writeFile(planFile, plan.replace(/\b100\b/, '120'));
  const all: [string, string[]][] = [
    ['reset-anniversaries', ['jobs', 'reset-anniversaries', '--no-sync']],
    ['reset-months', ['jobs', 'reset-months', '--no-sync']],
    ['roll-up-analytics', ['jobs', 'roll-up-analytics']],
    ['reap-stale', ['jobs', 'reap-stale']],
    ['plan apply --now', ['plan', 'apply', planFile, '--now', '--reason', 'bench', '--yes']],
    ['import call-logs', ['import', 'call-logs', calls, '--yes']],
    ['reconcile', ['reconcile', '--month', month, '--provider', 'vapi', '--export', bill, '--yes']],
    ['doctor', ['doctor']],
  ];
  return all.filter(([name]) => values.only === undefined || name.startsWith(values.only));
}

function line(name: string, seconds: number | undefined, latencies: Latencies): string {
  const figures = loadFunctions.map((key) => {
    const sorted = latencies[key].toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(0);
    return `${key} ${at(0.99)}, ${(sorted.at(-1) ?? Number.NaN).toFixed(0)} (${sorted.length})`;
  });
  const time = seconds === undefined ? '' : ` ${seconds.toFixed(1)} s`;
  return `${name}${time}: p99, longest (calls): ${figures.join('; ')}`;
}
