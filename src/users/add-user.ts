import type pg from 'pg';
import { insertPersonalAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { refusedError, usageError } from '../errors.ts';
import { ensureUser, insertSubscription } from './add-store.ts';
import { refuseUnfitPerson, type UserEdit } from './edit-store.ts';
import type { User } from './user.ts';
import { selectMatchingUsers } from './user-store.ts';

/** Somebody who is to be made; what is undefined is left at its default. */
export interface NewUser extends UserEdit {
  externalId: string;
  /** One for a service at most; services that none is for get their default plan with the first call. */
  plans: readonly { key: string; service: string }[];
}

export interface AddPlan {
  wanted: NewUser;
  /** Who is so already: nothing is to be made. */
  existing: User | null;
}

/**
 * @throws usageError (two plans of one service), QT003 and QT004 for what cannot be, refusedError where somebody
 * with this id is there who is otherwise
 */
export async function planAdd(client: pg.ClientBase, wanted: NewUser): Promise<AddPlan> {
  const services = wanted.plans.map(({ service }) => service);
  const doubled = services.find((service, index) => services.indexOf(service) !== index);
  if (doubled !== undefined) {
    throw usageError(`a user has one plan for ${doubled}`, {
      detail: wanted.plans.map(({ key }) => key).join(', '),
      suggestion: 'name one of them',
    });
  }
  await refuseUnfitPerson(client, wanted);
  const matches = await selectMatchingUsers(client, wanted.externalId);
  const existing = matches.find(({ by }) => by !== 'email')?.user ?? null;
  if (existing !== null && !isSo(existing, wanted)) {
    throw refusedError(`there is a user ${existing.externalId} already`, {
      detail: existing.erasedAt === null ? 'what is known of the user differs' : 'the user was erased',
      suggestion: `change what is known with quota user edit, the plan with quota user set-plan`,
    });
  }
  return { wanted, existing };
}

/** Nothing that was told differs from what is known. */
const isSo = (user: User, { externalId, email, name, timezone, createdAt, plans }: NewUser) =>
  user.erasedAt === null &&
  plans.length === 0 &&
  user.externalId === externalId &&
  (email === undefined || email === user.email) &&
  (name === undefined || name === user.name) &&
  (timezone === undefined || timezone === user.timezone) &&
  (createdAt === undefined || createdAt === user.createdAt);

/**
 * Makes the user, and the subscriptions to the plans that were named, with the row of the history.
 * @returns the id of that row; null where somebody else has just made the user
 */
export function applyAdd(
  client: pg.ClientBase,
  { wanted }: AddPlan,
  reason: string | undefined,
): Promise<string | null> {
  return withTransaction(client, async () => {
    const { userId, created } = await ensureUser(client, wanted);
    if (!created) {
      return null;
    }
    for (const { key, service } of wanted.plans) {
      await insertSubscription(client, userId, service, key);
    }
    const { plans, ...person } = wanted;
    const after = Object.fromEntries(Object.entries(person).filter(([, value]) => value !== undefined));
    return insertPersonalAuditEntry(
      client,
      {
        action: 'user.added',
        userId,
        reason,
        before: {},
        after: { ...after, ...(plans.length > 0 && { plans: plans.map(({ key }) => key) }) },
      },
      ['externalId', 'email', 'name'],
    );
  });
}
