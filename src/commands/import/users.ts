import { defineCommand } from '../../declarations/command.ts';
import { loadStaged } from '../../imports/load-staged.ts';
import { userFiles } from '../../imports/user-files.ts';
import { fileArgument, fileOptions } from './file-options.ts';
import { runImport } from './run-import.ts';

/**
 * `quota import users`: an `ImportReport`. `new` users get the plans of their line; a plan whose service an
 * existing user is not subscribed to is made too (`subscriptions`). `--update` brings email, name and zone of
 * existing users in line with the file; `unchangeable` are those whose signup or plan differs.
 */
export const importUsers = defineCommand(
  {
    arguments: fileArgument,
    options: fileOptions,
    details:
      'Columns: external_id, id (a uuid of the app, kept as ours), email, name, signup_at, timezone, plan.',
    examples: [
      ['quota import users users.csv', 'add those that are not there yet'],
      ['quota import users crm.csv --map "ID=external_id" --map "Notes="', 'own headers; leave a column out'],
      ['quota import users users.csv --update --dry-run', 'how many would be added and changed'],
    ],
  },
  (context, options) => runImport(context, userFiles, options, { load: loadStaged }),
);
