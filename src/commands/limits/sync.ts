import type pg from 'pg';
import { limitsExitCode, limitsOutput, limitsReport } from '../../changes/limits-report.ts';
import {
  type LimitsOptions,
  type LimitsRun,
  type LimitsSetup,
  openLimits,
  runLimits,
} from '../../changes/limits-run.ts';
import type { Context } from '../../context.ts';
import { countQueued, selectApplied, selectQueued } from '../../enforcement/claim-store.ts';
import type { ExitCode } from '../../errors.ts';
import { previewTasks } from './change.ts';

export interface LimitsSyncOptions extends LimitsOptions {
  dryRun?: boolean;
  /** Seconds; limited assistants that were looked at since are not looked at again. */
  recheckAfter?: number | undefined;
}

const everything = { userIds: null, dueOnly: false };

/** `quota limits sync`: drains the queue, then looks at every limited assistant again. See `LimitsReport`. */
export async function limitsSync(context: Context, options: LimitsSyncOptions): Promise<ExitCode> {
  const dryRun = options.dryRun === true;
  const setup = await openLimits(context, options);
  const run = await context.withDatabase(
    ({ client }) =>
      dryRun
        ? previewSync(context, setup, client)
        : runLimits(context, setup, {
            client,
            scope: everything,
            recheck: true,
            recheckAfterSeconds: options.recheckAfter,
          }),
    { onAbort: 'finish' },
  );
  const report = limitsReport(run, dryRun);
  await context.output.write(limitsOutput(report));
  return limitsExitCode(report);
}

async function previewSync(context: Context, setup: LimitsSetup, client: pg.ClientBase): Promise<LimitsRun> {
  const tasks = [...(await selectQueued(client, everything)), ...(await selectApplied(client, null))];
  const collected = await previewTasks(context, setup, tasks);
  return { ...collected, left: await countQueued(client, everything), givenUp: undefined };
}
