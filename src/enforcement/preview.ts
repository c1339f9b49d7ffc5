import type { Queries } from '../db/serial-queries.ts';
import { QuotaError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import type { VapiAssistant } from '../providers/vapi/contract.ts';
import { isVapiNotFound, VapiUnavailableError } from '../providers/vapi/errors.ts';
import type { Fields } from './assistant-state.ts';
import type { KeyOrganisation } from './key-organisation.ts';
import { planLimit, planRestore } from './limit-plan.ts';
import { type LimitResult, type LimitTask, resultOf } from './limit-task.ts';
import { parseLimitedState } from './limited-state.ts';
import { unknownOriginalError } from './unknown-original.ts';

export interface PreviewRequest extends ReadRequest {
  limitedState: Fields;
  onResult: (result: LimitResult) => void;
}

/**
 * What would become of each assistant, told by reading it at the provider; nothing is sent or recorded.
 * @throws VapiUnavailableError when the key is refused, WrongProviderError when it is of another organisation.
 */
export async function previewLimits(tasks: readonly LimitTask[], request: PreviewRequest): Promise<void> {
  await readEach(tasks, request, async (task, found) => {
    request.onResult(
      found instanceof Error
        ? await failedRead(task, found, request)
        : preview(task, found, request.limitedState),
    );
  });
}

async function failedRead(
  task: LimitTask,
  error: QuotaError,
  { organisation, queries }: ReadRequest,
): Promise<LimitResult> {
  const doubt = isVapiNotFound(error) ? await organisation.doubtMissing(task, queries) : undefined;
  return isVapiNotFound(error) && doubt === undefined
    ? resultOf(task, { status: 'gone', error: error.message })
    : failedPreview(task, doubt === undefined ? error.message : `${error.message}; ${doubt}`);
}

function preview(task: LimitTask, found: VapiAssistant, configured: Fields): LimitResult {
  const limited =
    task.planState === null ? configured : parseLimitedState(task.planState, `the plan of ${task.user}`);
  const plan =
    task.desired === 'limited'
      ? planLimit(found, task, limited)
      : planRestore(found, task, limited, task.exact);
  if ('unknownOriginal' in plan) {
    return failedPreview(task, unknownOriginalError(task.user, plan.unknownOriginal).message);
  }
  return resultOf(task, {
    status: task.desired === 'limited' ? 'applied' : 'restored',
    changes: plan.changes,
    foreign: 'kept' in plan ? plan.kept : plan.adopted,
  });
}

const failedPreview = (task: LimitTask, error: string): LimitResult =>
  resultOf(task, { status: 'failed', error });

export interface ReadRequest {
  queries: Queries;
  provider: VapiClient;
  organisation: KeyOrganisation;
  concurrency: number;
  signal: AbortSignal;
}

/**
 * Reads assistants at the provider, several at once; `use` is given each with what was found, or the error that is
 * about this one.
 */
export async function readEach<Item extends { providerAssistantId: string }>(
  items: readonly Item[],
  { queries, provider, organisation, concurrency, signal }: ReadRequest,
  use: (item: Item, found: VapiAssistant | QuotaError) => void | Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const read = async () => {
    for (const item of waiting) {
      await use(item, await readOne(item.providerAssistantId));
    }
  };
  const readOne = async (id: string) => {
    try {
      const found = await provider.getAssistant(id, { signal });
      organisation.see(found);
      return found;
    } catch (error) {
      if (isVapiNotFound(error)) {
        await organisation.requireUsable(queries, signal);
      }
      const isRefusedKey = error instanceof VapiUnavailableError && error.reason === 'auth';
      if (error instanceof QuotaError && !isRefusedKey) {
        return error;
      }
      throw error;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, read));
}
