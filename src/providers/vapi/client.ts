import { usageError } from '../../errors.ts';
import type {
  AnalyticsAnswer,
  AnalyticsQuery,
  AssistantFilter,
  AssistantPatch,
  CallFilter,
  VapiAssistant,
  VapiCall,
} from './contract.ts';
import { VapiUnavailableError } from './errors.ts';
import { type ListPage, type ListRange, newestFirst } from './paging.ts';
import { patchStillNeeded } from './patch.ts';
import { parseVapiSettings, type VapiClientOptions } from './settings.ts';
import { type VapiRequest, VapiTransport } from './transport.ts';

export interface RequestOptions {
  signal?: AbortSignal | undefined;
}

export interface PatchOptions extends RequestOptions {
  /**
   * Asked when an answer was lost and the assistant was read again: what is still to be sent, or undefined when
   * nothing is. By default the fields that do not yet have the value of the patch.
   */
  recheck?: (current: VapiAssistant, patch: AssistantPatch) => AssistantPatch | undefined;
}

/**
 * VAPI's REST API, as far as quota needs it. Safe for concurrent use; all requests of one client share its pace.
 *
 * Every method throws VapiUnavailableError (exit 69) for a refused key, and when VAPI stays out of reach after
 * all attempts; VapiRequestError for any other refusal, `isVapiNotFound` telling the 404s; and the reason of the
 * signal when it aborts.
 */
export class VapiClient {
  readonly #transport: VapiTransport;
  /** Where requests go, without a trailing slash. */
  readonly baseUrl: string;

  /** Throws a configuration error (exit 78) that names every option that cannot be used. */
  constructor(options: VapiClientOptions) {
    const settings = parseVapiSettings(options);
    this.baseUrl = settings.baseUrl;
    this.#transport = new VapiTransport(options.apiKey, settings);
  }

  /**
   * The id of the organisation that the key belongs to. VAPI has no endpoint that says so: it is read off an
   * assistant, else off a call; undefined for an organisation that has neither.
   */
  async organisation(options: RequestOptions = {}): Promise<string | undefined> {
    const [assistant] = await this.listAssistants({ limit: 1 }, options);
    const [item] = assistant === undefined ? await this.listCalls({ limit: 1 }, options) : [assistant];
    return typeof item?.orgId === 'string' ? item.orgId : undefined;
  }

  async getAssistant(id: string, options: RequestOptions = {}): Promise<VapiAssistant> {
    return this.#item({ method: 'GET', path: `/assistant/${pathId(id)}` }, options);
  }

  /** One request of at most `limit` assistants; `assistantPages` walks them all. */
  async listAssistants(filter: AssistantFilter = {}, options: RequestOptions = {}): Promise<VapiAssistant[]> {
    return this.#list({ method: 'GET', path: '/assistant', query: { ...filter } }, options);
  }

  /** All assistants of a range, newest first. */
  assistantPages(
    range: ListRange & RequestOptions = {},
  ): AsyncGenerator<ListPage<VapiAssistant & { createdAt: string }>> {
    const query = (filter: AssistantFilter) =>
      this.#list<VapiAssistant & { createdAt: string }>(
        { method: 'GET', path: '/assistant', query: { ...filter } },
        range,
      );
    return newestFirst(query, range);
  }

  /**
   * Replaces the given top-level fields and gives the assistant as VAPI says it now is. A change is never sent
   * blindly twice: after an answer that was lost the assistant is read, and only what is missing is sent.
   */
  async patchAssistant(
    id: string,
    patch: AssistantPatch,
    options: PatchOptions = {},
  ): Promise<VapiAssistant> {
    const path = `/assistant/${pathId(id)}`;
    const recheck = options.recheck ?? patchStillNeeded;
    let remaining = patch;
    let isInDoubt = false;
    const attempt = async (): Promise<VapiAssistant> => {
      if (isInDoubt) {
        const current = this.#parseItem<VapiAssistant>(
          await this.#transport.once({ method: 'GET', path }, options.signal),
        );
        const needed = recheck(current, patch);
        if (needed === undefined) {
          return current;
        }
        remaining = needed;
        isInDoubt = false;
      }
      try {
        const request: VapiRequest = { method: 'PATCH', path, body: remaining };
        return this.#parseItem(await this.#transport.once(request, options.signal));
      } catch (error) {
        isInDoubt = error instanceof VapiUnavailableError && error.mayHaveApplied;
        throw error;
      }
    };
    return this.#transport.retrying({ method: 'PATCH', path }, attempt, options.signal);
  }

  async getCall(id: string, options: RequestOptions = {}): Promise<VapiCall> {
    return this.#item({ method: 'GET', path: `/call/${pathId(id)}` }, options);
  }

  /** One request of at most `limit` calls; `callPages` walks them all. */
  async listCalls(filter: CallFilter = {}, options: RequestOptions = {}): Promise<VapiCall[]> {
    return this.#list({ method: 'GET', path: '/call', query: { ...filter } }, options);
  }

  /** All calls of a range, newest first, a page at a time; each page says where to resume after it. */
  callPages(
    range: ListRange &
      RequestOptions & {
        assistantId?: string | undefined;
        /** Only what was changed since, inclusive, ISO 8601. */
        updatedAtGe?: string | undefined;
      } = {},
  ): AsyncGenerator<ListPage<VapiCall>> {
    const { assistantId, updatedAtGe } = range;
    const further = {
      ...(assistantId === undefined ? {} : { assistantId }),
      ...(updatedAtGe === undefined ? {} : { updatedAtGe }),
    };
    return newestFirst((filter) => this.listCalls({ ...filter, ...further }, range), range);
  }

  /** Sums, counts and averages that VAPI computes over its own calls: an independent control total. */
  async analytics(queries: AnalyticsQuery[], options: RequestOptions = {}): Promise<AnalyticsAnswer[]> {
    const request: VapiRequest = { method: 'POST', path: '/analytics', body: { queries } };
    const answer = await this.#transport.send(request, options.signal);
    if (!Array.isArray(answer)) {
      throw this.#unexpected('the analytics are not a list');
    }
    return answer.map((item: Partial<AnalyticsAnswer>) => {
      if (!Array.isArray(item?.result)) {
        throw this.#unexpected('analytics without a result');
      }
      return { name: String(item.name), result: item.result };
    });
  }

  async #item<Item extends { id: string }>(request: VapiRequest, options: RequestOptions): Promise<Item> {
    return this.#parseItem(await this.#transport.send(request, options.signal));
  }

  async #list<Item extends { id: string }>(request: VapiRequest, options: RequestOptions): Promise<Item[]> {
    const answer = await this.#transport.send(request, options.signal);
    if (!Array.isArray(answer)) {
      throw this.#unexpected('the list is not an array');
    }
    return answer.map((item) => this.#parseItem(item));
  }

  #parseItem<Item extends { id: string }>(value: unknown): Item {
    if (typeof (value as { id?: unknown } | null)?.id !== 'string') {
      throw this.#unexpected('an item has no id');
    }
    return value as Item;
  }

  #unexpected(what: string): VapiUnavailableError {
    return new VapiUnavailableError(`${this.baseUrl} does not answer like VAPI: ${what}`, {
      reason: 'bad_answer',
      mayHaveApplied: true,
      suggestion: 'Check VAPI_BASE_URL.',
    });
  }
}

/** An id as one segment of a path. Dots alone would be resolved by the URL parser and reach another endpoint. */
function pathId(id: string): string {
  if (/^\.{0,2}$/.test(id)) {
    throw usageError(`not an id of VAPI: ${JSON.stringify(id)}`);
  }
  return encodeURIComponent(id);
}
