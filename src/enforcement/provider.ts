import type { Settings, Talk } from '../context.ts';
import { configurationError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import { plainHttpHost } from '../values/transport.ts';

/** How VAPI is to be approached; what is left out takes the client's defaults. */
export interface ProviderOptions {
  /** Requests per second. */
  rate?: number | undefined;
  /** Assistants worked on, and requests under way, at once. */
  concurrency?: number | undefined;
  /** How often one request is sent at most. */
  attempts?: number | undefined;
}

export const concurrencyDefault = 5;

/**
 * VAPI with the key of the settings. To be called before anything is touched.
 * @throws configurationError without a key, or with options that cannot be used.
 */
export async function openProvider(
  { vapiApiKey, vapiBaseUrl }: Pick<Settings, 'vapiApiKey' | 'vapiBaseUrl'>,
  { rate, concurrency = concurrencyDefault, attempts }: ProviderOptions,
  talk: Talk,
): Promise<VapiClient> {
  if (vapiApiKey === undefined) {
    throw configurationError('VAPI_API_KEY is not set', {
      detail: 'nothing was read or changed',
      suggestion: 'set it to the private key of your VAPI organisation (dashboard, API Keys)',
    });
  }
  const plainHost = plainHttpHost(vapiBaseUrl);
  if (plainHost !== undefined) {
    talk.warn(`VAPI_API_KEY is sent to ${plainHost} unencrypted: give VAPI_BASE_URL as https`);
  }
  const { VapiClient } = await import('../providers/vapi/client.ts');
  return new VapiClient({
    apiKey: vapiApiKey,
    baseUrl: vapiBaseUrl,
    ratePerSecond: rate,
    concurrency,
    attempts,
    onRetry: ({ method, path, attempt, waitMs, reason }) =>
      talk.verbose(`${method} ${path}, attempt ${attempt}: ${reason}; again in ${Math.round(waitMs)} ms`),
  });
}
