import type pg from 'pg';
import { type LimitsSetup, withSteps } from '../../changes/limits-run.ts';
import type { Context } from '../../context.ts';
import { type CheckResult, type CheckState, checkProvider } from '../../enforcement/check-provider.ts';
import { parseLimitedState } from '../../enforcement/limited-state.ts';
import {
  type AssistantStatus,
  countStatus,
  type StatusCounts,
  selectStatus,
} from '../../enforcement/status-store.ts';

/** One assistant of `limits status --json`. Instants are ISO 8601 UTC, null where there is none. */
export interface StatusReport {
  user: string;
  providerAssistantId: string;
  name: string | null;
  desired: 'limited' | 'original';
  /** Null: never limited. */
  status: 'pending' | 'failed' | 'applied' | 'restored' | 'gone' | null;
  /** By hand: whatever its user is, until it is restored, or until that user's limit ends; null: as its user is. */
  held: 'limited' | 'original' | null;
  /** Its calls are let in one by one by the gate: nothing is changed at VAPI. */
  gated: boolean;
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

export interface LimitsStatus {
  counts: StatusCounts;
  /** With `--check`: how many assistants are in which state at VAPI. */
  checked: Partial<Record<CheckState, number>> | null;
  assistants: StatusReport[];
  /** How many more there are than are listed. */
  more: number;
}

const rowsMaxDefault = 1000;

interface StatusRequest {
  userIds: string[] | null;
  setup: LimitsSetup | undefined;
  limit?: number | undefined;
}

/** What is recorded of assistants, and with a `setup` what VAPI says of each. */
export async function readStatus(
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
      ? Object.values(counts).reduce((sum, count) => sum + count, 0) -
        (untouched ? 0 : counts.untouched + counts.gated)
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
    held: assistant.held,
    gated: assistant.isGated,
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
