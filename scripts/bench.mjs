/**
 * Runs one benchmark: `node scripts/bench.mjs NAME [flags]` bundles bench/NAME.ts into dist/bench and starts it.
 * With --expose-gc, so that a benchmark can tell memory in use from memory not yet collected.
 */
import { spawn } from 'node:child_process';
import { bundle } from './bundle.mjs';

const [name, ...flags] = process.argv.slice(2);
if (!name || !/^[\w-]+$/.test(name)) {
  process.stderr.write('usage: node scripts/bench.mjs NAME [flags]\n');
  process.exitCode = 2;
} else {
  const outfile = `dist/bench/${name}.js`;
  await bundle(`bench/${name}.ts`, outfile);
  const child = spawn(process.execPath, ['--expose-gc', outfile, ...flags], { stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
