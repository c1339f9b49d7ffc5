import { flag, value } from './option.ts';

/** Of what is typed in production: every change, and runs that are unlike those of every day. */
export const confirmOption = value('name', 'the name that production asks for');

/** What every changing command has. */
export const changeOptions = {
  dryRun: flag('show what would be changed, change nothing', { short: 'n' }),
  reason: value('text', 'why, for the audit log'),
  yes: flag('do not ask (production asks all the same)', { short: 'y' }),
  confirm: confirmOption,
};
