import { QuotaError } from '../errors.ts';
import type { VapiAssistant } from '../providers/vapi/contract.ts';
import { isVapiNotFound } from '../providers/vapi/errors.ts';
import { type Fields, limitedAlready } from './assistant-state.ts';
import { type FieldChange, type ForeignValue, planLimit, planRestore } from './limit-plan.ts';
import { type ReadRequest, readEach } from './preview.ts';
import type { AssistantStatus } from './status-store.ts';

/**
 * `same`: as recorded and desired. `queued`: not as desired, and queued to become so. `drift`: recorded as limited,
 * but somebody has changed it. `limited elsewhere`: not limited by quota, and limited all the same. `gone`: VAPI
 * does not know it, and it was not recorded as gone. `known again`: it was. `unreadable`: VAPI could not be asked.
 */
export type CheckState =
  | 'same'
  | 'queued'
  | 'drift'
  | 'limited elsewhere'
  | 'gone'
  | 'known again'
  | 'unreadable';

/** What is at the provider and what is recorded are two things. */
export const driftStates: readonly CheckState[] = ['drift', 'limited elsewhere', 'gone', 'known again'];

export interface CheckResult {
  state: CheckState;
  /** What would have to be sent. */
  changes: FieldChange[];
  /** Values of somebody else in limited fields. */
  foreign: ForeignValue[];
  detail: string | null;
}

export interface CheckRequest extends ReadRequest {
  limitedStateOf: (assistant: AssistantStatus) => Fields;
  onResult: (assistant: AssistantStatus, result: CheckResult) => void;
}

/** From this many on, lists of a thousand are cheaper than asking for each. */
const listFrom = 50;
/** Assistants carry their prompts: a thousand in one answer can be tens of megabytes. */
const pageSize = 250;

/**
 * Holds what is recorded against what VAPI has; nothing is sent or recorded.
 * @throws VapiUnavailableError when the key is refused, WrongProviderError when it is of another organisation.
 */
export async function checkProvider(
  assistants: readonly AssistantStatus[],
  request: CheckRequest,
): Promise<void> {
  const report = async (assistant: AssistantStatus, found: VapiAssistant | QuotaError) => {
    const checked =
      found instanceof QuotaError
        ? await compareUnread(assistant, found, request)
        : compare(assistant, found, request.limitedStateOf(assistant));
    request.onResult(assistant, checked);
  };
  const rest = assistants.length < listFrom ? assistants : await checkListed(assistants, request, report);
  await readEach(rest, request, report);
}

/** Those that are in VAPI's list are reported, the others returned. */
async function checkListed(
  assistants: readonly AssistantStatus[],
  { provider, organisation, signal }: CheckRequest,
  report: (assistant: AssistantStatus, found: VapiAssistant) => Promise<void>,
): Promise<AssistantStatus[]> {
  const unseen = new Map(assistants.map((assistant) => [assistant.providerAssistantId, assistant]));
  for await (const { items } of provider.assistantPages({ signal, pageSize })) {
    for (const item of items) {
      const assistant = unseen.get(item.id);
      if (assistant !== undefined) {
        unseen.delete(item.id);
        organisation.see(item);
        await report(assistant, item);
      }
    }
    if (unseen.size === 0) {
      break;
    }
  }
  return [...unseen.values()];
}

async function compareUnread(
  assistant: AssistantStatus,
  error: QuotaError,
  { organisation, queries }: CheckRequest,
): Promise<CheckResult> {
  if (!isVapiNotFound(error)) {
    return result('unreadable', { detail: error.message });
  }
  if (assistant.status === 'gone') {
    return result('same');
  }
  const doubt = await organisation.doubtMissing(assistant, queries);
  return doubt === undefined
    ? result('gone', { detail: error.message })
    : result('unreadable', { detail: `${error.message}; ${doubt}` });
}

function compare(assistant: AssistantStatus, found: VapiAssistant, limited: Fields): CheckResult {
  if (assistant.status === 'gone') {
    return result('known again', { detail: 'quota limits sync puts it back to work' });
  }
  if (assistant.desired === 'original' && assistant.status !== 'pending' && assistant.status !== 'failed') {
    const telltale = limitedAlready(found, limited);
    return telltale === undefined ? result('same') : result('limited elsewhere', { detail: telltale });
  }
  const plan =
    assistant.desired === 'limited'
      ? planLimit(found, assistant, limited)
      : planRestore(found, assistant, limited, assistant.exact);
  if ('unknownOriginal' in plan) {
    return result('limited elsewhere', { detail: plan.unknownOriginal });
  }
  const { changes } = plan;
  const foreign = 'kept' in plan ? plan.kept : plan.adopted;
  if (assistant.status === 'applied') {
    return result(changes.length > 0 ? 'drift' : 'same', { changes, foreign });
  }
  return result('queued', { changes, foreign });
}

const result = (state: CheckState, facts: Partial<CheckResult> = {}): CheckResult => ({
  state,
  changes: [],
  foreign: [],
  detail: null,
  ...facts,
});
