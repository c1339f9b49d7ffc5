import type pg from 'pg';

/** What part of the work a run is asked to do. */
export interface JobScope {
  /** Only this user; null: everybody. */
  userId: string | null;
}

export interface JobBatchRequest extends JobScope {
  runId: string;
  /** At most so many units. */
  size: number;
  /** `next` of the batch before; null: from the beginning. */
  after: string | null;
  /** Aborts at a signal and at the run's deadline: nothing new is begun then. */
  signal: AbortSignal;
}

/** What one batch did. Each batch is a transaction of its own: an interrupted run has whole batches only. */
export interface JobBatch extends JobTotal {
  /** Where the next batch goes on, in the job's own words. Absent: it finds its way without. */
  next?: string | null;
  /** Set where going on makes no sense for now. */
  stop?: JobStop | undefined;
}

export interface JobTotal {
  /** Units of work done; 0 in a batch: nothing was left that nobody else works on. */
  done: number;
  /** Sums by name, recorded with the run. */
  counts: Record<string, number>;
}

/** A cron job as a run sees it. Doing it again must find nothing due. */
export interface Job {
  name: string;
  /** What is counted, in the plural: `subscriptions`. */
  unit: string;
  countDue(client: pg.ClientBase, scope: JobScope): Promise<number>;
  /** Runs inside a transaction, by the run's clock; the same transaction records what the run has done so far. */
  runBatch(client: pg.ClientBase, request: JobBatchRequest): Promise<JobBatch>;
  /** The batch makes its own transactions: one that talks to a provider has none around a request (R5). */
  withoutTransaction?: true | undefined;
}

/** Why a run ended before everything was done. */
export type JobStop = 'interrupted' | 'deadline' | 'limit' | 'locked' | 'unreachable';

/** What is to be settled after the batches of a run. */
export interface SettleRequest {
  runId: string;
  /** Null: everybody. */
  userIds: string[] | null;
  /** Aborts at a signal and at the run's deadline. */
  signal: AbortSignal;
}

/** What became of the provider work that a run queued. */
export interface JobSettlement {
  /** Added to those of the run. */
  counts: Record<string, number>;
  /** How much of it is left queued. */
  left: number;
}

export interface JobOutcome {
  runId: string;
  /** The instant that the run went by, ISO 8601 UTC. */
  asOf: string;
  /** At the start. */
  due: number;
  /** At the end; locked by others, or not reached. */
  left: number;
  done: number;
  counts: Record<string, number>;
  stop: JobStop | null;
  /** Provider work that is left queued. */
  unsettled: number;
  /** Nothing was left that the run was to do. */
  isComplete: boolean;
  durationMs: number;
  /** ISO 8601 UTC, by the real clock. */
  finishedAt: string;
}
