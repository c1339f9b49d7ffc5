import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Context, Progress } from '../../context.ts';
import { openProvider } from '../../enforcement/provider.ts';
import { usageError } from '../../errors.ts';
import type { VapiClient } from '../../providers/vapi/client.ts';
import { isVapiRefusal } from '../../providers/vapi/errors.ts';
import { type ControlTotal, controlTotal } from '../../reconcile/fetch/control-total.ts';
import { type CompleteFetch, fetchCalls } from '../../reconcile/fetch/fetch-calls.ts';
import { requireOpen } from '../../reconcile/months/find-reconciliation.ts';
import { selectReconciliations } from '../../reconcile/months/stored-reconciliation-store.ts';
import { counted } from '../../values/counted.ts';

/** Where calls are fetched from. */
export interface FetchSource {
  provider: string;
  vapi: VapiClient;
  /** Tells one organisation from another, and nothing about its key. */
  origin: string;
}

const fetchedProvider = 'vapi';
/** Calls between two reports of progress. */
const progressCalls = 1000;
/** Of the digest of a key: enough to tell the keys of an installation apart, too few to find one by. */
const fingerprintLength = 8;

/** What `quota reconcile` was given, as far as a fetch goes by it. */
export interface FetchOptions {
  month: string;
  provider?: string;
  fromApi?: boolean;
  /** Requests to VAPI per second. */
  rate?: number;
  /** How often one request is sent at most. */
  attempts?: number;
  dryRun?: boolean;
}

/** Options that say how a file is read. */
const fileOptions = {
  export: '--export',
  format: '--format',
  map: '--map',
  mapping: '--mapping',
  saveMapping: '--save-mapping',
  dateOrder: '--date-order',
  assumeUtc: '--assume-utc',
  decimal: '--decimal',
  currency: '--currency',
  feesWithoutDate: '--fees-without-date',
} as const;

/**
 * Undefined without `--from-api`.
 * @throws usageError for options that do not go together, or another provider; configurationError without a key
 */
export async function openFetchSource(
  context: Context,
  options: FetchOptions,
): Promise<FetchSource | undefined> {
  const { provider = fetchedProvider, fromApi, rate, attempts } = options;
  if (!fromApi) {
    if (rate !== undefined || attempts !== undefined) {
      throw usageError('--rate and --attempts are for --from-api', { suggestion: 'add --from-api' });
    }
    return undefined;
  }
  if (provider !== fetchedProvider) {
    throw usageError(`--from-api cannot fetch from ${provider}`, {
      suggestion: `only calls of ${fetchedProvider} can be fetched; give a file of ${provider}: --export FILE`,
    });
  }
  const given = Object.entries(fileOptions).filter(([name]) => name in options);
  if (given.length > 0) {
    throw usageError(`--from-api does not go with ${given.map(([, flag]) => flag).join(', ')}`, {
      suggestion: 'leave out --from-api to read a file',
    });
  }
  const { vapiApiKey = '', vapiBaseUrl } = context.settings;
  const vapi = await openProvider(context.settings, { rate, attempts }, context.talk);
  const fingerprint = createHash('sha256').update(vapiApiKey).digest('hex').slice(0, fingerprintLength);
  return { provider, vapi, origin: `${vapiBaseUrl} ${fingerprint}` };
}

/** Reports progress each time that so many more are done. */
export function every(size: number, progress: Progress): (done: number) => void {
  let next = size;
  return (done) => {
    if (done >= next) {
      next = done + size;
      progress.update(done);
    }
  };
}

/** Fetches the calls of the month, and what VAPI counts itself. */
export async function fetchMonth(
  context: Context,
  client: pg.ClientBase,
  { provider, vapi, origin }: FetchSource,
  { month, dryRun }: FetchOptions,
): Promise<{ fetch: CompleteFetch; control: ControlTotal | null }> {
  const { talk, signal } = context;
  // A closed month is refused before thousands of requests are made in vain.
  (await selectReconciliations(client, { provider, month })).forEach(requireOpen);
  const fetch = await talk.withProgress('calls', null, (progress) =>
    fetchCalls({
      client,
      vapi,
      key: { place: dryRun ? 'pg_temp' : 'quota', provider, month },
      origin,
      now: context.now(),
      signal,
      onProgress: every(progressCalls, progress),
      onNotice: talk.info,
    }),
  );
  return { fetch, control: await askControl(context, client, vapi, fetch) };
}

/** Null where VAPI refuses to say: the fetch is of use without it. */
async function askControl(
  { talk, signal }: Context,
  client: pg.ClientBase,
  vapi: VapiClient,
  fetch: CompleteFetch,
): Promise<ControlTotal | null> {
  try {
    const control = await controlTotal(client, vapi, fetch, signal);
    if (!control.agrees) {
      const { calls, cost } = control;
      talk.warn(
        `VAPI's own count differs from its list: ${counted(calls.provider, 'call')} for ${cost.provider} by its analytics, ` +
          `${calls.fetched} for ${cost.fetched} fetched; its list may be cut off by its retention, ` +
          'or the month is not over',
      );
    }
    return control;
  } catch (error) {
    if (!isVapiRefusal(error)) {
      throw error;
    }
    talk.warn(`there is no control total: ${error.message}`);
    return null;
  }
}
