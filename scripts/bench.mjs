/**
 * Runs one benchmark: `node scripts/bench.mjs NAME [flags]` bundles bench/NAME.ts into dist/bench and starts it.
 * With --expose-gc, so that a benchmark can tell memory in use from memory not yet collected.
 */
import { spawn } from 'node:child_process';
import { build } from 'esbuild';
import { sqlSet } from './sql-set.mjs';

const [name, ...flags] = process.argv.slice(2);
if (!name || !/^[\w-]+$/.test(name)) {
  process.stderr.write('usage: node scripts/bench.mjs NAME [flags]\n');
  process.exitCode = 2;
} else {
  const outfile = `dist/bench/${name}.js`;
  await build({
    entryPoints: [`bench/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    plugins: [sqlSet],
    logLevel: 'warning',
  });
  const child = spawn(process.execPath, ['--expose-gc', outfile, ...flags], { stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
