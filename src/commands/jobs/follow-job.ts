import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { JobDefinition, JobWork } from '../../../jobs/define-job.ts';
import type { Context } from '../../context.ts';
import { databaseError } from '../../db/database-error.ts';
import { Notices } from '../../db/notices.ts';
import type { Given, OptionDeclarations } from '../../declarations/option.ts';
import { type ExitCode, exitCodes, QuotaError, usageError } from '../../errors.ts';
import { counted } from '../../values/counted.ts';
import { outcomeText } from './outcome.ts';
import { runMeasured } from './run-job.ts';
import type { RunOptions } from './run-options.ts';

/** What failed is due again without a notice: looked for so often. */
const lookEveryMs = 10_000;
const reconnectMsMin = 500;
const reconnectMsMax = 30_000;

interface Following<Options extends OptionDeclarations> {
  context: Context;
  job: JobDefinition<Options>;
  options: Given<Options> & RunOptions;
  work: JobWork;
  runs: number;
  /** When it last looked for what no notice tells of. */
  lookedAt: number;
}

/**
 * Runs a job whenever the database says that there is something for it, until a signal. A database that is away is
 * waited for. What a pass leaves is due again later, and no reason to end. `{runs}`, the recorded ones.
 * @throws usageError with a clock that stands still
 */
export function followJob<Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: Given<Options> & RunOptions,
): Promise<ExitCode> {
  if (context.asOf !== null) {
    throw usageError('--follow goes by the clock, and --as-of makes it stand still', {
      suggestion: 'leave out one of them',
    });
  }
  return job.withWork(context, options, async (work) => {
    const following: Following<Options> = { context, job, options, work, runs: 0, lookedAt: 0 };
    const { signal, talk } = context;
    for (let waitMs = reconnectMsMin; !signal.aborted; waitMs = Math.min(waitMs * 2, reconnectMsMax)) {
      const error = await passUntilLost(following, () => {
        waitMs = reconnectMsMin;
      });
      if (!signal.aborted) {
        talk.warn(`${error?.message ?? 'the connection was lost'}; trying again`);
        await sleep(waitMs, undefined, { signal }).catch(() => {}); // Interrupted: seen by the loop.
      }
    }
    await context.output.write({
      data: { runs: following.runs },
      text: () => counted(following.runs, 'run'),
    });
    return exitCodes.ok; // After a signal, the code of the signal.
  });
}

/** Until the connection is lost or somebody interrupts. @returns why it could not go on */
async function passUntilLost<Options extends OptionDeclarations>(
  following: Following<Options>,
  onConnect: () => void,
): Promise<QuotaError | undefined> {
  const { context, job } = following;
  try {
    await context.withDatabase(
      async ({ client }) => {
        const notices = await Notices.listen(client, job.follow?.channel ?? '');
        onConnect();
        do {
          await passOnce(following, client);
        } while (['notice', 'time'].includes(await notices.wait(lookEveryMs, context.signal)));
      },
      { onAbort: 'finish' },
    );
    return undefined;
  } catch (error) {
    const known = error instanceof QuotaError ? error : databaseError(error);
    if (context.signal.aborted) {
      return known;
    }
    if (known?.exitCode !== exitCodes.unavailable && known?.exitCode !== exitCodes.tryAgain) {
      throw error;
    }
    return known;
  }
}

/** A recorded run, where something is due. Another run that goes on does it. */
async function passOnce<Options extends OptionDeclarations>(
  following: Following<Options>,
  client: pg.Client,
): Promise<void> {
  const { context, job, options, work } = following;
  const { everyMs, look } = job.follow?.nowAndThen ?? { everyMs: Number.POSITIVE_INFINITY, look: undefined };
  if (context.now().getTime() - following.lookedAt >= everyMs) {
    await look?.(client);
    following.lookedAt = context.now().getTime();
  }
  const course = { hasStarted: false, isLockedOut: false };
  if ((await job.countDue(client, { userId: null }, options)) === 0) {
    return;
  }
  try {
    const outcome = await runMeasured(context, job, options, { work, course, onStart: async () => {} });
    following.runs += 1;
    context.talk.info(outcomeText(job, outcome));
  } catch (error) {
    if (!course.isLockedOut) {
      throw error;
    }
  }
}
