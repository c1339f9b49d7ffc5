/** Bundles a program that runs here and is not shipped - a script, a benchmark -, with the SQL that it reads. */
import { build } from 'esbuild';
import { sqlSet } from './sql-set.mjs';

/**
 * @param {string} entryPoint the program, from the root of the repository
 * @param {string} outfile where the bundle goes
 */
export async function bundle(entryPoint, outfile) {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    plugins: [sqlSet],
    logLevel: 'warning',
  });
}
