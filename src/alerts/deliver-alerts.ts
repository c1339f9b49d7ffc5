import type pg from 'pg';
import { heardByMany } from '../heard-by-many.ts';
import type { JobBatch } from '../jobs/job.ts';
import {
  claimAlerts,
  claimOperatorAlerts,
  expireAlerts,
  recordDelivered,
  recordFailed,
  withdrawAlerts,
} from './alert-store.ts';
import type { AlertTarget } from './alert-target.ts';

export interface Delivery {
  target: AlertTarget;
  /** Alerts crossed longer ago are not sent any more. */
  maxAgeSeconds: number;
  /** Takes secrets out of what is kept of a failure. */
  redact(text: string): string;
  /** Once it aborts, a receiver has a second left to answer. */
  signal: AbortSignal;
}

/** Sent side by side. */
const batchMax = 20;
const lastAnswerMsMax = 1000;

/**
 * Claims, withdraws what is not so any more, sends the rest outside any transaction, records each. A failed one is due
 * again after its backoff.
 */
export async function deliverAlerts(
  client: pg.ClientBase,
  { target, maxAgeSeconds, redact, signal }: Delivery,
  size: number,
): Promise<JobBatch> {
  const expired = await expireAlerts(client, maxAgeSeconds);
  const sizeMax = Math.min(size, batchMax);
  const operators = await claimOperatorAlerts(client, sizeMax);
  const { alerts: ofUsers, untrue } = await claimAlerts(client, sizeMax - operators.length);
  const alerts = [...operators, ...ofUsers];
  const answers = await withPatience(signal, (patience) =>
    Promise.allSettled(alerts.map((alert) => target.send(alert, patience))),
  );
  const withdrawn = await withdrawAlerts(client, untrue);
  let failed = 0;
  for (const [index, alert] of alerts.entries()) {
    const answer = answers[index];
    if (answer?.status === 'fulfilled') {
      await recordDelivered(client, alert, target.name);
    } else {
      failed++;
      const reason: unknown = answer?.reason;
      const words = reason instanceof Error ? reason.message : String(reason);
      await recordFailed(client, alert, target.name, redact(words));
    }
  }
  return {
    done: alerts.length + untrue.length + expired,
    counts: { delivered: alerts.length - failed, failedAttempts: failed, expired, withdrawn },
  };
}

/** A signal that aborts a moment after another. */
async function withPatience<T>(signal: AbortSignal, use: (patience: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    timer = setTimeout(() => controller.abort(new Error('interrupted')), lastAnswerMsMax);
  };
  signal.addEventListener('abort', start, { once: true });
  if (signal.aborted) {
    start();
  }
  try {
    return await use(heardByMany(controller.signal));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', start);
  }
}
