/**
 * How long a command takes from start to end, against `node -e 0`: medians of interleaved runs of the built bin.
 *
 *   node bench/start-up.mjs                       quota --help
 *   node bench/start-up.mjs "user show ada" …     any command lines; the environment is passed on
 */
import { spawnSync } from 'node:child_process';

const runs = 40;
const lines = ['--help', ...process.argv.slice(2)];
const subjects = [
  { name: 'node -e 0', args: ['-e', '0'] },
  ...lines.map((line) => ({ name: `quota ${line}`, args: ['dist/bin/quota.js', ...line.split(' ')] })),
].map((subject) => ({ ...subject, ms: [] }));

for (let run = 0; run < runs; run += 1) {
  for (const { name, args, ms } of subjects) {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args);
    ms.push(performance.now() - start);
    if (status !== 0) {
      throw new Error(`${name} ended with ${status}: ${stderr}`);
    }
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const base = median(subjects[0].ms);
for (const { name, ms } of subjects) {
  const report = `${median(ms).toFixed(1).padStart(8)} ms  ×${(median(ms) / base).toFixed(2)}  ${name}\n`;
  process.stdout.write(report);
}
