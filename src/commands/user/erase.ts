import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { eraseUser } from '../../privacy/erase-user.ts';
import { countPersonal } from '../../privacy/privacy-store.ts';
import { findUser } from '../../users/find-user.ts';

/**
 * `quota user erase`: `{userId, dryRun, erased: {callLogs, assistants, auditRows, assistantsToRestore}, auditId}`: how many
 * rows held something personal besides the user's own, and how many assistants keep it until they are restored.
 */
export const userErase = defineCommand(
  {
    arguments: userArgument,
    options: changeOptions,
    examples: [
      ['quota user erase ada@example.com --dry-run --reason "request 17"', 'what would go'],
      ['quota user erase user_00042 --reason "request 17" --yes', 'in a script'],
      ['quota user erase user_00042 --reason "request 17" --confirm user_00042', 'in production'],
    ],
  },
  async (context, options) => {
    const { reason } = options;
    if (reason === undefined || reason.trim() === '') {
      throw usageError('erasing a user needs a reason', {
        suggestion: 'add --reason "request of 2026-11-20" (no names: the reason stays)',
      });
    }
    const data = await context.withDatabase(async ({ client }) => {
      const user = await findUser(client, options.user);
      const erased = await countPersonal(client, user.id);
      const change = { action: `Erase the person ${user.externalId} for ever`, name: user.externalId };
      const dryRun = !(await context.confirm(change, options));
      const auditId = dryRun ? null : await eraseUser(client, user.id, reason);
      return { userId: user.id, dryRun, erased, auditId };
    });
    await context.output.write({
      data,
      text: ({ userId, dryRun, erased }, style) =>
        `${dryRun ? style.yellow('would erase') : style.green('erased')} external id, email and name of ${userId}; also ` +
        `details of ${erased.callLogs} call logs, ${erased.assistants} names of assistants, ${erased.auditRows} notes beside the history. Usage and costs stay.${toRestore(erased.assistantsToRestore)}`,
    });
    return exitCodes.ok;
  },
);

const toRestore = (count: number) =>
  count === 0
    ? ''
    : `\n${count} assistants are limited: what they had before goes once it is restored (quota limits restore).`;
