import type pg from 'pg';
import { insertPersonalAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { refusedError, usageError } from '../errors.ts';
import { hasUnknownZone, refuseUnfitPerson, selectHolder, type UserEdit, updateUser } from './edit-store.ts';
import type { User } from './user.ts';

export interface EditPlan {
  user: User;
  edit: UserEdit;
  before: UserEdit;
  after: UserEdit;
}

/**
 * What an edit changes; values that are so already are left out.
 * @throws usageError when nothing would change, QT003 and QT004 for what cannot be, refusedError for an external id that
 * somebody else has, or a user who was erased
 */
export async function planEdit(client: pg.ClientBase, user: User, wanted: UserEdit): Promise<EditPlan> {
  if (user.erasedAt !== null) {
    throw refusedError(`${user.externalId} was erased: nothing about the person is taken any more`);
  }
  const present: UserEdit = {
    externalId: user.externalId,
    email: user.email ?? undefined,
    name: user.name ?? undefined,
    timezone: user.timezone,
    createdAt: user.createdAt,
  };
  const isZoneLost = wanted.timezone !== undefined && (await hasUnknownZone(client, user.id));
  const keys = (Object.keys(wanted) as (keyof UserEdit)[]).filter(
    (key) =>
      wanted[key] !== undefined && (wanted[key] !== present[key] || (key === 'timezone' && isZoneLost)),
  );
  if (keys.length === 0) {
    throw usageError(`nothing would change of ${user.externalId}`, {
      suggestion: 'give --timezone, --email, --name, --signup or --external-id with another value',
    });
  }
  const pick = (from: UserEdit) => Object.fromEntries(keys.map((key) => [key, from[key]])) as UserEdit;
  const edit = pick(wanted);
  await refuseUnfitPerson(client, edit);
  if (edit.externalId !== undefined && (await selectHolder(client, user.id, edit)) !== undefined) {
    throw refusedError(`another user has the external id "${edit.externalId}"`, {
      detail: 'nothing was changed',
    });
  }
  return { user, edit, before: pick(present), after: edit };
}

/** Changes the user with an audit row, what names the person apart from the history. @returns the id of the row */
export function applyEdit(
  client: pg.ClientBase,
  { user, edit, before, after }: EditPlan,
  reason: string | undefined,
): Promise<string> {
  return withTransaction(client, async () => {
    await updateUser(client, user.id, edit);
    return insertPersonalAuditEntry(
      client,
      { action: 'user.update', userId: user.id, reason, before, after },
      ['externalId', 'email', 'name'],
    );
  });
}
