/**
 * How close `quota limits sync` comes to the rate that it is given: so many assistants limited through the built
 * command, on an embedded database, at a simulated VAPI with latency and a strict rate limit in a process of its own.
 * Fails when it takes more than 1.1 times what the limit dictates. Build first.
 *
 *   node scripts/bench.mjs limits-sync [--assistants 1000] [--rate 20] [--latency 50]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { judge, say } from './verdict.ts';

const ratioMax = 1.1;
const { values } = parseArgs({
  options: {
    assistants: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '20' },
    latency: { type: 'string', default: '50' },
  },
});
const bin = 'dist/bin/quota.js';
const directory = mkdtempSync(join(tmpdir(), 'quota-bench-limits-'));
const env: NodeJS.ProcessEnv = { ...process.env, QUOTA_DATA_DIR: join(directory, 'data') };

const start = (...args: string[]) =>
  spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });

async function quota(
  ...args: string[]
): Promise<{ code: number; stdout: string; residentMegabytes: number[] }> {
  const child = start(...args);
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMegabytes(child)), 1000);
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)));
  clearInterval(timer);
  return { code, stdout, residentMegabytes: samples };
}

function residentMegabytes({ pid }: ChildProcess): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return 0; // It has just ended, or this is not Linux.
  }
}

const simulator = start(
  'fixtures',
  'serve-vapi',
  '--output=ndjson',
  `--assistants=${values.assistants}`,
  `--latency-ms=${values.latency}`,
  `--rate-limit-per-second=${values.rate}`,
);
try {
  const [line] = await new Promise<string[]>((resolve) =>
    createInterface(simulator.stdout).once('line', (text) => resolve([text])),
  );
  const { url, apiKey } = JSON.parse(line ?? '');
  Object.assign(env, { VAPI_BASE_URL: url, VAPI_API_KEY: apiKey });
  const assistants = (await (await fetch(`${url}/_sim/assistants`)).json()) as { id: string }[];
  const file = (name: string, lines: string[]) => {
    writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
    return join(directory, name);
  };
  await quota('db', 'start');
  await quota('db', 'migrate');
  await quota(
    'import',
    'users',
    file('users.csv', ['external_id,signup_at', 'bench,2026-01-01T00:00:00Z']),
    '--yes',
  );
  const rows = assistants.map(({ id }) => `${id},bench`);
  await quota(
    'import',
    'assistants',
    file('a.csv', ['provider_assistant_id,user_external_id', ...rows]),
    '--yes',
  );
  await quota('limits', 'apply', 'bench', '--no-sync', '--yes', '--quiet');

  const beganMs = performance.now();
  const sync = await quota('limits', 'sync', '--rate', values.rate, '--quiet', '--json');
  const seconds = (performance.now() - beganMs) / 1000;
  const dictatedSeconds = (2 * assistants.length - 1) / Number(values.rate);
  const state = (await (await fetch(`${url}/_sim/state`)).json()) as { patches: number };
  const tenth = Math.max(1, Math.floor(sync.residentMegabytes.length / 10));
  if (sync.code !== 0 || state.patches !== assistants.length) {
    throw new Error(`the sync ended with ${sync.code} and changed ${state.patches} assistants`);
  }
  const residentMegabytes = sync.residentMegabytes.filter((_, index) => index % tenth === 0);
  say(JSON.stringify({ residentMegabytes, ...state }));
  judge('limits sync / what the rate dictates', seconds / dictatedSeconds, ratioMax, {
    ours: `${seconds.toFixed(1)} s`,
    baseline: `${dictatedSeconds.toFixed(1)} s`,
    megabytes: Math.max(0, ...sync.residentMegabytes),
  });
} finally {
  simulator.kill('SIGTERM');
  await quota('db', 'stop');
  rmSync(directory, { recursive: true, force: true });
}
