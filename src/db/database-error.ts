import {
  badInputError,
  configurationError,
  notFoundError,
  type QuotaError,
  refusedError,
  tryAgainError,
  unavailableError,
  usageError,
} from '../errors.ts';
import {
  classAdvice,
  messageAdvice,
  type SqlstateAdvice,
  sqlstateAdvice,
  sqlstateAdviceOfCore,
} from './sqlstate.ts';

const kinds = {
  unavailable: unavailableError,
  tryAgain: tryAgainError,
  configuration: configurationError,
  notFound: notFoundError,
  refused: refusedError,
  usage: usageError,
  badInput: badInputError,
};

/** Fields of the server's error report. https://www.postgresql.org/docs/current/protocol-error-fields.html */
interface ServerError extends Error {
  code: string;
  severity: string;
  detail?: string;
  hint?: string;
}

/** What pg says when the connection breaks under a query; it has no code. knex puts in front what it was about to do. */
const brokenConnection =
  /^(?:ROLLBACK - |COMMIT;? - )?Connection terminated|connection error and is not queryable|^Client was closed/;

export const isBrokenConnection = (error: unknown): boolean =>
  error instanceof Error && brokenConnection.test(error.message);

export const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';

/** Whether the server answered with this SQLSTATE. */
export const hasSqlstate = (error: unknown, code: string): boolean =>
  isServerError(error) && error.code === code;

/** An error of the database as one for the user; undefined when it is not one, or is a bug of quota. */
export function databaseError(error: unknown): QuotaError | undefined {
  if (isServerError(error)) {
    const advice =
      messageAdvice.find(({ code, message }) => code === error.code && message.test(error.message))?.advice ??
      sqlstateAdvice[error.code] ??
      (error.code.startsWith('QT') ? sqlstateAdviceOfCore : classAdvice[error.code.slice(0, 2)]);
    return advice && fromAdvice(error, advice);
  }
  if (isBrokenConnection(error)) {
    return unavailableError('the connection to the database was lost', {
      detail: (error as Error).message,
      suggestion: 'look at the database server and run the same command again',
      cause: error,
    });
  }
  return undefined;
}

function fromAdvice(
  error: ServerError,
  { name, kind, suggestion, insteadOfHint }: SqlstateAdvice,
): QuotaError {
  const isOurs = error.code.startsWith('QT');
  return kinds[kind](isOurs ? error.message : `the database answered: ${error.message}`, {
    detail: error.detail ?? (isOurs ? undefined : name),
    suggestion: insteadOfHint ? suggestion : (error.hint ?? suggestion),
    cause: error,
  });
}
