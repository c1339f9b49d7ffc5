import type pg from 'pg';
import { notFoundError, refusedError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import { type Fields, limitedAlready, pickFields } from './assistant-state.ts';
import type { LimitTask } from './limit-task.ts';
import {
  type GivenOriginal,
  isLimited,
  selectOriginalsBefore,
  selectStillOver,
  selectToRestore,
  type UserName,
} from './operator-store.ts';
import { readOriginalsFile } from './originals-file.ts';
import { readEach } from './preview.ts';
import { type AssistantStatus, selectStatus } from './status-store.ts';

export interface RestoreRequest {
  /** Null: all whose users are not limited any more. */
  user: UserName | null;
  /** Take the originals of the history as of before this instant, whatever is found. */
  originalsBefore: string | undefined;
  /** A file of stored end-of-call reports, for assistants whose original is unknown. */
  originalsFile: string | undefined;
  /** Values given by the operator, for assistants whose original is unknown. */
  values: Fields | undefined;
}

export interface RestorePlanOfUsers {
  users: UserName[];
  /** What is to be restored, originals that are given included. */
  tasks: LimitTask[];
  given: GivenOriginal[];
  /** False when everything is as it would be afterwards. */
  isNeeded: boolean;
  /** Users who are still over their allowance, by external id. */
  stillOver: string[];
}

interface Provider {
  provider: VapiClient;
  limitedState: Fields;
  concurrency: number;
  signal: AbortSignal;
}

const assistantsMax = 1_000_000;

/**
 * Which assistants are to be restored, and to what. Changes nothing; assistants whose original may be unknown are
 * read at VAPI, when values for them are given.
 * @param setup what is needed for that; undefined where nothing is given.
 */
export async function planRestoreOfUsers(
  client: pg.ClientBase,
  request: RestoreRequest,
  setup: Provider | undefined,
): Promise<RestorePlanOfUsers> {
  const users = request.user === null ? await selectToRestore(client) : [request.user];
  const given =
    request.originalsBefore === undefined
      ? await givenFor(client, users, request, setup)
      : await fromHistory(client, users, request.originalsBefore);
  const owners = new Map(users.map((user) => [user.id, user]));
  for (const { assistant } of given) {
    owners.set(assistant.userId, { id: assistant.userId, externalId: assistant.user });
  }
  const userIds = [...owners.keys()];
  const all = await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const givenById = new Map(given.map(({ original }) => [original.assistantId, original]));
  const tasks = all.flatMap((assistant) => restoreTask(assistant, givenById.get(assistant.assistantId)));
  return {
    users: [...owners.values()],
    tasks,
    given: [...givenById.values()],
    isNeeded: tasks.length > 0 || (request.user !== null && (await isLimited(client, request.user.id))),
    stillOver: await selectStillOver(client, userIds),
  };
}

interface Given {
  assistant: AssistantStatus;
  original: GivenOriginal;
}

function restoreTask(assistant: AssistantStatus, given: GivenOriginal | undefined): LimitTask[] {
  const { status } = assistant;
  if (given !== undefined) {
    const absent = Object.fromEntries(given.absent.map((field) => [field, null]));
    return [
      {
        ...assistant,
        desired: 'original',
        status: 'pending',
        original: given.fields,
        applied: given.exact ? { ...absent, ...assistant.applied } : assistant.applied,
        exact: given.exact,
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
  const assistants = await selectStatus(client, { userIds, untouched: true, rowsMax: assistantsMax });
  const given = assistants.flatMap((assistant) => {
    const original = originals.get(assistant.assistantId);
    return original === undefined || assistant.status === 'gone'
      ? []
      : [{ assistant, original: { ...original, source: 'provider', exact: true } satisfies GivenOriginal }];
  });
  if (given.length === 0) {
    throw notFoundError(`no original was recorded before ${before}`, {
      detail: 'originals are recorded when an assistant is limited',
      suggestion: 'look at quota limits status, or take a later date',
    });
  }
  return given;
}

/** Values from the file or the operator, for assistants that are limited at VAPI and whose original is unknown. */
async function givenFor(
  client: pg.ClientBase,
  users: readonly UserName[],
  { user, originalsFile, values }: RestoreRequest,
  setup: Provider | undefined,
): Promise<Given[]> {
  if (setup === undefined || (originalsFile === undefined && values === undefined)) {
    return [];
  }
  const { limitedState } = setup;
  const reports =
    originalsFile === undefined ? undefined : await readOriginalsFile({ path: originalsFile }, limitedState);
  const candidates = (
    await selectStatus(client, {
      userIds: user === null ? null : users.map(({ id }) => id),
      ...(user === null ? { providerAssistantIds: [...(reports?.keys() ?? [])] } : {}),
      untouched: true,
      rowsMax: assistantsMax,
    })
  ).filter(
    // For everybody at once, assistants of users who are limited are left as they are.
    ({ original, status, desired }) =>
      original === null && status !== 'gone' && (user !== null || desired === 'original'),
  );
  const given: Given[] = [];
  await readEach(candidates, setup, (assistant, found) => {
    if (found instanceof Error || limitedAlready(found, limitedState) === undefined) {
      return;
    }
    const report = reports?.get(assistant.providerAssistantId);
    if (report !== undefined) {
      const fields = pickFields(report.assistant, Object.keys(limitedState));
      const absent = Object.keys(limitedState).filter((field) => !Object.hasOwn(fields, field));
      const original = {
        assistantId: assistant.assistantId,
        fields,
        absent,
        source: 'file',
        exact: false,
      } as const;
      given.push({ assistant, original });
    } else if (values !== undefined) {
      const original = {
        assistantId: assistant.assistantId,
        fields: values,
        absent: [],
        source: 'operator',
        exact: true,
      } as const;
      given.push({ assistant, original });
    }
  });
  if (given.length === 0 && values !== undefined) {
    throw refusedError('no assistant needs values: the original of each that is limited is stored', {
      detail: 'nothing was changed',
      suggestion:
        'quota limits restore without --set puts the stored originals back; --to-original-of DATE older ones',
    });
  }
  return given;
}
