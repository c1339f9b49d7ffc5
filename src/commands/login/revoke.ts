import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { planRevocation } from '../../logins/register-login.ts';
import { parseName } from '../../values/option-values.ts';
import { loginSteps } from './change-login.ts';

/** `quota login revoke`: `{role, isMember, before, after, dryRun, auditId}`; `after` is null. */
export const loginRevoke = defineCommand(
  {
    arguments: { role: argument('role of the database, as quota login list tells it', parseName) },
    options: changeOptions,
    examples: [['quota login revoke app --reason "moved away" --yes', 'from now on it is refused']],
  },
  (context, { role, ...options }) =>
    runChange(
      context,
      options,
      loginSteps((client) => planRevocation(client, role)),
    ),
);
