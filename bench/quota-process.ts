import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export interface QuotaProcess {
  /** Start and connection included. */
  seconds: number;
  /** Until two lines of stdout were there; all of it where there are fewer. */
  firstSeconds: number;
  /** The most memory that node took, and its time of the processor. */
  megabytes: number;
  processorSeconds: number;
  stdout: string;
}

export interface QuotaProcessOptions {
  databaseUrl: string;
  /** Default: 0. */
  exitCode?: number;
  /** Called with all of stderr so far. */
  onStderr?: (told: string) => void;
}

/**
 * Runs the built command.
 * @throws Error when it ends with another exit code
 */
export function runQuota(
  args: readonly string[],
  { databaseUrl, exitCode = 0, onStderr = () => {} }: QuotaProcessOptions,
): Promise<QuotaProcess> {
  const usage = `process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    process.stderr.write('peak ' + maxRSS + ' processor ' + (userCPUTime + systemCPUTime) + '\\n');
  })`;
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(usage)}`, resolve('dist/bin/quota.js'), ...args],
    { env: { ...process.env, DATABASE_URL: databaseUrl }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const passed = () => (performance.now() - begin) / 1000;
  let [stdout, told] = ['', ''];
  let firstSeconds: number | undefined;
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    stdout += piece;
    firstSeconds ??= /\n.*\n/.test(stdout) ? passed() : undefined;
  });
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    told += piece;
    onStderr(told);
  });
  return new Promise((done, failed) => {
    child.on('close', (code) => {
      const seconds = passed();
      const [, peak, processor] = /peak (\d+) processor (\d+)/.exec(told) ?? [];
      if (code === exitCode) {
        done({
          seconds,
          firstSeconds: firstSeconds ?? seconds,
          megabytes: Number(peak) / 1024,
          processorSeconds: Number(processor) / 1e6,
          stdout,
        });
      } else {
        failed(new Error(`exit ${code}: ${told}`));
      }
    });
  });
}
