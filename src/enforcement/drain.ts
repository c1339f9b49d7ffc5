import type pg from 'pg';
import { serialQueries } from '../db/serial-queries.ts';
import { heardByMany } from '../heard-by-many.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import type { Fields } from './assistant-state.ts';
import { ClaimLease, leaseSeconds } from './claim-lease.ts';
import {
  claimQueued,
  claimUnverified,
  countApplied,
  countQueued,
  type QueueCounts,
  type QueueScope,
  readRealTime,
  releaseClaim,
  setAside,
} from './claim-store.ts';
import { claimGone } from './gone-store.ts';
import type { KeyOrganisation } from './key-organisation.ts';
import type { LimitResult, LimitTask } from './limit-task.ts';
import { checkPlanStates, parseLimitedState } from './limited-state.ts';
import type { MissingAssistants } from './missing-assistants.ts';
import { workAssistant } from './work-assistant.ts';
import type { Worker } from './worker.ts';

export interface DrainRequest {
  /** A connection of its own: nothing else may be done on it meanwhile. */
  client: pg.ClientBase;
  provider: VapiClient;
  organisation: KeyOrganisation;
  missing: MissingAssistants;
  /** Takes secrets out of what is kept of a failure. */
  redact: (text: string) => string;
  /** Whether it is one of several drains of a run: which assistants are gone is decided after the last one. */
  isBatch?: boolean | undefined;
  scope: QueueScope;
  /**
   * Whether assistants that are limited are looked at again: a limit that somebody took off is put on again. Also
   * those that are gone: one that VAPI knows again goes back to work.
   */
  recheck: boolean;
  /** Of these only such that nobody looked at for so long; undefined: all. */
  recheckAfterSeconds?: number | undefined;
  /** For users whose plan has no limited state of its own. */
  limitedState: Fields;
  /** Assistants worked on at once. */
  concurrency: number;
  /** At most so many assistants of the queue; undefined: all. */
  limit?: number | undefined;
  signal: AbortSignal;
  /** The run of a job that this is part of. */
  jobRun?: string | undefined;
  onResult: (result: LimitResult) => void;
}

export interface DrainSummary {
  /** What is still queued in the scope, due or not; `busy` is the part that another run is working on. */
  left: QueueCounts;
  /** Why the run ended early, VAPI being out of reach; undefined when it did not. */
  givenUp: string | undefined;
}

/**
 * Brings every assistant of the scope to its desired state, each tried once. Crash-safe: what was begun is found
 * again by the next run, at the latest when the claim ends 15 s after its worker's death. An interruption ends it
 * early, with everything consistent.
 * @throws VapiUnavailableError when the key is refused, WrongProviderError when it is of another organisation or VAPI
 *   knows too few of the assistants: nothing is recorded of that then; configurationError when a plan's limited state
 *   cannot be used.
 */
export async function drainLimits(request: DrainRequest): Promise<DrainSummary> {
  const drain = new Drain(request);
  try {
    await drain.run();
  } finally {
    await drain.stop();
  }
  const left = await countQueued(drain.worker.queries, { ...request.scope, dueOnly: false });
  return { left, givenUp: drain.givenUp };
}

/** How many assistants `drainLimits` would work on. */
export async function countLimitWork({
  client,
  scope,
  recheck,
}: Pick<DrainRequest, 'client' | 'scope' | 'recheck'>): Promise<number> {
  const { pending, failed } = await countQueued(client, scope);
  return pending + failed + (recheck ? await countApplied(client, scope.userIds) : 0);
}

/**
 * Of assistants that are gone a run looks at so many in vain; as long as one after the other is known again, which
 * happens when they were given up by mistake, at all of them.
 */
const stillGoneMax = 20;

class Drain {
  readonly worker: Worker;
  givenUp: string | undefined;
  readonly #request: DrainRequest;
  readonly #lease: ClaimLease;
  readonly #abort = new AbortController();
  readonly #onAbort = () => this.#abort.abort(this.#request.signal.reason);
  #unreachableInARow = 0;
  #stillGoneInARow = 0;

  constructor(request: DrainRequest) {
    const queries = serialQueries(request.client);
    const { run } = request.missing;
    this.#request = request;
    this.#lease = new ClaimLease(queries, run);
    this.worker = {
      queries,
      run,
      jobRun: request.jobRun ?? null,
      provider: request.provider,
      organisation: request.organisation,
      missing: request.missing,
      redact: request.redact,
      signal: heardByMany(this.#abort.signal),
      limitedState: ({ planState, user }) =>
        planState === null ? request.limitedState : parseLimitedState(planState, `the plan of ${user}`),
      isHeld: (assistantId) => this.#lease.isHeld(assistantId),
    };
    request.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (request.signal.aborted) {
      this.#onAbort();
    }
  }

  async run(): Promise<void> {
    const { scope, recheck, isBatch = false, limit, recheckAfterSeconds = 0 } = this.#request;
    const { queries, run } = this.worker;
    await checkPlanStates(queries);
    const since = await readRealTime(queries, recheckAfterSeconds);
    let places = limit ?? Number.POSITIVE_INFINITY;
    await this.#workAll(async () => {
      places -= 1;
      return places < 0 ? undefined : claimQueued(queries, run, leaseSeconds, scope);
    });
    if (recheck) {
      const scopeSince = { userIds: scope.userIds, since };
      await this.#workAll(() => claimUnverified(queries, run, leaseSeconds, scopeSince));
      await this.#workAll(async () =>
        this.#stillGoneInARow < stillGoneMax ? claimGone(queries, run, leaseSeconds, scopeSince) : undefined,
      );
    }
    if (!isBatch && !this.#request.signal.aborted) {
      await this.#request.missing.settle(this.worker, this.#request.organisation, this.#request.onResult);
    }
  }

  async stop(): Promise<void> {
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    await this.#lease.stop();
  }

  async #workAll(next: () => Promise<LimitTask | undefined>): Promise<void> {
    const workers = Array.from({ length: this.#request.concurrency }, () => this.#workOn(next));
    const failures = (await Promise.allSettled(workers)).flatMap((end) =>
      end.status === 'rejected' ? [end.reason] : [],
    );
    if (failures.length > 0 && !this.#request.signal.aborted) {
      throw failures[0];
    }
  }

  async #workOn(next: () => Promise<LimitTask | undefined>): Promise<void> {
    try {
      while (!this.#abort.signal.aborted && this.givenUp === undefined) {
        const task = await this.#lease.claim(next);
        if (task === undefined) {
          return;
        }
        await this.#work(task);
      }
    } catch (error) {
      this.#abort.abort(error);
      throw error;
    }
  }

  async #work(task: LimitTask): Promise<void> {
    const { queries, run } = this.worker;
    let giveBack = releaseClaim;
    try {
      const result = await workAssistant(task, this.worker);
      if (result === undefined) {
        giveBack = setAside;
        return;
      }
      if (result.status !== 'superseded') {
        giveBack = async () => {}; // Its record has ended the claim.
      }
      this.#note(result);
      this.#request.onResult(result);
    } finally {
      this.#lease.drop(task.assistantId);
      await giveBack(queries, run, task.assistantId);
    }
  }

  /** When VAPI is out of reach for one after the other, the rest would only wait for the same. */
  #note({ isUnreachable, error, isStillGone }: LimitResult): void {
    this.#stillGoneInARow = isStillGone ? this.#stillGoneInARow + 1 : 0;
    this.#unreachableInARow = isUnreachable ? this.#unreachableInARow + 1 : 0;
    if (this.#unreachableInARow >= Math.max(10, 2 * this.#request.concurrency)) {
      this.givenUp ??= error ?? 'VAPI cannot be reached';
    }
  }
}
