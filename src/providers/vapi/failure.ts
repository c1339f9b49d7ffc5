import { errorWords, isHtml, type VapiBody } from './answer.ts';
import { VapiRequestError, VapiUnavailableError } from './errors.ts';
import { retryAfterMs } from './retry.ts';

/** What was asked, as errors may tell it. */
export interface AskedRequest {
  method: 'GET' | 'PATCH' | 'POST';
  path: string;
}

/** Codes of failures before the first byte of the request could leave: it cannot have been carried out. */
const neverSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** An answer that is not a 2xx, as the error it means. */
export function refusal(
  request: AskedRequest,
  response: { status: number; statusText: string; headers: Headers },
  body: VapiBody,
  context: { baseUrl: string; nowMs: number },
): VapiRequestError | VapiUnavailableError {
  const { status } = response;
  const words = errorWords(body, response.statusText);
  const said = words.join('; ');
  if ((status === 401 || status === 403) && !isHtml(body)) {
    return new VapiUnavailableError(`VAPI refused the API key (${status}): ${said}`, {
      reason: 'auth',
      status,
      suggestion: 'Set VAPI_API_KEY to the private key of the organisation (dashboard, API Keys).',
    });
  }
  if (status === 429 || status >= 500) {
    return new VapiUnavailableError(
      `VAPI answered ${request.method} ${request.path} with ${status}: ${said}`,
      {
        reason: status === 429 ? 'rate_limit' : 'server',
        status,
        retryAfterMs: retryAfterMs(response.headers.get('retry-after'), context.nowMs),
        // A gateway's 502 or 504 may hide a change that was made; a 429 is given before anything is done.
        mayHaveApplied: status !== 429,
      },
    );
  }
  if (status < 400 || isForeign(body, words)) {
    return foreignAnswer(request, status, said, context.baseUrl);
  }
  return new VapiRequestError(request, status, words);
}

/** A 2xx whose body is not what VAPI sends: the request may have been carried out, but nothing says so. */
export function foreignAnswer(
  request: AskedRequest,
  status: number,
  said: string,
  baseUrl: string,
): VapiUnavailableError {
  return new VapiUnavailableError(
    `${baseUrl} does not answer like VAPI: ${request.method} ${request.path} gave ${status}: ${said}`,
    {
      reason: 'bad_answer',
      status,
      mayHaveApplied: status < 300,
      suggestion: 'Check VAPI_BASE_URL.',
    },
  );
}

/** A request that got no answer at all. `fetch` hides what happened in the cause, which is told by its code only. */
export function noAnswer(request: AskedRequest, error: unknown, baseUrl: string): VapiUnavailableError {
  const { code, message } = rootCause(error);
  return new VapiUnavailableError(`VAPI cannot be reached at ${baseUrl}: ${code ?? message}`, {
    reason: 'network',
    mayHaveApplied: code === undefined || !neverSentCodes.has(code),
    detail: `${request.method} ${request.path}: ${message}`,
    suggestion: 'Check the network and VAPI_BASE_URL, then run the command again.',
  });
}

/** A request whose answer did not come in time. */
export function noAnswerInTime(
  request: AskedRequest,
  timeoutMs: number,
  baseUrl: string,
): VapiUnavailableError {
  return new VapiUnavailableError(
    `VAPI at ${baseUrl} did not answer ${request.method} ${request.path} within ${timeoutMs} ms`,
    { reason: 'timeout', mayHaveApplied: true, suggestion: 'Run the command again.' },
  );
}

/**
 * A 404 for the route, or a web page, comes from a wrong base URL. Taking it for "this assistant is gone" would
 * write off every assistant there is.
 */
function isForeign(body: VapiBody, words: readonly string[]): boolean {
  return isHtml(body) || words.some((text) => /^Cannot (GET|PATCH|POST) \//.test(text));
}

function rootCause(error: unknown): { code: string | undefined; message: string } {
  let found = error;
  while (found instanceof Error && found.cause !== undefined) {
    found = found.cause;
  }
  if (found instanceof AggregateError && found.errors.length > 0) {
    found = found.errors[0];
  }
  const code = (found as { code?: unknown } | undefined)?.code;
  return {
    code: typeof code === 'string' ? code : undefined,
    message: found instanceof Error ? found.message : String(found),
  };
}
