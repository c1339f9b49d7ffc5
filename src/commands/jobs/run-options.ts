import { confirmOption } from '../../declarations/change-options.ts';
import { flag, type Given, value } from '../../declarations/option.ts';
import type { userOption } from '../../declarations/user-argument.ts';
import { usageError } from '../../errors.ts';
import { parseChoice, parseDurationSeconds, parseInteger } from '../../values/option-values.ts';

/** @throws usageError without the text, which may hold a key */
function parseWebUrl(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw usageError('it is no URL of a monitor', { suggestion: 'https://hc-ping.com/your-key' });
  }
  return text;
}

/** What every job has. */
export const runOptions = {
  dryRun: flag('show what is due, change nothing', { short: 'n' }),
  limit: value('n', 'at most so many in this run', parseInteger()),
  batchSize: value('n', 'so many in one transaction', parseInteger({ max: 100_000 })),
  maxDuration: value('time', 'stop after the batch in which this passes', parseDurationSeconds),
  confirm: confirmOption,
  metricsFile: value('path', "write the run's figures for Prometheus' textfile collector"),
  ifLocked: value(
    'what',
    'while another run of the job goes on: skip (exit 0), wait, or fail (exit 75, the default)',
    parseChoice('skip', 'wait', 'fail'),
  ),
  pingUrl: value(
    'url',
    'monitor to tell of start, success and failure (protocol of healthchecks.io)',
    parseWebUrl,
  ),
};

export type RunOptions = Given<typeof runOptions> & Partial<Given<typeof userOption>>;
