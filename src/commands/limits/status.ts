import { meantUser } from '../../asking/meant-user.ts';
import { openLimits } from '../../changes/limits-run.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { providerOptions } from '../../declarations/provider-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import { type CheckState, driftStates } from '../../enforcement/check-provider.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { parseInteger } from '../../values/option-values.ts';
import { type LimitsStatus, readStatus } from './status-report.ts';
import { statusText } from './status-text.ts';

/** `quota limits status [USER] [--check]`: desired against recorded, and against VAPI. See `LimitsStatus`. */
export const limitsStatus = defineCommand(
  {
    arguments: anyUserArgument,
    options: {
      ...providerOptions,
      check: flag('ask VAPI what the assistants really have (GET only)'),
      limit: value('n', 'list at most so many assistants (default: 1000)', parseInteger()),
    },
    examples: [
      ['quota limits status', 'everything that is, was or should be limited; failures first'],
      ['quota limits status user_00042', "one user's assistants"],
      ['quota limits status --check', 'who was changed at VAPI, or limited by somebody else'],
    ],
  },
  async (context, options) => {
    const setup = options.check === true ? await openLimits(context, options) : undefined;
    const data = await context.withDatabase(async ({ client }) => {
      const userIds =
        options.user === undefined ? null : [(await meantUser(context, client, options.user)).id];
      return readStatus(context, client, { ...options, userIds, setup });
    });
    await context.output.write({
      data,
      rows: data.assistants.map(({ original, check, ...rest }) => ({ ...rest, check: check?.state ?? null })),
      text: (status, style) => statusText(status, context.now(), style),
    });
    return exitCodeOf(data);
  },
);

/** Drift is a difference found; what could not be looked at may be one. */
function exitCodeOf({ checked }: LimitsStatus): ExitCode {
  const count = (states: readonly CheckState[]) =>
    states.reduce((sum, state) => sum + (checked?.[state] ?? 0), 0);
  if (count(driftStates) > 0) {
    return exitCodes.differences;
  }
  return count(['unreadable']) > 0 ? exitCodes.tryAgain : exitCodes.ok;
}
