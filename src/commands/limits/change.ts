import type pg from 'pg';
import { type LimitsReport, limitsReport } from '../../changes/limits-report.ts';
import {
  LimitResults,
  type LimitsOptions,
  type LimitsRun,
  type LimitsSetup,
  runLimits,
  withSteps,
} from '../../changes/limits-run.ts';
import type { ChangeOptions, Context } from '../../context.ts';
import { countQueued } from '../../enforcement/claim-store.ts';
import type { LimitTask } from '../../enforcement/limit-task.ts';
import type { UserName } from '../../enforcement/operator-store.ts';
import { previewLimits } from '../../enforcement/preview.ts';

/** What `apply` and `restore` have in common: they queue, and drain at once. */
export interface LimitsChangeOptions extends LimitsOptions, ChangeOptions {
  user?: string | undefined;
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
  /** Queues the work, in transactions of its own. */
  queue: (client: pg.ClientBase) => Promise<void>;
}

/** Asks, queues and drains what was planned; on a dry run shows what would be sent. */
export async function carryOut(
  context: Context,
  client: pg.ClientBase,
  plan: PlannedChange,
  { options, setup }: { options: LimitsChangeOptions; setup: LimitsSetup | undefined },
): Promise<LimitsChangeReport> {
  const dryRun = options.dryRun === true;
  const scope = { userIds: plan.users.map(({ id }) => id), dueOnly: false };
  const idle = async (): Promise<LimitsRun> => {
    return { results: [], unchanged: 0, left: await countQueued(client, scope), givenUp: undefined };
  };
  const report = (run: LimitsRun) => ({
    users: plan.users.map(({ externalId }) => externalId),
    ...limitsReport(run, dryRun),
  });
  if (!plan.isNeeded) {
    return report(await idle());
  }
  if (dryRun) {
    return report(setup === undefined ? await idle() : await preview(context, client, plan, setup));
  }
  showPlan(context, plan.tasks);
  const name = options.user === undefined ? (client as pg.Client).database : plan.users[0]?.externalId;
  await context.confirm({ action: plan.action, name: name ?? '' }, options);
  await plan.queue(client);
  return report(
    setup === undefined ? await idle() : await runLimits(context, setup, { client, scope, recheck: false }),
  );
}

const shownMax = 20;

function showPlan({ talk }: Context, tasks: readonly LimitTask[]): void {
  for (const { user, providerAssistantId, name, desired } of tasks.slice(0, shownMax)) {
    talk.info(
      `${desired === 'limited' ? 'to be limited' : 'to be restored'}: ${user} ${providerAssistantId} ${name ?? ''}`.trimEnd(),
    );
  }
  if (tasks.length > shownMax) {
    talk.info(`… and ${tasks.length - shownMax} more: --dry-run shows them all`);
  }
}

async function preview(
  context: Context,
  client: pg.ClientBase,
  plan: PlannedChange,
  setup: LimitsSetup,
): Promise<LimitsRun> {
  const collected = await previewTasks(context, setup, plan.tasks);
  const scope = { userIds: plan.users.map(({ id }) => id), dueOnly: false };
  return { ...collected, left: await countQueued(client, scope), givenUp: undefined };
}

/** Reads the assistants of tasks behind a progress bar. */
export async function previewTasks(
  context: Context,
  setup: LimitsSetup,
  tasks: readonly LimitTask[],
): Promise<Pick<LimitsRun, 'results' | 'unchanged'>> {
  const collected = new LimitResults();
  await withSteps(context, tasks.length, (step) =>
    previewLimits(tasks, {
      ...setup,
      signal: context.signal,
      onResult: (result) => {
        collected.add(result);
        step();
      },
    }),
  );
  return { results: collected.results, unchanged: collected.unchanged };
}
