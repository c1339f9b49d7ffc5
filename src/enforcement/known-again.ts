import type { LimitTask } from './limit-task.ts';
import { type ReadRequest, readEach } from './preview.ts';
import type { AssistantStatus } from './status-store.ts';

/** So many assistants that are gone are asked for when a command is about their users; `limits sync` looks at the rest. */
const askedMax = 20;

/** Of assistants those that were gone and that VAPI knows again. Nothing is sent or recorded. */
export async function findKnownAgain(
  assistants: readonly AssistantStatus[],
  setup: ReadRequest | undefined,
): Promise<AssistantStatus[]> {
  if (setup === undefined) {
    return [];
  }
  const gone = assistants.filter(({ status }) => status === 'gone').slice(0, askedMax);
  const known: AssistantStatus[] = [];
  await readEach(gone, setup, (assistant, found) => {
    if (!(found instanceof Error)) {
      known.push(assistant);
    }
  });
  return known;
}

/** The task that an assistant becomes when it is put back to work. */
export const revivedTask = (assistant: AssistantStatus, desired: LimitTask['desired']): LimitTask => ({
  ...assistant,
  desired,
  status: 'pending',
});
