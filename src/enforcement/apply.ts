import type pg from 'pg';
import { refusedError } from '../errors.ts';
import { type Chosen, ownersOf } from './chosen.ts';
import { selectToLimit } from './enforce-store.ts';
import { findKnownAgain, revivedTask } from './known-again.ts';
import type { LimitTask } from './limit-task.ts';
import { areLimited, type UserName } from './operator-store.ts';
import type { ReadRequest } from './preview.ts';
import { type AssistantStatus, selectStatus } from './status-store.ts';

export interface ApplyPlan {
  users: UserName[];
  /** Assistants that are to be limited and are not recorded as such. */
  tasks: LimitTask[];
  /** Assistants that were gone and that VAPI knows again, by id. */
  knownAgain: string[];
  /** False when everything is as it would be afterwards. */
  isNeeded: boolean;
}

const assistantsMax = 1_000_000;

/**
 * Whose assistants are to be limited. Changes nothing.
 * @param setup for a look at assistants that were gone; undefined: without one.
 * @throws refusedError for assistants that the gate lets in
 */
export async function planApply(
  client: pg.ClientBase,
  chosen: Chosen,
  setup: ReadRequest | undefined,
): Promise<ApplyPlan> {
  if (chosen.kind === 'assistants') {
    return planAssistants(chosen.assistants, setup);
  }
  const users = chosen.kind === 'users' ? [...chosen.users] : await selectToLimit(client);
  const userIds = users.map(({ id }) => id);
  const all = await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const assistants = all.filter(({ isGated }) => !isGated);
  const { tasks, knownAgain } = await limitTasks(assistants, setup);
  const isNeeded =
    tasks.length > 0 || (chosen.kind === 'users' ? !(await areLimited(client, userIds)) : users.length > 0);
  return { users, tasks, knownAgain, isNeeded };
}

async function planAssistants(
  assistants: readonly AssistantStatus[],
  setup: ReadRequest | undefined,
): Promise<ApplyPlan> {
  const gated = assistants.filter(({ isGated }) => isGated);
  if (gated.length > 0) {
    const ids = gated.map(({ providerAssistantId }) => providerAssistantId).join(', ');
    throw refusedError(`the gate lets in the calls of ${ids}: nothing is changed at VAPI`, {
      suggestion: 'limit the user (quota limits apply USER): the gate refuses the calls then',
    });
  }
  return {
    users: ownersOf(assistants),
    ...(await limitTasks(assistants, setup)),
    isNeeded: assistants.some(
      ({ held, status, desired }) => held !== 'limited' || desired !== 'limited' || status !== 'applied',
    ),
  };
}

async function limitTasks(
  assistants: readonly AssistantStatus[],
  setup: ReadRequest | undefined,
): Promise<Pick<ApplyPlan, 'tasks' | 'knownAgain'>> {
  const knownAgain = await findKnownAgain(assistants, setup);
  const tasks = assistants.flatMap((assistant): LimitTask[] => {
    const { status, desired } = assistant;
    return status === 'gone' || (status === 'applied' && desired === 'limited')
      ? []
      : [{ ...assistant, desired: 'limited', status: status === 'failed' ? 'failed' : 'pending' }];
  });
  tasks.push(...knownAgain.map((assistant) => revivedTask(assistant, 'limited')));
  return { tasks, knownAgain: knownAgain.map(({ assistantId }) => assistantId) };
}
