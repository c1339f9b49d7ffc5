/**
 * Bundles the CLI into dist/ with code splitting: every lazy import() becomes a chunk of its own, so a
 * command loads its own code only. Bare packages stay external and are loaded from node_modules.
 */
import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'dist';
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { 'bin/quota': 'bin/quota.ts' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  loader: { '.sql': 'text' },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  logLevel: 'warning',
});
await chmod(`${outdir}/bin/quota.js`, 0o755);
