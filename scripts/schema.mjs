/** `npm run schema`: bundles scripts/schema.ts, which writes sql/schema.sql, into dist/scripts and runs it. */
import { build } from 'esbuild';
import { sqlSet } from './sql-set.mjs';

const outfile = 'dist/scripts/schema.js';
await build({
  entryPoints: ['scripts/schema.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  plugins: [sqlSet],
  logLevel: 'warning',
});
await import(`../${outfile}`);
