import type pg from 'pg';
import { limitsExitCode, limitsOutput } from '../../changes/limits-report.ts';
import { openLimits } from '../../changes/limits-run.ts';
import type { Context } from '../../context.ts';
import { withTransaction } from '../../db/transaction.ts';
import { giveOriginals, liftLimits } from '../../enforcement/operator-store.ts';
import { planRestoreOfUsers, type RestorePlanOfUsers } from '../../enforcement/restore.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { patchComplaints } from '../../providers/vapi/assistant-rules.ts';
import { findUser } from '../../users/find-user.ts';
import { carryOut, type LimitsChangeOptions } from './change.ts';

export interface LimitsRestoreOptions extends LimitsChangeOptions {
  /** Everybody whose limit is lifted already. */
  allReset?: boolean;
  /** Exclusive end: originals captured before this instant are taken. */
  toOriginalOf?: string | undefined;
  /** A file of stored end-of-call reports. */
  originals?: string | undefined;
  /** Values of fields, for assistants whose original is unknown. */
  set?: { field: string; value: unknown }[] | undefined;
}

/** `quota limits restore USER|--all-reset`: lifts the limit and drains it at once. See `LimitsChangeReport`. */
export async function limitsRestore(context: Context, options: LimitsRestoreOptions): Promise<ExitCode> {
  checkOptions(options);
  const { user: reference, sync = true, reason, originals, set } = options;
  const needsProvider = sync || originals !== undefined || set !== undefined;
  const setup = needsProvider ? await openLimits(context, options) : undefined;
  const report = await context.withDatabase(
    async ({ client }) => {
      const user = reference === undefined ? null : await findUser(client, reference);
      const request = {
        user,
        originalsBefore: options.toOriginalOf,
        originalsFile: originals,
        values: set && Object.fromEntries(set.map(({ field, value }) => [field, value])),
      };
      const plan = await planRestoreOfUsers(
        client,
        request,
        setup === undefined ? undefined : { ...setup, signal: context.signal },
      );
      warnStillOver(context, plan);
      const of = user === null ? `${plan.users.length} users` : user.externalId;
      const action = `Restore ${plan.tasks.length} assistants of ${of}`;
      const queue = (on: pg.ClientBase) => queueRestore(on, plan, reason);
      return carryOut(
        context,
        client,
        { ...plan, action, queue },
        { options, setup: sync ? setup : undefined },
      );
    },
    { onAbort: 'finish' },
  );
  await context.output.write(limitsOutput(report));
  return sync ? limitsExitCode(report) : exitCodes.ok;
}

function checkOptions({ user, allReset = false, toOriginalOf, originals, set }: LimitsRestoreOptions): void {
  if ((user === undefined) !== allReset) {
    throw usageError('name a user, or everybody whose limit is lifted with --all-reset', {
      suggestion: 'quota limits restore user_00042, or quota limits restore --all-reset',
    });
  }
  if (toOriginalOf !== undefined && (originals !== undefined || set !== undefined)) {
    throw usageError(
      '--to-original-of takes the originals of the history: --originals and --set give others',
      {
        suggestion: 'use one of them',
      },
    );
  }
  const complaints = patchComplaints(
    Object.fromEntries(set?.map(({ field, value }) => [field, value]) ?? []),
  );
  if (complaints.length > 0) {
    throw usageError(`--set: ${complaints.join('; ')}`, { suggestion: 'nothing was sent to VAPI' });
  }
  if (allReset && (set !== undefined || toOriginalOf !== undefined)) {
    throw usageError(`${set === undefined ? '--to-original-of' : '--set'} needs a user`, {
      suggestion: 'name the user whose assistants are to get these values',
    });
  }
}

function queueRestore(
  client: pg.ClientBase,
  plan: RestorePlanOfUsers,
  reason: string | undefined,
): Promise<void> {
  const userIds = plan.users.map(({ id }) => id);
  return withTransaction(client, async () => {
    await liftLimits(client, userIds, reason);
    await giveOriginals(client, plan.given, reason);
  });
}

const namesMax = 5;

function warnStillOver({ talk }: Context, { stillOver }: RestorePlanOfUsers): void {
  if (stillOver.length > 0) {
    const more = stillOver.length > namesMax ? ` and ${stillOver.length - namesMax} more` : '';
    talk.warn(
      `still over the allowance: ${stillOver.slice(0, namesMax).join(', ')}${more}; enforce-limits will limit them again, unless they are reset or granted more`,
    );
  }
}
