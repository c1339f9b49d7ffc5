import { meantUser } from '../../asking/meant-user.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { planRegistration } from '../../logins/register-login.ts';
import { parseName } from '../../values/option-values.ts';
import { loginSteps } from './change-login.ts';

/** `quota login bind`: `{role, isMember, before, after, dryRun, auditId}`. */
export const loginBind = defineCommand(
  {
    arguments: { role: argument('role of the database, as it connects or is set', parseName) },
    options: {
      ...changeOptions,
      user: value('user', 'the one user that it speaks for: id, external id or email'),
      claim: value('name', 'it speaks for the user whom this claim of request.jwt.claims names', parseName),
    },
    examples: [
      ['quota login bind authenticated --claim sub --reason "PostgREST" --yes', 'each user for itself'],
      ['quota login bind tenant_42 --user user_00042 --reason "own database login"', 'one user'],
    ],
  },
  (context, { role, user, claim, ...options }) => {
    if ((user === undefined) === (claim === undefined)) {
      throw usageError('a role is bound either to a user or to a claim', {
        suggestion: 'give --user USER, or --claim sub',
      });
    }
    return runChange(
      context,
      options,
      loginSteps(async (client) =>
        planRegistration(
          client,
          role,
          user === undefined
            ? { speaksFor: 'claim', claim }
            : { speaksFor: 'user', user: await meantUser(context, client, user) },
        ),
      ),
    );
  },
);
