import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile, requireReplaceable } from '../files/write-file.ts';
import { systemError } from '../system-error.ts';
import type { Job, JobOutcome } from './job.ts';

/** node_exporter reads it under an account of its own; it names nobody. */
const publicMode = 0o644;
const lastSuccess = 'last_success_timestamp_seconds';

/** That the file can be written, before the work that it is to measure. @throws usageError when it cannot */
export async function checkMetricsFile(path: string): Promise<void> {
  const folder = dirname(path);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw systemError(error, `nothing can be written into ${folder}`) ?? error;
  });
  await requireReplaceable(path);
}

/**
 * Writes a textfile for Prometheus' node_exporter: in the text format without timestamps, as a whole (a temporary
 * name in the same directory, then a rename). When the run failed (`outcome` null) or left something, the instant of
 * the last success is carried over from the file that is replaced: alert on its age.
 * https://github.com/prometheus/node_exporter#textfile-collector
 * @throws usageError when there can be no such file, tryAgainError when the disk is full
 */
export async function writeMetricsFile(
  path: string,
  job: Pick<Job, 'name' | 'unit'>,
  outcome: JobOutcome | null,
): Promise<void> {
  const text = await metricsText(job, outcome, await readLastSuccess(path));
  await replaceFile(path, (write) => write(text), { mode: publicMode });
}

async function metricsText(
  job: Pick<Job, 'name' | 'unit'>,
  outcome: JobOutcome | null,
  before: number | null,
): Promise<string> {
  const { Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `quota_job_${name}`, help, labelNames: ['job'], registers: [registry] }).set(
      { job: job.name },
      value,
    );
  const isSuccess = outcome?.isComplete === true;
  gauge('success', '1 when the last run did all that it was to do', isSuccess ? 1 : 0);
  const succeededAt = isSuccess ? Date.parse(outcome.finishedAt) / 1000 : before;
  if (succeededAt !== null) {
    gauge(lastSuccess, 'end of the last run that did all that it was to do', succeededAt);
  }
  if (outcome !== null) {
    gauge('due', `${job.unit} due when the last run began`, outcome.due);
    gauge('done', `${job.unit} done by the last run`, outcome.done);
    gauge('left', `${job.unit} left by the last run`, outcome.left);
    gauge('unsettled', 'provider work left queued by the last run', outcome.unsettled);
    gauge('duration_seconds', 'length of the last run', outcome.durationMs / 1000);
    for (const [name, count] of Object.entries(outcome.counts)) {
      gauge(snakeCase(name), `${name} of the last run`, count);
    }
  }
  return registry.metrics();
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

async function readLastSuccess(path: string): Promise<number | null> {
  try {
    const value = new RegExp(`^quota_job_${lastSuccess}{[^}]*} ([\\d.]+)$`, 'm').exec(
      await readFile(path, 'utf8'),
    );
    return value === null ? null : Number(value[1]);
  } catch {
    return null; // The first run to write it.
  }
}
