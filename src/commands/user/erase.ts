import { meantUser } from '../../asking/meant-user.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { eraseUser } from '../../privacy/erase-user.ts';
import {
  countFormerCounters,
  countPersonal,
  eraseMovedRows,
  selectNamingPattern,
} from '../../privacy/privacy-store.ts';
import { inFormerShards } from '../../shards/former-shards.ts';
import { counted } from '../../values/counted.ts';

/**
 * `quota user erase`: `{userId, dryRun, erased: {callLogs, assistants, auditRows, assistantsToRestore}, auditId,
 * countersLeft}`: how many rows held something personal besides the user's own, how many assistants keep it until they are
 * restored, and how many counters of the app's cache still have the former id in the key.
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
  (context, options) =>
    runChange(context, options, {
      // No names: the reason stays.
      reason: requiredReason('erasing a user', 'request of 2026-11-20'),
      plan: async ({ client }) => {
        const user = await meantUser(context, client, options.user);
        return { user, erased: await countPersonal(client, user.id) };
      },
      describe: ({ user }) => ({
        action: `Erase the person ${user.externalId} for ever`,
        name: user.externalId,
        isDangerous: true,
      }),
      apply: ({ client }, { user }, { reason }) =>
        eraseUser(client, user.id, reason, async () => {
          const pattern = await selectNamingPattern(client, user.id);
          await inFormerShards(context, user.id, (former) => eraseMovedRows(former, user.id, pattern));
        }),
      report: async ({ plan: { user, erased }, applied: auditId = null, dryRun }, { client }) => {
        const countersLeft = await countFormerCounters(client, user.id);
        return {
          data: { userId: user.id, dryRun, erased, auditId, countersLeft },
          text: (_data, style) =>
            `${dryRun ? style.yellow('would erase') : style.green('erased')} external id, email and name of ${user.id}; also ` +
            `details of ${counted(erased.callLogs, 'call log')}, ${counted(erased.assistants, 'name')} of assistants, ${counted(erased.auditRows, 'note')} beside the history. Usage and costs stay.${toRestore(erased.assistantsToRestore)}${inCache(countersLeft)}`,
        };
      },
    }),
);

const toRestore = (count: number) =>
  count === 0
    ? ''
    : `\n${counted(count, 'assistant is', 'assistants are')} limited: what was before goes once it is restored (quota limits restore).`;

const inCache = (count: number) =>
  count === 0
    ? ''
    : `\n${counted(count, 'counter')} of the cache still ${count === 1 ? 'has' : 'have'} the former id in the key: quota jobs sync-cache, with REDIS_URL.`;
