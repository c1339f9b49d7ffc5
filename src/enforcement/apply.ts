import type pg from 'pg';
import { selectToLimit } from './enforce-store.ts';
import { findKnownAgain, revivedTask } from './known-again.ts';
import type { LimitTask } from './limit-task.ts';
import { isLimited, type UserName } from './operator-store.ts';
import type { ReadRequest } from './preview.ts';
import { selectStatus } from './status-store.ts';

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
 * @param user null: everybody who is over the allowance and not limited.
 * @param setup for a look at assistants that were gone; undefined: without one.
 */
export async function planApply(
  client: pg.ClientBase,
  user: UserName | null,
  setup: ReadRequest | undefined,
): Promise<ApplyPlan> {
  const users = user === null ? await selectToLimit(client) : [user];
  const userIds = users.map(({ id }) => id);
  const assistants = await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const knownAgain = await findKnownAgain(assistants, setup);
  const tasks = assistants.flatMap((assistant): LimitTask[] => {
    const { status, desired } = assistant;
    return status === 'gone' || (status === 'applied' && desired === 'limited')
      ? []
      : [{ ...assistant, desired: 'limited', status: status === 'failed' ? 'failed' : 'pending' }];
  });
  tasks.push(...knownAgain.map((assistant) => revivedTask(assistant, 'limited')));
  const isNeeded =
    tasks.length > 0 || (user === null ? users.length > 0 : !(await isLimited(client, user.id)));
  return { users, tasks, knownAgain: knownAgain.map(({ assistantId }) => assistantId), isNeeded };
}
