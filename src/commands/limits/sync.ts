import type pg from 'pg';
import { limitsExitCode, limitsOutput, limitsReport } from '../../changes/limits-report.ts';
import { type LimitsRun, type LimitsSetup, openLimits, runLimits } from '../../changes/limits-run.ts';
import { agreeToUnusualRun } from '../../changes/unusual-run.ts';
import type { Context } from '../../context.ts';
import { confirmOption } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { providerOptions, recheckOptions } from '../../declarations/provider-options.ts';
import { countQueued, selectApplied, selectQueued } from '../../enforcement/claim-store.ts';
import { previewTasks } from './change.ts';

const everything = { userIds: null, dueOnly: false };

/** `quota limits sync`: drains the queue, then looks at every limited assistant again. See `LimitsReport`. */
export const limitsSync = defineCommand(
  {
    options: {
      ...providerOptions,
      dryRun: flag('read the assistants and show what would be changed, field by field', { short: 'n' }),
      confirm: confirmOption,
      ...recheckOptions,
    },
    examples: [
      ['quota limits sync', 'exit code 75 while something is left queued'],
      ['quota limits sync --dry-run', 'what would be sent to VAPI'],
      ['quota limits sync --rate 20 --concurrency 10', 'faster, if your organisation may'],
    ],
  },
  async (context, options) => {
    const dryRun = options.dryRun === true;
    const setup = await openLimits(context, options);
    const run = await context.withDatabase(
      async (database) => {
        const { client } = database;
        if (dryRun) {
          return previewSync(context, setup, client);
        }
        await agreeToUnusualRun(context, database, { action: 'Sync limits', name: 'sync' }, options);
        const { recheckAfter: recheckAfterSeconds } = options;
        return runLimits(context, setup, { client, scope: everything, recheck: true, recheckAfterSeconds });
      },
      { onAbort: 'finish' },
    );
    const report = limitsReport(run, dryRun);
    await context.output.write(limitsOutput(report));
    return limitsExitCode(report);
  },
);

async function previewSync(context: Context, setup: LimitsSetup, client: pg.ClientBase): Promise<LimitsRun> {
  const tasks = [...(await selectQueued(client, everything)), ...(await selectApplied(client, null))];
  const collected = await previewTasks(context, setup, client, tasks);
  return { ...collected, left: await countQueued(client, everything), givenUp: undefined };
}
