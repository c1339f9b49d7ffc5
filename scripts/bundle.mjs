/** Bundles a program that runs here and is not shipped - a script, a benchmark -, with the SQL that it reads. */
import { spawn } from 'node:child_process';
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

/**
 * Bundles a program and runs it to its end, with its exit code as ours.
 * @param {string} entryPoint as for `bundle`
 * @param {string} outfile as for `bundle`
 * @param {readonly string[]} flags for the program
 * @param {readonly string[]} nodeFlags for Node
 */
export async function runBundled(entryPoint, outfile, flags, nodeFlags = []) {
  await bundle(entryPoint, outfile);
  const child = spawn(process.execPath, [...nodeFlags, outfile, ...flags], { stdio: 'inherit' });
  // A terminal tells both; who ends this process alone means the program.
  const end = () => child.kill('SIGTERM');
  process.once('SIGTERM', end);
  child.on('exit', (code) => {
    process.off('SIGTERM', end);
    process.exitCode = code ?? 1;
  });
}
