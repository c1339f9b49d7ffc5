/**
 * How long a command takes from start to end, against `node -e 0`: the least of interleaved runs of the built bin, by
 * the clock, or by the processor time of node. Build first (`npm run build`). Fails above the ratios that are aimed at;
 * further command lines are shown.
 *
 *   node scripts/bench.mjs start-up [--runs 40] [--processor] ["jobs list" …]
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { judge, say } from './verdict.ts';

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '40' }, processor: { type: 'boolean', default: false } },
  allowPositionals: true,
});

interface Subject {
  name: string;
  args: string[];
  /** The most that it may take of `node -e 0`; none: it is only shown. */
  aim?: number;
  ms: number[];
}

const ofQuota = (line: string, aim?: number): Subject => ({
  name: `quota ${line}`,
  args: ['dist/bin/quota.js', ...line.split(' ')],
  ms: [],
  ...(aim !== undefined && { aim }),
});
const bare: Subject = { name: 'node -e 0', args: ['-e', '0'], ms: [] };
const subjects = [
  ofQuota('--version', 1.25),
  ofQuota('--help', 1.25),
  ofQuota('complete -- user', 1.25),
  ofQuota('user show ada', 2.2),
  ...positionals.map((line) => ofQuota(line)),
];

/** Loaded before the program: tells at its end what it took. */
const teller = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write('processor ' + (user + system) + '\\n');
});`;

await withBenchServer(async (server) => {
  const env = { ...process.env, DATABASE_URL: await arrange(server) };
  const file = join(server.folder, 'teller.cjs');
  writeFileSync(file, teller);
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const subject of [bare, ...subjects]) {
      subject.ms.push(measure(subject, { env, file }));
    }
  }
  const base = Math.min(...bare.ms);
  say(`${base.toFixed(1).padStart(8)} ms  ${bare.name}`);
  for (const { name, ms, aim } of subjects) {
    const took = Math.min(...ms);
    say(`${took.toFixed(1).padStart(8)} ms  ×${(took / base).toFixed(2)}  ${name}`);
    if (aim !== undefined) {
      judge(name, took / base, aim, {
        ours: `${took.toFixed(0)} ms`,
        baseline: `${base.toFixed(0)} ms`,
      });
    }
  }
});

async function arrange({ createMigrated, on, urlOf }: BenchServer): Promise<string> {
  await createMigrated('started');
  await on(
    'started',
    `insert into quota.users (external_id) values ('ada'); select quota.record('ada', 'voice', 'one', 1)`,
  );
  return urlOf('started');
}

function measure({ name, args }: Subject, { env, file }: { env: NodeJS.ProcessEnv; file: string }): number {
  const start = performance.now();
  const words = values.processor ? ['--require', file, ...args] : args;
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  const took = performance.now() - start;
  if (status !== 0) {
    throw new Error(`${name} ended with ${status}: ${stderr}`);
  }
  return values.processor ? Number(/processor (\d+)/.exec(stderr)?.[1]) / 1000 : took;
}
