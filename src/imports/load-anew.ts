import { hasSqlstate } from '../db/database-error.ts';
import { sqlstates } from '../db/sqlstate.ts';

/** Somebody else wrote the same rows, or rows in another order, while this was loading: then it loads anew. */
const passing = [sqlstates.unique_violation, sqlstates.deadlock_detected, sqlstates.serialization_failure];
const attemptsMax = 5;

/** Loads again, a few times, where somebody else was in the way. `load` is told the number of its attempt, from 1. */
export async function loadAnew<T>(
  onStep: (step: string) => void,
  load: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load(attempt);
    } catch (error) {
      if (attempt === attemptsMax || !passing.some((code) => hasSqlstate(error, code))) {
        throw error;
      }
      onStep('somebody else is writing the same rows: loading anew');
    }
  }
}
