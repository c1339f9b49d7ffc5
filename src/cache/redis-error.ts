import { type QuotaError, unavailableError } from '../errors.ts';

const suggestion = 'check REDIS_URL';

/** What was met on a connection; `node`: of a cluster, as `host:port`. */
export interface Trouble {
  error: Error;
  node?: string;
}

/**
 * Words for what the library throws.
 * @param trouble what it met last, which says more than that there is no connection
 */
export function redisError(thrown: unknown, trouble: Trouble | null): QuotaError {
  const { error, node } = isRefusal(thrown) ? { error: thrown } : (trouble ?? { error: thrown });
  const detail = node === undefined ? messageOf(error) : `${node}: ${messageOf(error)}`;
  const message = isRefusal(error) ? 'Redis refused a command' : 'Redis cannot be used';
  return unavailableError(message, { detail, suggestion, cause: error });
}

const isRefusal = (error: unknown) => error instanceof Error && error.name === 'ReplyError';

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; '); // All addresses of a name.
  }
  const message = error instanceof Error ? error.message : String(error);
  return message === 'Command timed out' ? 'it does not answer' : message;
}
