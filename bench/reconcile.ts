/**
 * `quota reconcile` of a bill with a planted share of every kind of difference, on a database that holds the logs,
 * against the script that somebody would write by hand on the same server: both in turn, medians. Fails above the
 * ratio or memory that is aimed at, and unless every planted difference is found. Beside it, without a judgement:
 * the provider's own JSON of the same bill, and DuckDB on the same files (`npm install --no-save @duckdb/node-api`).
 * Build first (`npm run build`). With --processor both by the processor time of the server and of node. With --against, another size is measured too, and the growth judged; with --differing,
 * so many more of a thousand lines differ, up to 900: a month that went wrong.
 *
 *   node scripts/bench.mjs reconcile [--lines 1000000] [--rounds 3] [--against 10000000] [--differing 0] [--processor]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { runQuota } from './quota-process.ts';
import { runDuckDb } from './reconcile-duckdb.ts';
import { fillLogs, moreDifferingMax, plantedWith, writeFiles } from './reconcile-month.ts';
import { runScript, type ScriptRun } from './reconcile-script.ts';
import { judge, median, say } from './verdict.ts';

const scriptRatioMax = 1.2;
const megabytesMax = 200;
/** Of ten times the lines. */
const growthMax = 11;

/** Seconds of the whole command, of its parts, and the most memory that node took. */
interface Run {
  seconds: number;
  load: number;
  match: number;
  store: number;
  megabytes: number;
}

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    against: { type: 'string' },
    differing: { type: 'string', default: '0' },
    processor: { type: 'boolean', default: false },
  },
});

const by = values.processor ? 'processor' : 'clock';
const moreDiffering = Math.min(Number(values.differing), moreDifferingMax);

await withBenchServer(async (server) => {
  const lines = Number(values.lines);
  const seconds = await measure(server, lines, Number(values.rounds));
  if (values.against !== undefined) {
    const other = await measure(server, Number(values.against), 1);
    const [small, large] = lines < Number(values.against) ? [seconds, other] : [other, seconds];
    const times = Math.max(lines, Number(values.against)) / Math.min(lines, Number(values.against));
    judge(`${times} times the lines take`, large / small, (growthMax / 10) * times);
  }
});

/** Returns the seconds of the command. */
async function measure(server: BenchServer, lines: number, rounds: number): Promise<number> {
  const thousands = Math.round(lines / 1000);
  const inFolder = (name: string) => join(server.folder, name);
  const files = { csv: inFolder('bill.csv'), jsonl: inFolder('bill.jsonl'), logs: inFolder('logs.csv') };
  await server.on('quota', 'drop database if exists filled');
  await server.createMigrated('filled');
  await fillLogs(server.urlOf('filled'), thousands, moreDiffering);
  await writeFiles(server.urlOf('filled'), { thousands, moreDiffering }, files);

  const scripts: ScriptRun[] = [];
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    scripts.push(await byScript(server, files.csv));
    runs.push(await byCommand(server, files.csv, thousands));
    say(`${lines} lines, round ${round + 1}`);
    say(`  script: ${text(scripts.at(-1))}`);
    say(`  quota:  ${text(runs.at(-1))}`);
  }
  if (by === 'processor') {
    const [ours, bare] = [runs, scripts].map((all) => Math.min(...all.map(({ seconds }) => seconds)));
    judge('quota / script', (ours ?? 0) / (bare ?? 0), scriptRatioMax);
    return ours ?? 0;
  }
  const json = await byCommand(server, files.jsonl, thousands);
  say(`  quota, of the provider's JSON: ${text(json)}`);
  const duckDb = await runDuckDb(files);
  say(
    duckDb === null
      ? '  DuckDB is not installed'
      : `  DuckDB, of the same two CSV files: ${duckDb.toFixed(1)} s`,
  );

  const seconds = median(runs.map((run) => run.seconds));
  judge('quota / script', seconds / median(scripts.map((script) => script.seconds)), scriptRatioMax);
  judge('megabytes of node', Math.max(json.megabytes, ...runs.map((run) => run.megabytes)), megabytesMax);
  return seconds;
}

function text(run: ScriptRun | Run | undefined): string {
  return Object.entries(run ?? {})
    .map(([name, value]) => `${name} ${name === 'megabytes' ? value.toFixed(0) : `${value.toFixed(1)} s`}`)
    .join(', ');
}

async function byScript(server: BenchServer, path: string): Promise<ScriptRun> {
  await copyFilled(server, 'by_script');
  let load = 0;
  const seconds = await server.secondsOf(by, async () => {
    ({ load } = await runScript(server.urlOf('by_script'), path));
  });
  await server.on('quota', 'drop database by_script');
  return { seconds, load };
}

async function byCommand(server: BenchServer, path: string, thousands: number): Promise<Run> {
  await copyFilled(server, 'by_quota');
  const begin = performance.now();
  let loaded = 0;
  const args = [
    'reconcile',
    '--month',
    '2026-10',
    '--provider',
    'vapi',
    '--export',
    path,
    '--json',
    '--verbose',
  ];
  let [stdout, megabytes] = ['', 0];
  const seconds = await server.secondsOf(by, async () => {
    const run = await runQuota(args, {
      // The server counts the time in its functions: how long matching took.
      databaseUrl: `${server.urlOf('by_quota')}&options=-c%20track_functions%3Dpl`,
      exitCode: 3,
      onStderr: (told) => {
        loaded ||= told.includes('matching') ? performance.now() : 0;
      },
    });
    ({ stdout, megabytes } = run);
    return run;
  });
  requirePlanted(JSON.parse(stdout).kinds, thousands);
  const functions = await server.on(
    'by_quota',
    "select funcname, total_time / 1000 as seconds from pg_stat_user_functions where funcname = 'match_calls'",
  );
  await server.on('quota', 'drop database by_quota');
  const load = (loaded - begin) / 1000;
  const match = Number(functions[0]?.seconds);
  return { seconds, load, match, store: seconds - load - match, megabytes };
}

function requirePlanted(kinds: Record<string, { count: number }>, thousands: number): void {
  for (const [kind, perThousand] of Object.entries(plantedWith(moreDiffering))) {
    if (kinds[kind]?.count !== perThousand * thousands) {
      throw new Error(`${kind}: ${kinds[kind]?.count} found, ${perThousand * thousands} planted`);
    }
  }
}

async function copyFilled({ on }: BenchServer, name: string): Promise<void> {
  await on('quota', `create database ${name} template filled strategy file_copy`);
  await on('quota', 'checkpoint');
}
