/** `npm run schema`: bundles scripts/schema.ts, which writes sql/schema.sql, into dist/scripts and runs it. */
import { bundle } from './bundle.mjs';

const outfile = 'dist/scripts/schema.js';
await bundle('scripts/schema.ts', outfile);
await import(`../${outfile}`);
