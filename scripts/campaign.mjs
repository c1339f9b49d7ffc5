/** Runs the campaign of faults: `npm run campaign -- [--seed N] [--minutes M]` (docs/reliability.md). */
import { execFileSync, spawn } from 'node:child_process';
import { bundle } from './bundle.mjs';

const outfile = 'dist/campaign/main.js';
execFileSync(process.execPath, ['scripts/build.mjs', '--if-changed'], { stdio: 'inherit' });
await bundle('campaign/main.ts', outfile);
const child = spawn(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
