import type pg from 'pg';
import { openLimits } from '../../changes/limits-run.ts';
import type { Context } from '../../context.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { flag, repeated, value } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { usersArgument } from '../../declarations/user-argument.ts';
import { reviveAssistants } from '../../enforcement/gone-store.ts';
import { giveOriginals, liftLimits, restoreAssistants } from '../../enforcement/operator-store.ts';
import { planRestoreOfUsers, type RestorePlanOfUsers } from '../../enforcement/restore.ts';
import { usageError } from '../../errors.ts';
import { patchComplaints } from '../../providers/vapi/assistant-rules.ts';
import { counted } from '../../values/counted.ts';
import { parseField, parseThrough } from '../../values/option-values.ts';
import { runLimitsChange } from './change.ts';
import { assistantOption, findChosen, nameOf, ownersText, requireOne } from './chosen.ts';

const declaration = declareCommand({
  arguments: usersArgument,
  options: {
    ...changeOptions,
    ...drainOptions,
    ...assistantOption,
    allReset: flag('everybody whose limit is lifted, but not at VAPI'),
    toOriginalOf: value(
      'date',
      'the originals recorded last until this day or instant, whatever is found',
      parseThrough,
    ),
    originals: value('file', 'end-of-call reports with the originals of assistants whose own is unknown'),
    set: repeated('field=value', 'a value for assistants whose original is unknown', parseField),
  },
  examples: [
    ['quota limits restore user_00042 --yes', 'lift the limit now'],
    ['quota limits restore user_00042 user_00043 --yes', 'of several users'],
    ['quota limits restore --assistant c1a624dc-0001 --yes', 'one assistant alone'],
    ['quota limits restore --all-reset --yes', 'try again whatever a reset could not restore'],
    ['quota limits restore user_00042 --to-original-of 2026-10-01 --yes', 'an earlier original'],
    ['quota limits restore --all-reset --originals reports.jsonl.gz', 'limited by another application'],
    ["quota limits restore user_00042 --set maxDurationSeconds=900 --set 'firstMessage=Hello'", 'by hand'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/** `quota limits restore USER…|--assistant ID…|--all-reset`: lifts the limit and drains it at once. See `LimitsChangeReport`. */
export const limitsRestore = defineCommand(declaration, async (context, options) => {
  checkOptions(options);
  const { sync = true, originals, set } = options;
  const needsProvider = sync || originals !== undefined || set !== undefined;
  const setup = needsProvider ? await openLimits(context, options) : undefined;
  return runLimitsChange(context, options, sync ? setup : undefined, async (client) => {
    const chosen = await findChosen(context, client, options);
    const request = {
      chosen,
      originalsBefore: options.toOriginalOf,
      originalsFile: originals,
      values: set && Object.fromEntries(set.map(({ field, value: given }) => [field, given])),
    };
    const look = setup && { ...setup, queries: client, signal: context.signal };
    const plan = await planRestoreOfUsers(client, request, look);
    warnUnhelped(context, plan);
    warnStillOver(context, plan);
    return {
      ...plan,
      action: `Restore ${counted(plan.tasks.length, 'assistant')} of ${ownersText(chosen, plan.users.length)}`,
      name: nameOf(chosen),
      queue: (on, reason) => queueRestore(on, plan, reason),
    };
  });
});

function checkOptions(options: Options): void {
  const { allReset = false, toOriginalOf, originals, set } = options;
  requireOne(options, allReset, 'everybody whose limit is lifted with --all-reset', 'restore');
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
  const userIds = plan.lifted.map(({ id }) => id);
  return withTransaction(client, async () => {
    await liftLimits(client, userIds, reason);
    await restoreAssistants(client, plan.freed, reason);
    await giveOriginals(client, plan.given, reason);
    await reviveAssistants(client, plan.knownAgain);
  });
}

const namesMax = 5;

/** Of a file of reports: what it names and does not help. */
function warnUnhelped({ talk }: Context, { unhelped }: RestorePlanOfUsers): void {
  for (const reason of new Set(unhelped.map((one) => one.reason))) {
    const ids = unhelped.filter((one) => one.reason === reason).map(({ id }) => id);
    const more = ids.length > namesMax ? ` and ${ids.length - namesMax} more` : '';
    talk.warn(`left as they are: ${ids.slice(0, namesMax).join(', ')}${more}: ${reason}`);
  }
}

function warnStillOver({ talk }: Context, { stillOver }: RestorePlanOfUsers): void {
  if (stillOver.length > 0) {
    const more = stillOver.length > namesMax ? ` and ${stillOver.length - namesMax} more` : '';
    talk.warn(
      `still over the allowance: ${stillOver.slice(0, namesMax).join(', ')}${more}; enforce-limits will limit them again, unless they are reset or granted more`,
    );
  }
}
