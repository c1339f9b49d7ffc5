import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { planRegistration } from '../../logins/register-login.ts';
import { parseName } from '../../values/option-values.ts';
import { loginSteps } from './change-login.ts';

/** `quota login allow`: `{role, isMember, before, after, dryRun, auditId}`. */
export const loginAllow = defineCommand(
  {
    arguments: { role: argument('role of the database, as the app connects', parseName) },
    options: changeOptions,
    examples: [
      ['quota login allow app --reason "the back end" --yes', 'it asks and records for every user'],
      ['quota login allow service_role --reason "Supabase" --dry-run', 'look first'],
    ],
  },
  (context, { role, ...options }) =>
    runChange(
      context,
      options,
      loginSteps((client) => planRegistration(client, role, { speaksFor: 'app' })),
    ),
);
