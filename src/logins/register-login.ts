import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { notFoundError, refusedError } from '../errors.ts';
import type { User } from '../users/user.ts';
import type { Registration } from './login.ts';
import { deleteLogin, selectLogins, selectRole, upsertLogin } from './login-store.ts';

/** What a role is to speak for; null: it is registered no more. */
export interface LoginPlan {
  role: string;
  /** A member of quota_app: otherwise it may call nothing, whatever it is registered as. */
  isMember: boolean;
  before: Registration | null;
  after: Registration | null;
  userId: string | null;
  isSame: boolean;
}

/** For whom a role is to speak. */
export interface Speaker {
  speaksFor: Registration['speaksFor'];
  user?: User | undefined;
  claim?: string | undefined;
}

/** @throws notFoundError when the server has no such role; refusedError to bind one that works for the company */
export async function planRegistration(
  client: pg.ClientBase,
  role: string,
  { speaksFor, user, claim = undefined }: Speaker,
): Promise<LoginPlan> {
  const found = await selectRole(client, role);
  if (found === undefined) {
    throw notFoundError(`the server has no role "${role}"`, {
      suggestion: 'make it in psql first, like: create role app login in role quota_app',
    });
  }
  if (speaksFor !== 'app' && found.isStaff) {
    throw refusedError(`the role "${role}" is an operator or of finance, whose work concerns every user`, {
      suggestion: 'bind a role that is a member of quota_app, or quota_readonly, and of nothing else',
    });
  }
  const { before, state } = await registrationOf(client, role);
  const after = { speaksFor, user: user?.externalId ?? null, claim: claim ?? null };
  return {
    role,
    isMember: found.isMember,
    before,
    after,
    userId: user?.id ?? null,
    isSame: state === 'registered' && JSON.stringify(before) === JSON.stringify(after),
  };
}

/** @throws notFoundError when no such role is registered */
export async function planRevocation(client: pg.ClientBase, role: string): Promise<LoginPlan> {
  const { before } = await registrationOf(client, role);
  if (before === null) {
    throw notFoundError(`the role "${role}" is not registered`, { suggestion: 'look with quota login list' });
  }
  return { role, isMember: true, before, after: null, userId: null, isSame: false };
}

async function registrationOf(client: pg.ClientBase, role: string) {
  const login = (await selectLogins(client)).find((candidate) => candidate.role === role);
  if (login === undefined || login.speaksFor === null) {
    return { before: null, state: undefined };
  }
  const { speaksFor, user, claim, state } = login;
  return { before: { speaksFor, user, claim }, state };
}

/** @returns the id of the audit row */
export function applyLogin(
  client: pg.ClientBase,
  { role, before, after, userId }: LoginPlan,
  reason: string,
): Promise<string> {
  return withTransaction(client, async () => {
    await (after === null ? deleteLogin(client, role) : upsertLogin(client, role, { ...after, userId }));
    return insertAuditEntry(client, {
      action: after === null ? 'login.revoked' : 'login.registered',
      userId: userId ?? undefined,
      subject: role,
      reason,
      // Whom it names is the row's user, who can be erased.
      before: before && { speaksFor: before.speaksFor, claim: before.claim },
      after: after && { speaksFor: after.speaksFor, claim: after.claim },
    });
  });
}
