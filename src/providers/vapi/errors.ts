import { exitCodes, QuotaError } from '../../errors.ts';

/** Why VAPI could not be worked with. `auth` holds for every request to come; the others may pass. */
export type VapiUnavailableReason = 'auth' | 'network' | 'timeout' | 'rate_limit' | 'server' | 'bad_answer';

interface UnavailableFacts {
  reason: VapiUnavailableReason;
  status?: number | undefined;
  retryAfterMs?: number | undefined;
  /** True when the request may have been carried out although no usable answer came back. */
  mayHaveApplied?: boolean;
  detail?: string | undefined;
  suggestion?: string | undefined;
}

/** VAPI refused our key, cannot be reached, is overloaded, or something else answers in its place: exit 69. */
export class VapiUnavailableError extends QuotaError {
  readonly reason: VapiUnavailableReason;
  readonly status: number | undefined;
  /** The pause that VAPI asked for, when it did. */
  readonly retryAfterMs: number | undefined;
  readonly mayHaveApplied: boolean;

  constructor(message: string, facts: UnavailableFacts) {
    super('unavailable', exitCodes.unavailable, message, {
      detail: facts.detail,
      suggestion: facts.suggestion,
    });
    this.name = 'VapiUnavailableError';
    this.reason = facts.reason;
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
    this.mayHaveApplied = facts.mayHaveApplied ?? false;
  }
}

/** VAPI understood the request and refused it (a 4xx other than 401, 403 and 429); sending it again is in vain. */
export class VapiRequestError extends QuotaError {
  readonly status: number;
  /** VAPI's own words, one per complaint. */
  readonly words: readonly string[];

  constructor(request: { method: string; path: string }, status: number, words: readonly string[]) {
    const missing = status === 404;
    super(
      missing ? 'vapi_not_found' : 'vapi_refused',
      missing ? exitCodes.notFound : exitCodes.unavailable,
      `VAPI refused ${request.method} ${request.path} with ${status}: ${words.join('; ')}`,
    );
    this.name = 'VapiRequestError';
    this.status = status;
    this.words = words;
  }
}

/** Whether VAPI says that the assistant or call asked for does not exist. */
export function isVapiNotFound(error: unknown): error is VapiRequestError {
  return error instanceof VapiRequestError && error.status === 404;
}

/** Whether VAPI understood a request and refused it, whatever the reason. */
export const isVapiRefusal = (error: unknown): error is VapiRequestError => error instanceof VapiRequestError;
