import type { Job } from '../src/jobs/job.ts';
import { resetAnniversaries } from './reset-anniversaries.ts';
import { resetMonths } from './reset-months.ts';
import { rollUpAnalytics } from './roll-up-analytics.ts';

/** Every job, in the order in which lists name them. */
export const jobs: readonly Job[] = [resetAnniversaries, resetMonths, rollUpAnalytics];
