import { findPlan } from '../../allowances/plans/find-plan.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, repeated } from '../../declarations/option.ts';
import { parsePersonText, personOptions } from '../../declarations/person-options.ts';
import { applyAdd, planAdd } from '../../users/add-user.ts';
import { findUser } from '../../users/find-user.ts';
import { parseName } from '../../values/option-values.ts';

/**
 * `quota user add`: `{user, plans, dryRun, created, auditId}`; `user` is what `user show` calls it, on a dry run what was
 * given. Somebody who is so already is answered with `created: false`.
 */
export const userAdd = defineCommand(
  {
    arguments: { user: argument('the id that the app has for the user', parsePersonText) },
    options: {
      ...changeOptions,
      ...personOptions,
      plan: repeated('key', 'a plan other than the default of its service; once for a service', parseName),
    },
    examples: [
      ['quota user add user_00043 --email ada@example.com --yes', 'signed up now, on the default plans'],
      [
        'quota user add user_00043 --signup 2026-03-31 --timezone Europe/Berlin --plan transcription-pro --dry-run',
        'look first',
      ],
    ],
  },
  async (context, options) => {
    const { user: externalId, email, name, timezone, signup: createdAt } = options;
    return runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }) => {
        const plans: { key: string; service: string }[] = [];
        for (const key of options.plan ?? []) {
          plans.push({ key, service: (await findPlan(client, key)).definition.service });
        }
        return planAdd(client, { externalId, email, name, timezone, createdAt, plans });
      },
      isNothing: ({ existing }) => existing !== null,
      describe: () => ({ action: `Make the user ${externalId}`, name: externalId }),
      apply: ({ client }, plan, { reason }) => applyAdd(client, plan, reason),
      report: async ({ plan: { wanted, existing }, applied: auditId = null, dryRun }, { client }) => {
        const { plans, ...given } = wanted;
        const created = auditId !== null;
        const user = created ? await findUser(client, externalId) : (existing ?? given);
        return {
          data: { user, plans: plans.map(({ key }) => key), dryRun, created, auditId },
          text: (_data, style) => {
            if (existing !== null) {
              return `${externalId} is there already`;
            }
            const done = dryRun ? style.yellow('would make') : style.green('made');
            const names = plans.map(({ key }) => key).join(', ');
            return `${done} ${externalId}${names === '' ? '' : ` on ${names}`}`;
          },
        };
      },
    });
  },
);
