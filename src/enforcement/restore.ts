import type pg from 'pg';
import { notFoundError } from '../errors.ts';
import { type Chosen, ownersOf } from './chosen.ts';
import { type Given, givenOriginals } from './given-originals.ts';
import { findKnownAgain, revivedTask } from './known-again.ts';
import type { LimitTask } from './limit-task.ts';
import {
  type GivenOriginal,
  selectLimited,
  selectOriginalsBefore,
  selectStillOver,
  selectToRestore,
  type UserName,
} from './operator-store.ts';
import type { RestoreRequest, RestoreSetup } from './restore-request.ts';
import { type AssistantStatus, selectStatus } from './status-store.ts';

export interface RestorePlanOfUsers {
  /** Whose assistants are worked on. */
  users: UserName[];
  /** Those of them whose limit is lifted; the others get an original and stay limited. */
  lifted: UserName[];
  /** Assistants that are restored whatever their users are, by id. */
  freed: string[];
  /** What is to be restored, originals that are given included. */
  tasks: LimitTask[];
  given: GivenOriginal[];
  /** Assistants that were gone and that VAPI knows again, by id. */
  knownAgain: string[];
  /** Assistants that the file names, and that cannot be restored by it, by the provider's id, with the reason. */
  unhelped: { id: string; reason: string }[];
  /** False when everything is as it would be afterwards. */
  isNeeded: boolean;
  /** Users who are still over their allowance, by external id. */
  stillOver: string[];
}

const assistantsMax = 1_000_000;

/**
 * Which assistants are to be restored, and to what. Changes nothing; assistants whose original may be unknown are
 * read at VAPI, when values for them are given, and so are those of one user that are gone.
 * @param setup what is needed for that; undefined: nothing is read.
 * @throws notFoundError when there is no original of that time; as `givenOriginals`
 */
export async function planRestoreOfUsers(
  client: pg.ClientBase,
  request: RestoreRequest,
  setup: RestoreSetup | undefined,
): Promise<RestorePlanOfUsers> {
  const { chosen } = request;
  const asked =
    chosen.kind === 'everybody'
      ? await selectToRestore(client)
      : chosen.kind === 'users'
        ? [...chosen.users]
        : ownersOf(chosen.assistants);
  const { given, unhelped } =
    request.originalsBefore === undefined
      ? await givenOriginals(client, asked, request, setup)
      : { given: await fromHistory(client, chosen, asked, request.originalsBefore), unhelped: [] };
  const users = withOwners(asked, given);
  const userIds = users.map(({ id }) => id);
  const all =
    chosen.kind === 'assistants'
      ? chosen.assistants
      : await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const knownAgain = chosen.kind === 'everybody' ? [] : await findKnownAgain(all, setup);
  const givenById = new Map(given.map(({ original }) => [original.assistantId, original]));
  const tasks = all.flatMap((assistant) => restoreTask(assistant, givenById.get(assistant.assistantId)));
  tasks.push(...knownAgain.map((assistant) => revivedTask(assistant, 'original')));
  const staying = new Set(
    given.filter(({ original }) => original.desired === 'limited').map(({ assistant }) => assistant.userId),
  );
  const lifted = chosen.kind === 'assistants' ? [] : users.filter(({ id }) => !staying.has(id));
  return {
    users,
    lifted,
    freed: chosen.kind === 'assistants' ? chosen.assistants.map(({ assistantId }) => assistantId) : [],
    tasks,
    given: [...givenById.values()],
    knownAgain: knownAgain.map(({ assistantId }) => assistantId),
    unhelped,
    isNeeded:
      tasks.length > 0 ||
      (chosen.kind === 'users' && (await selectLimited(client, userIds)).size > 0) ||
      (chosen.kind !== 'everybody' && all.some(({ held }) => held === 'limited')),
    stillOver: await selectStillOver(
      client,
      lifted.map(({ id }) => id),
    ),
  };
}

function withOwners(users: readonly UserName[], given: readonly Given[]): UserName[] {
  const owners = new Map(users.map((user) => [user.id, user]));
  for (const { assistant } of given) {
    owners.set(assistant.userId, { id: assistant.userId, externalId: assistant.user });
  }
  return [...owners.values()];
}

function restoreTask(assistant: AssistantStatus, given: GivenOriginal | undefined): LimitTask[] {
  const { status } = assistant;
  if (given !== undefined) {
    const { desired, fields, absent, exact, made } = given;
    const unset = Object.fromEntries(absent.map((field) => [field, null]));
    return [
      {
        ...assistant,
        desired,
        status: 'pending',
        original: { ...unset, ...fields },
        made: made === null ? assistant.made : [...assistant.made, made],
        exact,
      },
    ];
  }
  const isQueued = status === 'pending' || status === 'failed';
  return status !== null && status !== 'gone' && (assistant.desired === 'limited' || isQueued)
    ? [{ ...assistant, desired: 'original', status: isQueued ? status : 'pending' }]
    : [];
}

async function fromHistory(
  client: pg.ClientBase,
  chosen: Chosen,
  users: readonly UserName[],
  before: string,
): Promise<Given[]> {
  const userIds = users.map(({ id }) => id);
  const originals = new Map(
    (await selectOriginalsBefore(client, userIds, before)).map((original) => [
      original.assistantId,
      original,
    ]),
  );
  const assistants =
    chosen.kind === 'assistants'
      ? chosen.assistants
      : await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const given = assistants.flatMap((assistant): Given[] => {
    const original = originals.get(assistant.assistantId);
    return original === undefined || assistant.status === 'gone'
      ? []
      : [
          {
            assistant,
            original: { ...original, source: 'provider', exact: true, made: null, desired: 'original' },
          },
        ];
  });
  if (given.length === 0) {
    throw notFoundError(`no original was recorded before ${before}`, {
      detail: 'originals are recorded when an assistant is limited',
      suggestion: 'look at quota limits status, or take a later date',
    });
  }
  return given;
}
