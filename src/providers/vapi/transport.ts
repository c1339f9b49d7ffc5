import PQueue from 'p-queue';
import { withDeadline } from '../../with-deadline.ts';
import { readBody } from './answer.ts';
import { VapiUnavailableError } from './errors.ts';
import { type AskedRequest, foreignAnswer, noAnswer, noAnswerInTime, refusal } from './failure.ts';
import { Pacer } from './pacer.ts';
import { pauseMs, retryAfterMaxMs } from './retry.ts';
import type { VapiSettings } from './settings.ts';

/** One request. `body` is sent as JSON; query values that are undefined are left out. */
export interface VapiRequest extends AskedRequest {
  query?: { [name: string]: string | number | undefined };
  body?: object;
}

/** Sends requests to VAPI: paced, bounded, with a deadline each, repeated where that can help. */
export class VapiTransport {
  readonly #apiKey: string;
  readonly #settings: VapiSettings;
  readonly #pacer: Pacer;
  readonly #queue: PQueue;

  constructor(apiKey: string, settings: VapiSettings) {
    this.#apiKey = apiKey;
    this.#settings = settings;
    this.#pacer = Pacer.of(`${settings.baseUrl} ${apiKey}`, settings.ratePerSecond, settings.runtime);
    this.#queue = new PQueue({ concurrency: settings.concurrency });
  }

  /** Sends a request that may be repeated without harm, and gives the JSON of its answer. */
  send(request: VapiRequest, signal?: AbortSignal): Promise<unknown> {
    return this.retrying(request, () => this.once(request, signal), signal);
  }

  /**
   * Repeats `attempt` after 429, 5xx, network errors and timeouts, with a growing pause or the one that VAPI
   * asks for; anything else is thrown at once, as is the last failure.
   */
  async retrying<T>(request: AskedRequest, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { attempts, runtime, onRetry } = this.#settings;
    for (let count = 1; ; count++) {
      try {
        return await attempt();
      } catch (error) {
        if (!isWorthRepeating(error)) {
          throw error;
        }
        const waitMs = pauseMs(count, error.retryAfterMs, runtime.random());
        // VAPI counts the requests of the whole organisation: whoever comes next would be refused as well.
        if (error.reason === 'rate_limit') {
          this.#pacer.holdUntil(runtime.nowMs() + waitMs);
        }
        if (count >= attempts) {
          throw error;
        }
        onRetry({
          method: request.method,
          path: request.path,
          attempt: count,
          waitMs,
          reason: error.message,
        });
        await runtime.sleep(waitMs, signal);
      }
    }
  }

  /** Sends a request once, when a place and a turn are free. */
  async once(request: VapiRequest, signal?: AbortSignal): Promise<unknown> {
    const work = async () => {
      await this.#pacer.turn(signal);
      return this.#exchange(request, signal);
    };
    return this.#queue.add(work, { signal });
  }

  async #exchange(request: VapiRequest, signal?: AbortSignal): Promise<unknown> {
    const { baseUrl, runtime, timeoutMs } = this.#settings;
    const { response, text } = await this.#fetchText(request, signal, timeoutMs);
    if (!response.ok) {
      throw refusal(request, response, readBody(this.#redacted(text)), { baseUrl, nowMs: runtime.nowMs() });
    }
    const body = readBody(text);
    if ('text' in body) {
      throw foreignAnswer(request, response.status, 'the body is not JSON', baseUrl);
    }
    return body.json;
  }

  async #fetchText(request: VapiRequest, signal: AbortSignal | undefined, timeoutMs: number) {
    const { baseUrl } = this.#settings;
    return withDeadline(signal, timeoutMs, async (deadline) => {
      try {
        const response = await fetch(this.#url(request), this.#init(request, deadline));
        return { response, text: await response.text() };
      } catch (error) {
        if (signal?.aborted) {
          throw signal.reason;
        }
        throw deadline.aborted
          ? noAnswerInTime(request, timeoutMs, baseUrl)
          : noAnswer(request, error, baseUrl);
      }
    });
  }

  #url(request: VapiRequest): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) {
        query.set(name, String(value));
      }
    }
    const search = query.toString();
    return `${this.#settings.baseUrl}${request.path}${search === '' ? '' : `?${search}`}`;
  }

  #init(request: VapiRequest, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#apiKey}`,
      accept: 'application/json',
      'user-agent': 'quota',
    };
    if (request.body === undefined) {
      return { method: request.method, headers, signal, redirect: 'manual' };
    }
    headers['content-type'] = 'application/json';
    const body = JSON.stringify(request.body);
    return { method: request.method, headers, body, signal, redirect: 'manual' };
  }

  /** An error may quote what was sent. An answer is left as it is: an assistant may well hold the key itself. */
  #redacted(text: string): string {
    return text.includes(this.#apiKey) ? text.replaceAll(this.#apiKey, '[redacted]') : text;
  }
}

function isWorthRepeating(error: unknown): error is VapiUnavailableError {
  if (!(error instanceof VapiUnavailableError)) {
    return false;
  }
  if (error.reason === 'auth' || error.reason === 'bad_answer') {
    return false;
  }
  return (error.retryAfterMs ?? 0) <= retryAfterMaxMs;
}
