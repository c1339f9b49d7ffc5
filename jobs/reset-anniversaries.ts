import { resetJob } from './reset-job.ts';

export const resetAnniversaries = resetJob(
  'reset-anniversaries',
  '5 * * * *',
  'begin a new period for everybody whose signup anniversary has come; catches up what was missed',
  'signup',
);
