import type { Context } from '../context.ts';
import { countLimitWork, type DrainSummary, drainLimits } from '../enforcement/drain.ts';
import { KeyOrganisation } from '../enforcement/key-organisation.ts';
import type { LimitResult } from '../enforcement/limit-task.ts';
import { readLimitedState } from '../enforcement/limited-state.ts';
import { MissingAssistants } from '../enforcement/missing-assistants.ts';
import { concurrencyDefault, openProvider, type ProviderOptions } from '../enforcement/provider.ts';

/** What every command has that works at the provider. */
export interface LimitsOptions extends ProviderOptions {
  /** File with the fields of a limited assistant. */
  limitedState?: string | undefined;
  /** So many assistants that VAPI does not know are taken for deleted; more stop the run. */
  acceptGone?: number | undefined;
}

/** What a command needs at the provider, opened and checked before anything is touched. */
export interface LimitsSetup {
  provider: Awaited<ReturnType<typeof openProvider>>;
  limitedState: Awaited<ReturnType<typeof readLimitedState>>;
  concurrency: number;
  organisation: KeyOrganisation;
  missing: MissingAssistants;
  redact: Context['redact'];
}

/** @throws configurationError without a key, or with a limited state that VAPI would refuse. */
export async function openLimits(context: Context, options: LimitsOptions): Promise<LimitsSetup> {
  const limitedState = await readLimitedState(options.limitedState ?? context.settings.limitedStateFile);
  const provider = await openProvider(context.settings, options, context.talk);
  return {
    provider,
    limitedState,
    concurrency: options.concurrency ?? concurrencyDefault,
    organisation: new KeyOrganisation(provider),
    missing: new MissingAssistants(options.acceptGone),
    redact: context.redact,
  };
}

export interface LimitsRun extends DrainSummary {
  /** What was done or failed. Assistants that were found as they should be are only counted. */
  results: LimitResult[];
  unchanged: number;
}

type Scope = Pick<
  Parameters<typeof drainLimits>[0],
  'client' | 'scope' | 'recheck' | 'recheckAfterSeconds' | 'jobRun'
> & {
  /** Ends it early; default: that of the command. */
  signal?: AbortSignal | undefined;
};

/** Drains the queue of a scope behind a progress bar. */
export async function runLimits(context: Context, setup: LimitsSetup, scope: Scope): Promise<LimitsRun> {
  const collected = new LimitResults();
  const summary = await withSteps(context, await countLimitWork(scope), (step) =>
    drainLimits({
      ...setup,
      ...scope,
      signal: scope.signal ?? context.signal,
      onResult: (result) => {
        collected.add(result);
        step();
      },
    }),
  );
  if (summary.givenUp !== undefined) {
    context.talk.warn(`given up for now: ${summary.givenUp}`);
  }
  return { ...summary, results: collected.results, unchanged: collected.unchanged };
}

/** Keeps what is worth telling, and counts the rest. */
export class LimitResults {
  readonly results: LimitResult[] = [];
  unchanged = 0;

  add(result: LimitResult): void {
    if (result.isRecheck && result.status === 'applied' && result.changes.length === 0) {
      this.unchanged++;
    } else if (result.status !== 'superseded' && !result.isStillGone) {
      this.results.push(result);
    }
  }
}

/** Away from a terminal every step is a line. */
const stepsMax = 20;

/** A progress bar over assistants; `step` is called after each. */
export async function withSteps<T>(
  context: Context,
  total: number,
  use: (step: () => void) => Promise<T>,
): Promise<T> {
  if (total === 0) {
    return use(() => {});
  }
  return context.talk.withProgress('assistants', total, (progress) => {
    const every = Math.ceil(total / stepsMax);
    let done = 0;
    return use(() => {
      done++;
      // Those that turn out not to be gone come on top of what was counted.
      if (done <= total && (done % every === 0 || done === total)) {
        progress.update(done);
      }
    });
  });
}
