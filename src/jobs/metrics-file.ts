import { rename, writeFile } from 'node:fs/promises';
import type { Job, JobOutcome } from './job.ts';

/**
 * Writes a textfile for Prometheus' node_exporter: in the text format without timestamps, as a whole (a temporary
 * name in the same directory, then a rename).
 */
export async function writeMetricsFile(path: string, job: Job, outcome: JobOutcome): Promise<void> {
  const { Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `quota_job_${name}`, help, labelNames: ['job'], registers: [registry] }).set(
      { job: job.name },
      value,
    );
  gauge('due', `${job.unit} due when the last run began`, outcome.due);
  gauge('done', `${job.unit} done by the last run`, outcome.done);
  gauge('left', `${job.unit} left by the last run`, outcome.left);
  gauge('duration_seconds', 'length of the last run', outcome.durationMs / 1000);
  gauge(
    'complete',
    '1 when the last run left nothing',
    outcome.stop === null && outcome.unsettled === 0 ? 1 : 0,
  );
  for (const [name, count] of Object.entries(outcome.counts)) {
    gauge(
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      `${name} of the last run`,
      count,
    );
  }
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, await registry.metrics());
  await rename(temporary, path);
}
