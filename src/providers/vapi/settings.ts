import { configurationError } from '../../errors.ts';
import { systemRuntime, type VapiRuntime } from './runtime.ts';

/** VAPI's public address. */
const vapiBaseUrl = 'https://api.vapi.ai';

/**
 * Limits and defaults of the client. VAPI's numeric rate limit is not public (it is shown in the organisation's
 * settings); its own gitops tool sends one request per 700 ms. Five a second keeps the few requests of one
 * user's reset within a second, and a 429 slows every request down.
 */
const vapiLimits = {
  ratePerSecond: { min: 0.1, max: 1000, default: 5 },
  concurrency: { min: 1, max: 50, default: 5 },
  timeoutMs: { min: 1, max: 300_000, default: 30_000 },
  attempts: { min: 1, max: 10, default: 5 },
} as const;

/** An attempt that failed and will be repeated. */
export interface VapiRetry {
  method: string;
  path: string;
  attempt: number;
  waitMs: number;
  reason: string;
}

export interface VapiClientOptions {
  apiKey: string;
  baseUrl?: string | undefined;
  /** Requests per second over all endpoints, evenly spaced. */
  ratePerSecond?: number | undefined;
  /** Requests under way at once. */
  concurrency?: number | undefined;
  /** For one attempt, from its sending to the last byte of the answer. */
  timeoutMs?: number | undefined;
  /** How often a request is sent at most, the first time included. */
  attempts?: number | undefined;
  /** Told of every attempt that will be repeated. */
  onRetry?: ((retry: VapiRetry) => void) | undefined;
  runtime?: VapiRuntime | undefined;
}

export interface VapiSettings {
  baseUrl: string;
  ratePerSecond: number;
  concurrency: number;
  timeoutMs: number;
  attempts: number;
  onRetry: (retry: VapiRetry) => void;
  runtime: VapiRuntime;
}

/**
 * Checks the options and fills in the defaults; everything that is wrong is said at once, the key never.
 * @throws configurationError with everything that is wrong
 */
export function parseVapiSettings(options: VapiClientOptions): VapiSettings {
  const problems: string[] = [];
  if (!/^[\x21-\x7e]+$/.test(options.apiKey)) {
    problems.push('the API key is empty or has characters that an HTTP header cannot carry');
  }
  const bounded = (name: keyof typeof vapiLimits): number => {
    const { min, max, default: usual } = vapiLimits[name];
    const value = options[name] ?? usual;
    if (!(value >= min && value <= max)) {
      problems.push(`${name} must be from ${min} to ${max}, not ${value}`);
    }
    return value;
  };
  const settings = {
    baseUrl: parseBaseUrl(options.baseUrl ?? vapiBaseUrl, problems),
    ratePerSecond: bounded('ratePerSecond'),
    concurrency: bounded('concurrency'),
    timeoutMs: bounded('timeoutMs'),
    attempts: bounded('attempts'),
    onRetry: options.onRetry ?? (() => undefined),
    runtime: options.runtime ?? systemRuntime,
  };
  for (const name of ['concurrency', 'attempts'] as const) {
    if (!Number.isInteger(settings[name])) {
      problems.push(`${name} must be a whole number`);
    }
  }
  if (problems.length > 0) {
    throw configurationError(`VAPI cannot be used: ${problems.join('; ')}`, {
      suggestion: 'Check VAPI_API_KEY and VAPI_BASE_URL.',
    });
  }
  return settings;
}

function parseBaseUrl(text: string, problems: string[]): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    problems.push('the base URL is not an http or https address');
    return vapiBaseUrl;
  }
  // Not named: a URL with a password in it is a secret.
  if (url.username !== '' || url.password !== '') {
    problems.push('the base URL must not carry credentials');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
