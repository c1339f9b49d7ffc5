/**
 * `quota reconcile` of a bill with a planted share of every kind of difference, on a database that holds the logs,
 * against the script that somebody would write by hand on the same server: both in turn, medians. Fails above the
 * ratio or memory that is aimed at, and unless every planted difference is found. Beside it, without a judgement:
 * the provider's own JSON of the same bill, and DuckDB on the same files (`npm install --no-save @duckdb/node-api`).
 * Build first (`npm run build`). With --against, another size is measured too, and the growth judged.
 *
 *   node scripts/bench.mjs reconcile [--lines 1000000] [--rounds 3] [--against 10000000]
 */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openEmbedded } from '../src/db/embedded-session.ts';
import { migrate } from '../src/db/migrations.ts';
import { runDuckDb } from './reconcile-duckdb.ts';
import { fillLogs, plantedPerThousand, writeFiles } from './reconcile-month.ts';
import { runScript, type ScriptRun } from './reconcile-script.ts';

const scriptRatioMax = 1.2;
const megabytesMax = 200;
/** Of ten times the lines. */
const growthMax = 12;

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
  },
});

const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
const session = await openEmbedded({ dataDir: join(folder, 'data') });
try {
  const lines = Number(values.lines);
  const seconds = await measure(lines, Number(values.rounds));
  if (values.against !== undefined) {
    const other = await measure(Number(values.against), 1);
    const [small, large] = lines < Number(values.against) ? [seconds, other] : [other, seconds];
    const times = Math.max(lines, Number(values.against)) / Math.min(lines, Number(values.against));
    judge(`${times} times the lines take`, large / small, (growthMax / 10) * times);
  }
} finally {
  await session.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Returns the seconds of the command. */
async function measure(lines: number, rounds: number): Promise<number> {
  const thousands = Math.round(lines / 1000);
  const files = fileNames('bill.csv', 'bill.jsonl', 'logs.csv');
  await on('quota', 'drop database if exists filled');
  await on('quota', 'create database filled template template1');
  await migrate(urlOf('filled'), { talk: { info: () => {}, verbose: () => {} } });
  await fillLogs(urlOf('filled'), thousands);
  await writeFiles(urlOf('filled'), thousands, files);

  const scripts: ScriptRun[] = [];
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    scripts.push(await byScript(files.csv));
    runs.push(await byCommand(files.csv, thousands));
    say(`${lines} lines, round ${round + 1}`);
    say(`  script: ${text(scripts.at(-1))}`);
    say(`  quota:  ${text(runs.at(-1))}`);
  }
  const json = await byCommand(files.jsonl, thousands);
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

async function byScript(path: string): Promise<ScriptRun> {
  await copyFilled('by_script');
  const run = await runScript(urlOf('by_script'), path);
  await on('quota', 'drop database by_script');
  return run;
}

/** The built command, start and connection included. */
async function byCommand(path: string, thousands: number): Promise<Run> {
  await copyFilled('by_quota');
  const begin = performance.now();
  const { output, loaded, megabytes } = await reconcile(path);
  const seconds = (performance.now() - begin) / 1000;
  requirePlanted(JSON.parse(output).kinds, thousands);
  const functions = await on(
    'by_quota',
    "select funcname, total_time / 1000 as seconds from pg_stat_user_functions where funcname = 'match_calls'",
  );
  await on('quota', 'drop database by_quota');
  const load = (loaded - begin) / 1000;
  const match = Number(functions[0]?.seconds);
  return { seconds, load, match, store: seconds - load - match, megabytes };
}

function reconcile(path: string): Promise<{ output: string; loaded: number; megabytes: number }> {
  const peak = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'))`;
  const asked = [
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
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(peak)}`, resolve('dist/bin/quota.js'), ...asked],
    // The server counts the time in its functions: how long matching took.
    { env: { ...process.env, DATABASE_URL: `${urlOf('by_quota')}&options=-c%20track_functions%3Dpl` } },
  );
  let [output, told, loaded] = ['', '', 0];
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    output += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    told += piece;
    loaded ||= told.includes('matching') ? performance.now() : 0;
  });
  return new Promise((done, failed) => {
    child.on('close', (code) => {
      if (code !== 3) {
        failed(new Error(`exit ${code}: ${told}`));
      } else {
        done({ output, loaded, megabytes: Number(/peak (\d+)/.exec(told)?.[1]) / 1024 });
      }
    });
  });
}

function requirePlanted(kinds: Record<string, { count: number }>, thousands: number): void {
  for (const [kind, perThousand] of Object.entries(plantedPerThousand)) {
    if (kinds[kind]?.count !== perThousand * thousands) {
      throw new Error(`${kind}: ${kinds[kind]?.count} found, ${perThousand * thousands} planted`);
    }
  }
}

async function copyFilled(name: string): Promise<void> {
  await on('quota', `create database ${name} template filled strategy file_copy`);
  await on('quota', 'checkpoint');
}

async function on(database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(urlOf(database));
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  return session.url.replace(/\/quota\?/, `/${database}?`);
}

function fileNames(csv: string, jsonl: string, logs: string) {
  return { csv: join(folder, csv), jsonl: join(folder, jsonl), logs: join(folder, logs) };
}

function judge(name: string, value: number, max: number): void {
  say(`${name}: ${value.toFixed(2)} (${value <= max ? 'ok' : `above ${max}`})`);
  if (value > max) {
    process.exitCode = 1;
  }
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
