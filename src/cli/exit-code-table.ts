import { type ExitCode, exitCodes } from '../errors.ts';

/** What the exit codes tell. The README's table is checked against this; the man pages have it, too. */
export const exitCodeTable: readonly { codes: readonly ExitCode[]; meaning: string }[] = [
  { codes: [exitCodes.ok], meaning: 'Done, nothing to do, or a dry run' },
  { codes: [exitCodes.bug], meaning: 'A bug of quota' },
  { codes: [exitCodes.usage], meaning: 'Wrong use: a flag, an argument or a value' },
  { codes: [exitCodes.differences], meaning: 'Differences found' },
  { codes: [exitCodes.notFound], meaning: 'The named thing does not exist' },
  { codes: [exitCodes.refused], meaning: 'Refused: not confirmed, guarded in production, or closed' },
  { codes: [exitCodes.badInput], meaning: 'Bad input data; nothing was loaded' },
  { codes: [exitCodes.unavailable], meaning: 'The database or the provider cannot be reached' },
  {
    codes: [exitCodes.tryAgain],
    meaning: 'Try again: locked, deadline reached, or provider work left queued',
  },
  { codes: [exitCodes.configuration], meaning: 'Bad configuration, or tables newer than the tool' },
  { codes: [exitCodes.interrupted, exitCodes.terminated], meaning: 'Ended by SIGINT, by SIGTERM' },
];
