import type pg from 'pg';
import { type LimitsSetup, openLimits, withSteps } from '../../changes/limits-run.ts';
import type { Context, Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { providerOptions } from '../../declarations/provider-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import {
  type CheckResult,
  type CheckState,
  checkProvider,
  driftStates,
} from '../../enforcement/check-provider.ts';
import { parseLimitedState } from '../../enforcement/limited-state.ts';
import {
  type AssistantStatus,
  countStatus,
  type StatusCounts,
  selectStatus,
} from '../../enforcement/status-store.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { minuteText, relativeText } from '../../text/time-text.ts';
import { findUser } from '../../users/find-user.ts';
import { parseInteger } from '../../values/option-values.ts';

/** One assistant of `limits status --json`. Instants are ISO 8601 UTC, null where there is none. */
export interface StatusReport {
  user: string;
  providerAssistantId: string;
  name: string | null;
  desired: 'limited' | 'original';
  /** Null: never limited. */
  status: 'pending' | 'failed' | 'applied' | 'restored' | 'gone' | null;
  attempts: number;
  lastError: string | null;
  /** Whether a run works on it just now. */
  busy: boolean;
  requestedAt: string | null;
  nextAttemptAt: string | null;
  appliedAt: string | null;
  restoredAt: string | null;
  verifiedAt: string | null;
  /** VAPI's id of the organisation that it was last read from; null: not read yet. */
  organisation: string | null;
  /** The limited fields as they were, and are to be again; null when not limited. */
  original: Record<string, unknown> | null;
  /** With `--check`. */
  check: {
    state: CheckState;
    changes: { field: string; from: unknown; to: unknown }[];
    foreign: { field: string; value: unknown }[];
    detail: string | null;
  } | null;
}

interface LimitsStatus {
  counts: StatusCounts;
  /** With `--check`: how many assistants are in which state at VAPI. */
  checked: Partial<Record<CheckState, number>> | null;
  assistants: StatusReport[];
  /** How many more there are than are listed. */
  more: number;
}

const rowsMaxDefault = 1000;

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
      const userIds = options.user === undefined ? null : [(await findUser(client, options.user)).id];
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

interface StatusRequest {
  userIds: string[] | null;
  setup: LimitsSetup | undefined;
  limit?: number | undefined;
}

async function readStatus(
  context: Context,
  client: pg.ClientBase,
  { userIds, setup, limit = rowsMaxDefault }: StatusRequest,
): Promise<LimitsStatus> {
  const counts = await countStatus(client, userIds);
  const untouched = userIds !== null || setup !== undefined;
  const all = await selectStatus(client, {
    userIds,
    untouched,
    rowsMax: setup === undefined ? limit : 1_000_000,
  });
  const checks = setup === undefined ? null : await checkAll(context, client, setup, all);
  // Of assistants that are checked, those that are as they should be need not be listed, unless they are few.
  const isNotable = (assistant: AssistantStatus) => checks?.get(assistant)?.state !== 'same';
  const listed = checks !== null && userIds === null ? all.filter(isNotable) : all;
  const total =
    checks === null
      ? Object.values(counts).reduce((sum, count) => sum + count, 0) - (untouched ? 0 : counts.untouched)
      : listed.length;
  return {
    counts,
    checked: checks === null ? null : countStates(checks.values()),
    assistants: listed.slice(0, limit).map((assistant) => statusReport(assistant, checks?.get(assistant))),
    more: Math.max(0, total - limit),
  };
}

async function checkAll(
  context: Context,
  client: pg.ClientBase,
  setup: LimitsSetup,
  assistants: readonly AssistantStatus[],
) {
  const checks = new Map<AssistantStatus, CheckResult>();
  await withSteps(context, assistants.length, (step) =>
    checkProvider(assistants, {
      ...setup,
      queries: client,
      limitedStateOf: ({ planState, user }) =>
        planState === null ? setup.limitedState : parseLimitedState(planState, `the plan of ${user}`),
      signal: context.signal,
      onResult: (assistant, result) => {
        checks.set(assistant, result);
        step();
      },
    }),
  );
  return checks;
}

function countStates(results: Iterable<CheckResult>): Partial<Record<CheckState, number>> {
  const counts: Partial<Record<CheckState, number>> = {};
  for (const { state } of results) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

const instant = (date: Date | null) => date?.toISOString() ?? null;

function statusReport(assistant: AssistantStatus, check: CheckResult | undefined): StatusReport {
  return {
    user: assistant.user,
    providerAssistantId: assistant.providerAssistantId,
    name: assistant.name,
    desired: assistant.desired,
    status: assistant.status,
    attempts: assistant.attempts,
    lastError: assistant.lastError,
    busy: assistant.isClaimed,
    requestedAt: instant(assistant.requestedAt),
    nextAttemptAt: instant(assistant.nextAttemptAt),
    appliedAt: instant(assistant.appliedAt),
    restoredAt: instant(assistant.restoredAt),
    verifiedAt: instant(assistant.verifiedAt),
    organisation: assistant.organisation,
    original: assistant.original,
    check:
      check === undefined
        ? null
        : {
            state: check.state,
            changes: check.changes.map(({ field, from, to }) => ({
              field,
              from: from ?? null,
              to: to ?? null,
            })),
            foreign: check.foreign.map(({ field, value }) => ({ field, value: value ?? null })),
            detail: check.detail,
          },
  };
}

function statusText({ counts, checked, assistants, more }: LimitsStatus, now: Date, style: Style): string {
  const lines = assistants.flatMap((assistant) => assistantLines(assistant, now, style));
  if (more > 0) {
    lines.push(style.dim(`… and ${more} more: --limit shows them`));
  }
  const known = Object.entries(counts).filter(([name, count]) => count > 0 && name !== 'untouched');
  const summary = known.map(([name, count]) => `${count} ${name}`);
  if (counts.untouched > 0) {
    summary.push(`${counts.untouched} never limited`);
  }
  lines.push(...(lines.length > 0 ? [''] : []), `Recorded: ${summary.join(', ') || 'no assistants'}`);
  if (checked !== null) {
    const found = Object.entries(checked).map(([state, count]) => `${count} ${state}`);
    lines.push(`At VAPI: ${found.join(', ') || 'nothing to look at'}`);
  }
  return lines.join('\n');
}

function assistantLines(assistant: StatusReport, now: Date, style: Style): string[] {
  const { user, providerAssistantId, name, check } = assistant;
  const lines = [`${statusWord(assistant, style)}  ${user}  ${providerAssistantId}  ${name ?? ''}`.trimEnd()];
  if (assistant.lastError !== null) {
    const tries = assistant.status === 'failed' ? ` (attempt ${assistant.attempts})` : '';
    lines.push(`  ${assistant.lastError}${tries}`);
  }
  if (assistant.status === 'failed' && assistant.nextAttemptAt !== null) {
    const { nextAttemptAt } = assistant;
    lines.push(style.dim(`  due again ${relativeText(nextAttemptAt, now)} (${minuteText(nextAttemptAt)})`));
  }
  if (check !== null && check.state !== 'same') {
    lines.push(`  at VAPI: ${style.yellow(check.state)}${check.detail === null ? '' : `, ${check.detail}`}`);
    lines.push(
      ...check.changes.map(
        ({ field, from, to }) => `    ${field}: ${JSON.stringify(from)}, not ${JSON.stringify(to)}`,
      ),
    );
  }
  return lines;
}

function statusWord({ status, desired, busy }: StatusReport, style: Style): string {
  const suffix = busy ? ' (being worked on)' : '';
  switch (status) {
    case 'pending':
      return style.yellow(desired === 'limited' ? 'to be limited' : 'to be restored') + suffix;
    case 'failed':
      return style.red(desired === 'limited' ? 'limiting failed' : 'restoring failed') + suffix;
    case 'applied':
      return style.green('limited') + suffix;
    case 'restored':
      return style.green('restored') + suffix;
    case 'gone':
      return style.yellow('gone');
    case null:
      return style.dim('not limited');
  }
}
