/**
 * The exit codes of the command line, as documented in the README. `interrupted` and `terminated` follow the
 * shell's convention of 128 + signal number.
 */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  differences: 3,
  notFound: 4,
  refused: 5,
  badInput: 65,
  unavailable: 69,
  tryAgain: 75,
  configuration: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a user is told besides the message: where or why (`detail`), and what to do next (`suggestion`). */
export interface ErrorAdvice {
  detail?: string | undefined;
  suggestion?: string | undefined;
  /** The same as `detail` for programs: one entry per thing that is wrong. Only in JSON. */
  problems?: readonly object[];
  cause?: unknown;
}

/** An expected failure. Anything else that is thrown is a bug and keeps its stack. */
export class QuotaError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly detail: string | undefined;
  readonly suggestion: string | undefined;
  readonly problems: readonly object[] | undefined;

  constructor(code: string, exitCode: ExitCode, message: string, advice: ErrorAdvice = {}) {
    super(message, advice.cause === undefined ? undefined : { cause: advice.cause });
    this.name = 'QuotaError';
    this.code = code;
    this.exitCode = exitCode;
    this.detail = advice.detail;
    this.suggestion = advice.suggestion;
    this.problems = advice.problems;
  }
}

const kind = (code: string, exitCode: ExitCode) => (message: string, advice?: ErrorAdvice) =>
  new QuotaError(code, exitCode, message, advice);

/** A wrong flag, argument or value on the command line: exit 2. */
export const usageError = kind('usage', exitCodes.usage);
/** The thing named on the command line does not exist: exit 4. */
export const notFoundError = kind('not_found', exitCodes.notFound);
/** Confirmation missing, production guard, closed month: exit 5. */
export const refusedError = kind('refused', exitCodes.refused);
/** A file whose content cannot be used; nothing was loaded: exit 65. */
export const badInputError = kind('bad_input', exitCodes.badInput);
/** Database or provider cannot be reached: exit 69. */
export const unavailableError = kind('unavailable', exitCodes.unavailable);
/** Locked, deadline reached, provider work left queued: exit 75. */
export const tryAgainError = kind('try_again', exitCodes.tryAgain);
/** Bad configuration, or a schema that this version does not fit: exit 78. */
export const configurationError = kind('configuration', exitCodes.configuration);
