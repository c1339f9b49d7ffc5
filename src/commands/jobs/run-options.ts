import { confirmOption } from '../../declarations/change-options.ts';
import { flag, type Given, value } from '../../declarations/option.ts';
import type { userOption } from '../../declarations/user-argument.ts';
import { parseDurationSeconds, parseInteger } from '../../values/option-values.ts';

/** What every job has. */
export const runOptions = {
  dryRun: flag('show what is due, change nothing', { short: 'n' }),
  limit: value('n', 'at most so many in this run', parseInteger()),
  batchSize: value('n', 'so many in one transaction', parseInteger({ max: 100_000 })),
  maxDuration: value('time', 'stop after the batch in which this passes', parseDurationSeconds),
  confirm: confirmOption,
  metricsFile: value('path', "write the run's figures for Prometheus' textfile collector"),
};

export type RunOptions = Given<typeof runOptions> & Partial<Given<typeof userOption>>;
