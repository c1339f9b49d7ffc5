/**
 * Runs one benchmark: `node scripts/bench.mjs NAME [flags]` bundles bench/NAME.ts into dist/bench and starts it.
 * With --expose-gc, so that a benchmark can tell memory in use from memory not yet collected.
 */
import { runBundled } from './bundle.mjs';

const [name, ...flags] = process.argv.slice(2);
if (!name || !/^[\w-]+$/.test(name)) {
  process.stderr.write('usage: node scripts/bench.mjs NAME [flags]\n');
  process.exitCode = 2;
} else {
  await runBundled(`bench/${name}.ts`, `dist/bench/${name}.js`, flags, ['--expose-gc']);
}
