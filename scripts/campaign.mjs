/** Runs the campaign of faults: `npm run campaign -- [--seed N] [--minutes M]` (docs/reliability.md). */
import { execFileSync } from 'node:child_process';
import { runBundled } from './bundle.mjs';

execFileSync(process.execPath, ['scripts/build.mjs', '--if-changed'], { stdio: 'inherit' });
await runBundled('campaign/main.ts', 'dist/campaign/main.js', process.argv.slice(2));
