import type pg from 'pg';
import type { Choice, Context } from '../context.ts';
import { QuotaError } from '../errors.ts';
import { readUserPage } from '../usage/list/list-users.ts';
import { findUser } from '../users/find-user.ts';
import { nearestNames } from '../users/nearest-names.ts';
import type { User } from '../users/user.ts';

/** What persons have answered: a plan is made anew while they decide, and they are asked once. */
const answers = new WeakMap<Context, Map<string, string>>();

/** So many users are offered at a time; what is typed narrows them. */
const offeredMax = 30;
const partLengthMax = 100;

/**
 * The user that a command line means. A person at a terminal may leave the user out, or name a part of an external id,
 * an email or a name: who is meant is chosen then, even where only one fits. Anywhere else it is as `findUser`.
 * @throws as `findUser`
 */
export async function meantUser(
  context: Context,
  client: pg.ClientBase,
  reference: string | undefined,
): Promise<User> {
  const answered = answers.get(context) ?? new Map<string, string>();
  answers.set(context, answered);
  const key = reference ?? '';
  const id = answered.get(key);
  if (id !== undefined) {
    return findUser(client, id);
  }
  if (reference !== undefined) {
    try {
      return await findUser(client, reference);
    } catch (error) {
      if (!context.canGuide || !(error instanceof QuotaError)) {
        throw error;
      }
      answered.set(key, await askWhich(context, client, reference, error));
    }
  } else {
    const find = (typed: string) => usersWith(client, typed);
    answered.set(key, await context.search('Which user?', { find }));
  }
  return findUser(client, answered.get(key) ?? '');
}

/** @throws the error, where nobody has such a name, nor one like it */
async function askWhich(
  context: Context,
  client: pg.ClientBase,
  reference: string,
  error: QuotaError,
): Promise<string> {
  const part = reference.trim();
  if (part === '' || part.length > partLengthMax || part.includes('\u0000')) {
    throw error;
  }
  const find = (typed: string) => usersWith(client, typed);
  if ((await find(part)).length > 0) {
    return context.search(`Who is meant by "${part}"?`, { find, typed: part });
  }
  const names = await nearestNames(client, part);
  if (names.length === 0) {
    throw error;
  }
  const near = names.map((name) => ({ name, value: name }));
  return context.search(`Who is meant by "${part}"?`, {
    find: async (typed) => (typed === '' ? near : find(typed)),
  });
}

/** Users with a part of a name, by their external ids; nothing typed: the first ones. */
async function usersWith(client: pg.ClientBase, part: string): Promise<Choice[]> {
  const filter = { services: [], plans: [], states: [], limited: false, order: 'name' as const };
  const { users } = await readUserPage(client, {
    ...filter,
    search: part === '' ? undefined : part,
    after: undefined,
    limit: offeredMax,
  });
  const byId = new Map(users.map((entry) => [entry.id, entry]));
  return [...byId.values()].map(({ id, externalId, email, name }) => ({
    name: [externalId, email, name].filter((text) => text !== null).join(' · '),
    value: id,
  }));
}
