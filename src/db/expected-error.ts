import { QuotaError } from '../errors.ts';
import { systemError } from '../system-error.ts';
import { databaseError } from './database-error.ts';

/** What is told of an error that is no bug: its own words, or those for what the server or the system said. */
export function expectedError(error: unknown): QuotaError | undefined {
  return error instanceof QuotaError ? error : (databaseError(error) ?? systemError(error));
}
