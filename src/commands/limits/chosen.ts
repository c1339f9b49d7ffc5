import type pg from 'pg';
import { meantUser } from '../../asking/meant-user.ts';
import type { Context } from '../../context.ts';
import { repeated } from '../../declarations/option.ts';
import type { Chosen } from '../../enforcement/chosen.ts';
import { type AssistantStatus, selectAssistants } from '../../enforcement/status-store.ts';
import { notFoundError, usageError } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

/** `--assistant` of commands that limit and restore. */
export const assistantOption = {
  assistant: repeated('id', "one assistant alone, by VAPI's id or ours; several times for several"),
};

interface Named {
  users: readonly string[];
  assistant?: string[];
}

/**
 * Users, assistants, or those that the flag means: one of them.
 * @throws usageError
 */
export function requireOne({ users, assistant }: Named, isAll: boolean, all: string, verb: string): void {
  const given = [users.length > 0, assistant !== undefined, isAll].filter(Boolean).length;
  if (given !== 1) {
    throw usageError(
      `name users, assistants with --assistant, or ${all}${given === 0 ? '' : ': one of them'}`,
      {
        suggestion: `quota limits ${verb} user_00042, or quota limits ${verb} ${all.split(' ').at(-1)}`,
      },
    );
  }
}

/**
 * Who is meant.
 * @throws notFoundError for the first user, or all assistants, that nobody knows
 */
export async function findChosen(
  context: Context,
  client: pg.ClientBase,
  { users, assistant }: Named,
): Promise<Chosen> {
  if (assistant !== undefined) {
    return { kind: 'assistants', assistants: await findAssistants(client, assistant) };
  }
  if (users.length === 0) {
    return { kind: 'everybody' };
  }
  const found = new Map<string, { id: string; externalId: string }>();
  for (const reference of users) {
    const user = await meantUser(context, client, reference);
    found.set(user.id, user);
  }
  return { kind: 'users', users: [...found.values()] };
}

async function findAssistants(client: pg.ClientBase, ids: readonly string[]): Promise<AssistantStatus[]> {
  const found = await selectAssistants(client, ids);
  const missing = ids.filter(
    (id) => !found.some((one) => one.providerAssistantId === id || one.assistantId === id),
  );
  if (missing.length > 0) {
    throw notFoundError(`no assistant "${missing.join('", "')}"`, {
      suggestion: 'quota limits status USER lists the assistants of a user',
    });
  }
  return found;
}

const namesMax = 5;

/** What has to be typed in production: users or assistants by name where they are few; null: the database. */
export function nameOf(chosen: Chosen): string | null {
  const names =
    chosen.kind === 'users'
      ? chosen.users.map(({ externalId }) => externalId)
      : chosen.kind === 'assistants'
        ? chosen.assistants.map(({ providerAssistantId }) => providerAssistantId)
        : [];
  return names.length === 0 || names.length > namesMax ? null : names.join(',');
}

/** For the question: whose assistants. */
export function ownersText(chosen: Chosen, userCount: number): string {
  if (chosen.kind === 'users' && chosen.users.length === 1) {
    return chosen.users[0]?.externalId ?? '';
  }
  return counted(userCount, 'user');
}
