import { resetJob } from './reset-job.ts';

export const resetMonths = resetJob(
  'reset-months',
  'begin a new period on plans of the calendar month; catches up what was missed',
  'calendar',
);
