import type pg from 'pg';
import { exitCodes, QuotaError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import type { VapiAssistant } from '../providers/vapi/contract.ts';
import { isVapiNotFound, VapiUnavailableError } from '../providers/vapi/errors.ts';
import { selectNeverRead, selectOrganisations } from './organisation-store.ts';

type Queries = Pick<pg.ClientBase, 'query'>;

/** What was asked cannot be done with this key, whatever the assistant: the run ends with 69, and nothing is recorded. */
export class WrongProviderError extends QuotaError {
  constructor(message: string, hints: { detail?: string; suggestion: string }) {
    super('unavailable', exitCodes.unavailable, message, hints);
    this.name = 'WrongProviderError';
  }
}

/** Of assistants that were never read, so many are tried before a key of another organisation is refused. */
const triedMax = 3;

/**
 * Whose key it is. To an organisation that an assistant does not belong to VAPI says 404, as for one that was
 * deleted: before anything is called gone, the key must be known to be of the organisation that it was read from.
 */
export class KeyOrganisation {
  readonly #provider: VapiClient;
  #id: string | undefined;
  #isProven = false;
  #recorded: Promise<readonly string[]> | undefined;
  #required: Promise<void> | undefined;

  constructor(provider: VapiClient) {
    this.#provider = provider;
  }

  /** An assistant of ours was read with the key: it is of that organisation. */
  see({ orgId }: VapiAssistant): void {
    if (typeof orgId === 'string') {
      this.#id = orgId;
      this.#isProven = true;
    }
  }

  /**
   * For whoever changes something because of what the key will be used for: looks at it first.
   * @throws VapiUnavailableError for a refused key, WrongProviderError for one of another organisation. That VAPI is
   *   out of reach is no reason not to queue work.
   */
  async requireUsable(queries: Queries, signal: AbortSignal): Promise<void> {
    try {
      await this.requireKnown(queries, signal);
    } catch (error) {
      if (!(error instanceof VapiUnavailableError) || error.reason === 'auth') {
        throw error;
      }
    }
  }

  /** @throws WrongProviderError when the key is of another organisation than all that assistants were read from. */
  async requireKnown(queries: Queries, signal: AbortSignal): Promise<void> {
    if (this.#isProven) {
      return;
    }
    this.#required ??= this.#hold(queries, signal);
    try {
      await this.#required;
    } catch (error) {
      this.#required = undefined; // VAPI may be back the next time.
      throw error;
    }
  }

  async #hold(queries: Queries, signal: AbortSignal): Promise<void> {
    this.#id ??= await this.#provider.organisation({ signal });
    this.#recorded ??= selectOrganisations(queries);
    const known = await this.#recorded;
    if (known.length === 0 || (this.#id !== undefined && known.includes(this.#id))) {
      return;
    }
    if (await this.#opensNewcomer(queries, signal)) {
      this.#isProven = true;
      return;
    }
    const its =
      this.#id === undefined
        ? 'an organisation without assistants and calls'
        : `the organisation ${this.#id}`;
    throw new WrongProviderError(`the key is of ${its}, the assistants were read from ${known.join(', ')}`, {
      detail: 'nothing was marked or changed because of it',
      suggestion: `set VAPI_API_KEY to a key of ${known.join(' or ')}`,
    });
  }

  /** Whether an assistant is known to belong to another organisation than the key. */
  isElsewhere({ organisation }: { organisation: string | null }): boolean {
    return organisation !== null && this.#id !== undefined && organisation !== this.#id;
  }

  /** Why a 404 need not mean that an assistant is gone; undefined when it does. To be asked after `requireKnown`. */
  async doubtMissing(
    { organisation }: { organisation: string | null },
    queries: Queries,
  ): Promise<string | undefined> {
    const id = this.#id;
    if (id === undefined) {
      return 'whose the key is cannot be told, for it has neither assistants nor calls';
    }
    if (organisation !== null) {
      return organisation === id
        ? undefined
        : `it belongs to the organisation ${organisation}, the key to ${id}`;
    }
    const known = new Set(await (this.#recorded ?? selectOrganisations(queries)));
    if (this.#isProven) {
      known.add(id);
    }
    return known.size === 1 && known.has(id)
      ? undefined
      : `it was never read before, and whether it is of the key's organisation ${id} is not known`;
  }

  /** Whether one of the assistants that were never read answers to the key: a second organisation, not a mistake. */
  async #opensNewcomer(queries: Queries, signal: AbortSignal): Promise<boolean> {
    for (const id of await selectNeverRead(queries, triedMax)) {
      try {
        await this.#provider.getAssistant(id, { signal });
        return true;
      } catch (error) {
        if (!isVapiNotFound(error)) {
          throw error;
        }
      }
    }
    return false;
  }
}
