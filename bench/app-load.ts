/**
 * Many clients of an app beside our own work: sessions (start, touch, end), checks and records of a few users, while
 * jobs run, thousands of resets are due and a file of calls of the same users is imported. Fails when anybody got
 * more than there is, when what is stored is not what clients were told, or on any error that an app must not see.
 * Prints the waits by function, before and while the import runs.
 *
 *   node scripts/bench.mjs app-load [--clients 200] [--seconds 30] [--users 50] [--due 5000] [--lines 200000]
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { arrangeDueUsers, callLogLines, dueUsers, selectStored } from './app-load/arrange.ts';
import { type Load, loadFunctions, runClients } from './app-load/clients.ts';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { runQuota } from './quota-process.ts';
import { say } from './verdict.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    users: { type: 'string', default: '50' },
    due: { type: 'string', default: '5000' },
    lines: { type: 'string', default: '200000' },
  },
});
const [clients, seconds, users] = [Number(values.clients), Number(values.seconds), Number(values.users)];
const lifetimeSeconds = 1200;
/** Of a session: in the time of the benchmark the users come to their end. */
const estimate = 5;

await withBenchServer(async (server) => {
  const url = await arrange(server);
  say(
    `${clients} clients, ${users} users, ${values.due} resets due, ${values.lines} lines to import; milliseconds`,
  );
  const file = join(server.folder, 'calls.csv');
  await writeLines(file);
  const databaseUrl = server.urlOf('load');
  let phase: string | undefined = 'warm-up';
  let isImported = false;
  const told = await new Promise<Load>((done, failed) => {
    const clientsDone = runClients({
      ...{ url, clients, users: dueUsers(users), estimate },
      phase: () => phase,
      onWarm: () => void besides().catch(failed),
    });
    const besides = async () => {
      phase = 'clients alone';
      await sleep((seconds / 3) * 1000);
      phase = 'jobs beside';
      const jobs = runJobs(databaseUrl, () => isImported);
      await sleep((seconds / 3) * 1000);
      phase = 'jobs and import beside';
      const imported = await runQuota(['import', 'call-logs', file, '--yes', '--quiet'], { databaseUrl });
      isImported = true;
      say(`import: ${imported.seconds.toFixed(1)} s; jobs run: ${await jobs}`);
      phase = 'jobs and import over';
      await sleep((seconds / 3) * 1000);
      phase = undefined;
    };
    clientsDone.then(done, failed);
  });
  report(told);
  await judgeStored(server, told);
  await runQuota(['doctor', '--strict', '--quiet'], { databaseUrl });
  say('every quota is what its facts sum to');
});

async function arrange({ createMigrated, on, urlOf }: BenchServer): Promise<string> {
  await createMigrated('load');
  await on('load', arrangeDueUsers(Number(values.due)));
  await on('load', 'create role app_load login in role quota_app; analyze');
  await runQuota(['login', 'allow', 'app_load', '--reason', 'bench', '--yes'], {
    databaseUrl: urlOf('load'),
  });
  return urlOf('load').replace(/\/\/(?:[^/@]*@)?/, '//app_load@');
}

function writeLines(file: string): Promise<void> {
  const lines = callLogLines(Number(values.lines), users);
  return pipeline(
    Readable.from(lines).map((line) => `${line}\n`),
    createWriteStream(file),
  );
}

/** One job after another until it is over; how many. */
async function runJobs(databaseUrl: string, isOver: () => boolean): Promise<number> {
  const jobs = [
    ['jobs', 'reset-anniversaries', '--no-sync'],
    ['jobs', 'reset-months', '--no-sync'],
    ['jobs', 'reap-stale'],
    ['jobs', 'roll-up-analytics'],
  ];
  let count = 0;
  for (; !isOver(); count++) {
    await runQuota([...(jobs[count % jobs.length] ?? []), '--quiet'], { databaseUrl });
  }
  return count;
}

function report({ latencies, errors, sessions, refused }: Load): void {
  say(`${sessions} sessions, ${refused} refused, ${errors.length} errors`);
  for (const [phase, ofPhase] of latencies) {
    const calls = loadFunctions.reduce((sum, key) => sum + ofPhase[key].length, 0);
    say(`\n${phase}: ${calls} calls`);
    for (const key of loadFunctions) {
      const sorted = ofPhase[key].map(({ ms }) => ms).toSorted((a, b) => a - b);
      const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(0);
      const longest = (sorted.at(-1) ?? Number.NaN).toFixed(0);
      say(
        `  ${key.padEnd(14)} median ${at(0.5).padStart(5)}  p99 ${at(0.99).padStart(5)}  longest ${longest.padStart(5)}`,
      );
    }
  }
  for (const error of new Set(errors)) {
    say(`  error ${error}`);
    process.exitCode = 1;
  }
}

/** Holds what is stored against what clients were told, and against what each user has. */
async function judgeStored({ on }: BenchServer, told: Load): Promise<void> {
  const stored = (await on('load', selectStored)) as {
    user: string;
    avatarSeconds: number;
    messages: number;
  }[];
  const overspent = stored.filter(({ avatarSeconds }) => avatarSeconds > lifetimeSeconds).length;
  const differing = stored.filter(
    ({ user, avatarSeconds, messages }) =>
      avatarSeconds !== (told.avatarSeconds.get(user) ?? 0) || messages !== told.messages.get(user),
  ).length;
  say(`\nusers who got more than there is: ${overspent}; whose calls are not what was told: ${differing}`);
  if (overspent + differing > 0) {
    process.exitCode = 1;
  }
}
