import type pg from 'pg';
import {
  type LimitsReport,
  limitsExitCode,
  limitsOutput,
  limitsReport,
} from '../../changes/limits-report.ts';
import {
  LimitResults,
  type LimitsOptions,
  type LimitsRun,
  type LimitsSetup,
  runLimits,
  withSteps,
} from '../../changes/limits-run.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { ChangeOptions, Context, Database } from '../../context.ts';
import { countQueued } from '../../enforcement/claim-store.ts';
import type { LimitTask } from '../../enforcement/limit-task.ts';
import type { UserName } from '../../enforcement/operator-store.ts';
import { previewLimits } from '../../enforcement/preview.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

/** What `apply` and `restore` have in common: they queue, and drain at once. */
export interface LimitsChangeOptions extends LimitsOptions, ChangeOptions {
  /** False with `--no-sync`: the provider work stays queued. */
  sync?: boolean;
}

/** What `apply` and `restore` print as JSON. */
export interface LimitsChangeReport extends LimitsReport {
  /** External ids. */
  users: string[];
}

export interface PlannedChange {
  users: readonly UserName[];
  tasks: readonly LimitTask[];
  isNeeded: boolean;
  /** For the question. */
  action: string;
  /** What has to be typed in production; null: the name of the database. */
  name: string | null;
  /** Queues the work, in transactions of its own. */
  queue: (client: pg.ClientBase, reason: string | undefined) => Promise<void>;
}

/**
 * Plans, asks, queues and drains; on a dry run shows what would be sent.
 * @param setup undefined: the provider work stays queued
 * @throws VapiUnavailableError or WrongProviderError for a key that cannot do it: nothing is queued then.
 */
export function runLimitsChange(
  context: Context,
  options: LimitsChangeOptions,
  setup: LimitsSetup | undefined,
  plan: (client: pg.ClientBase) => Promise<PlannedChange>,
): Promise<ExitCode> {
  return runChange(context, options, {
    reason: optionalReason,
    async plan({ client }) {
      const planned = await plan(client);
      if (planned.isNeeded) {
        await setup?.organisation.requireUsable(client, context.signal);
      }
      return planned;
    },
    isNothing: ({ isNeeded }) => !isNeeded,
    describe: ({ action, name, tasks }, { client }) => ({
      action,
      name: name ?? client.database ?? '',
      lines: taskLines(tasks),
    }),
    async apply({ client }, { queue }, { reason }) {
      await queue(client, reason);
      return true;
    },
    async settle({ client }, planned, isApplied) {
      return isApplied && setup !== undefined
        ? runLimits(context, setup, { client, scope: scopeOf(planned), recheck: false })
        : idle(client, planned);
    },
    async report({ plan: planned, settled, dryRun }, database) {
      const run = settled ?? (await preview(context, database, planned, setup));
      const data: LimitsChangeReport = {
        users: planned.users.map(({ externalId }) => externalId),
        ...limitsReport(run, dryRun),
      };
      return {
        ...limitsOutput(data),
        exitCode: options.sync === false ? exitCodes.ok : limitsExitCode(data),
      };
    },
    database: { onAbort: 'finish' },
  });
}

const scopeOf = ({ users }: PlannedChange) => ({ userIds: users.map(({ id }) => id), dueOnly: false });

async function idle(client: pg.ClientBase, planned: PlannedChange): Promise<LimitsRun> {
  return { results: [], unchanged: 0, left: await countQueued(client, scopeOf(planned)), givenUp: undefined };
}

const shownMax = 20;

const taskLines = (tasks: readonly LimitTask[]): string[] => [
  ...tasks
    .slice(0, shownMax)
    .map(({ user, providerAssistantId, name, desired }) =>
      `${desired === 'limited' ? 'to be limited' : 'to be restored'}: ${user} ${providerAssistantId} ${name ?? ''}`.trimEnd(),
    ),
  ...(tasks.length > shownMax ? [`… and ${tasks.length - shownMax} more: --dry-run shows them all`] : []),
];

async function preview(
  context: Context,
  { client }: Database,
  planned: PlannedChange,
  setup: LimitsSetup | undefined,
): Promise<LimitsRun> {
  const nothing = await idle(client, planned);
  return setup !== undefined && planned.isNeeded
    ? { ...nothing, ...(await previewTasks(context, setup, client, planned.tasks)) }
    : nothing;
}

/** Reads the assistants of tasks behind a progress bar. */
export async function previewTasks(
  context: Context,
  setup: LimitsSetup,
  client: pg.ClientBase,
  tasks: readonly LimitTask[],
): Promise<Pick<LimitsRun, 'results' | 'unchanged'>> {
  const collected = new LimitResults();
  await withSteps(context, tasks.length, (step) =>
    previewLimits(tasks, {
      ...setup,
      queries: client,
      signal: context.signal,
      onResult: (result) => {
        collected.add(result);
        step();
      },
    }),
  );
  return { results: collected.results, unchanged: collected.unchanged };
}
