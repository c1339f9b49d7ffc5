import { meantUser } from '../../asking/meant-user.ts';
import { drainUser, openProviderWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { parsePersonText, personOptions } from '../../declarations/person-options.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import type { UserEdit } from '../../users/edit-store.ts';
import { applyEdit, planEdit } from '../../users/edit-user.ts';

/** `quota user edit`: `{user, dryRun, before, after, auditId, assistants}`; `before` and `after` have what changes. */
export const userEdit = defineCommand(
  {
    arguments: userArgument,
    options: {
      ...changeOptions,
      ...drainOptions,
      ...personOptions,
      externalId: value('id', 'the id that the app has for the user', parsePersonText),
    },
    examples: [
      [
        'quota user edit ada --timezone Europe/Berlin --reason "moved" --yes',
        'her periods begin at midnight there',
      ],
      ['quota user edit ada --email ada@example.org --dry-run', 'look first'],
      [
        'quota user edit ada --signup 2026-03-31 --reason "as in the CRM" --yes',
        'her anniversaries move; what is used in the running period stays used',
      ],
    ],
  },
  async (context, options) => {
    const { timezone, email, name, externalId, signup: createdAt } = options;
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('a change of a user', 'moved to Berlin'),
      plan: async ({ client }) =>
        planEdit(client, await meantUser(context, client, options.user), {
          timezone,
          email,
          name,
          externalId,
          createdAt,
        }),
      describe: ({ user, after }) => ({
        action: `Change ${Object.keys(after).join(', ')} of ${user.externalId}`,
        name: user.externalId,
      }),
      apply: ({ client }, plan, { reason }) => applyEdit(client, plan, reason),
      settle: ({ client }, { user }) => drainUser(context, client, user.id, work),
      report: ({ plan: { user, before, after }, applied: auditId = null, settled, dryRun }) => {
        const { assistants = [], unfinished = 0 } = settled ?? {};
        return {
          data: { user, dryRun, before, after, auditId, assistants },
          exitCode: workExitCode(unfinished),
          text: (_data, style) =>
            [
              `${dryRun ? style.yellow('would change') : style.green('changed')} ${user.externalId}`,
              ...fieldLines(before, after),
              ...assistantLines(assistants, style),
            ].join('\n'),
        };
      },
    });
  },
);

const fieldLines = (before: UserEdit, after: UserEdit) =>
  (Object.keys(after) as (keyof UserEdit)[]).map(
    (field) => `  ${field}  ${before[field] ?? 'none'} → ${after[field]}`,
  );
