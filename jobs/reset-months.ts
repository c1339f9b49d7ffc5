import { resetJob } from './reset-job.ts';

export const resetMonths = resetJob(
  'reset-months',
  // Months begin in the time zones of users: at every hour of the first day, and of the days around it.
  '10 * * * *',
  'begin a new period on plans of the calendar month; catches up what was missed',
  'calendar',
);
