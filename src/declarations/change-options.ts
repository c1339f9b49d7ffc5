import { flag, value } from './option.ts';

/** What every changing command has. */
export const changeOptions = {
  dryRun: flag('show what would be changed, change nothing'),
  reason: value('text', 'why, for the audit log'),
  yes: flag('do not ask (production asks all the same)'),
  confirm: value('name', 'the name that production asks for'),
};
