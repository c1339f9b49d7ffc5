import { type QuotaError, tryAgainError } from '../../errors.ts';
import type { Job, JobOutcome } from '../../jobs/job.ts';
import { countedOf, wordsOfName } from '../../values/counted.ts';

/** What a run tells as JSON where its job says nothing else. */
export const outcomeReport = ({ runId, asOf, due, done, left, counts, durationMs }: JobOutcome) => ({
  runId,
  asOf,
  due,
  done,
  left,
  ...counts,
  durationMs,
});

/** What a run says that had nothing to do. */
export const nothingDue = 'nothing due';

/** The run for a person, in a line or two. */
export function outcomeText(job: Pick<Job, 'name' | 'unit'>, outcome: JobOutcome): string {
  const { due, done, left, counts, stop, unsettled, durationMs } = outcome;
  if (due === 0 && unsettled === 0 && Object.values(counts).every((count) => count === 0)) {
    return nothingDue;
  }
  const details = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => countText(count, name));
  const lines = [
    `${job.name}: ${[`${done} of ${countedOf(due, job.unit)}`, ...details].join(', ')} in ${(durationMs / 1000).toFixed(1)} s`,
  ];
  if (left > 0 && (stop === 'limit' || stop === 'interrupted')) {
    lines.push(
      `${stop === 'limit' ? 'stopped at the limit' : 'interrupted'}: ${left} left, the next run goes on`,
    );
  }
  return lines.join('\n');
}

/** `57 pace alerts`, `1 assistant restored`: a count by the name that JSON has for it. */
function countText(count: number, name: string): string {
  const words = wordsOfName(name);
  return `${count} ${count === 1 ? words.replace(/ies\b/g, 'y').replace(/([^s\s])s\b/g, '$1') : words}`;
}

/** Why a run ended before everything was done, and what to do about it. */
export function incompleteError(
  job: Pick<Job, 'name' | 'unit'>,
  outcome: JobOutcome,
  unsettledText = unsettledTextDefault,
): QuotaError {
  const { stop, left, unsettled } = outcome;
  switch (stop) {
    case 'deadline':
      return tryAgainError(
        `${job.name} has reached its deadline: ${countedOf(left, job.unit)} ${left === 1 ? 'is' : 'are'} left`,
        {
          suggestion: 'run it again, it goes on where it stopped; or give it a longer --max-duration',
        },
      );
    case 'locked':
      return tryAgainError(
        `${countedOf(left, job.unit)} ${left === 1 ? 'stays' : 'stay'} locked by other transactions`,
        {
          suggestion: 'run it again; a transaction that never ends shows in pg_stat_activity',
        },
      );
    case 'unreachable':
      return tryAgainError(
        `the provider is out of reach: ${countedOf(left, job.unit)} ${left === 1 ? 'is' : 'are'} left`,
        {
          suggestion: 'run it again when the provider answers',
        },
      );
    default:
      return tryAgainError(`${unsettled} ${unsettledText}`, {
        suggestion: 'run it again; what fails is tried again after a pause',
      });
  }
}

const unsettledTextDefault = 'assistants are left queued: see quota limits status';
