import type pg from 'pg';
import { hasSqlstate } from '../db/database-error.ts';
import { sqlstates } from '../db/sqlstate.ts';
import { withSnapshot, withSnapshotToWrite } from '../db/transaction.ts';
import { type Examination, type Found, readWholeTables, selectFound } from './check-store.ts';
import {
  noteExamined,
  selectNamed,
  selectUsersToExamine,
  uncountedCalls,
  wrongAlerts,
  wrongGrants,
  wrongQuotas,
} from './usage-check-store.ts';

/** What follows from the facts of a user, by the check that says so. */
const checks = {
  usage: wrongQuotas,
  grants: wrongGrants,
  alerts: wrongAlerts,
  coverage: uncountedCalls,
} as const;

export type UserCheck = keyof typeof checks;
const names = Object.keys(checks) as UserCheck[];

export interface UsersFound {
  found: Readonly<Record<UserCheck, Found>>;
  /** How many users were examined, where not all were that are asked for. */
  examined: number | null;
  /** Whether it was noted who was found right. */
  isNoted: boolean;
}

/** Beyond so many users it is as quick to read the calls of all. */
const usersMax = 20_000;

/**
 * Holds what is kept of users against the facts: of one user, of all with `isFull`, else of all but those who are as they
 * were when that last found them right.
 */
export async function examineUsers(
  client: pg.ClientBase,
  { userId, findingsMax, isFull }: Examination & { isFull: boolean },
  onCheck: (check: string) => void,
): Promise<UsersFound> {
  // What is noted is what was examined: nothing that came meanwhile.
  return (isFull ? withSnapshotToWrite : withSnapshot)(client, async () => {
    const whom = userId === null ? await usersToExamine(client, isFull) : [userId];
    if (userId === null) {
      await readWholeTables(client);
    }
    const found = await findAll(client, { whom, findingsMax }, onCheck);
    const isNoted = isFull && (await noteRight(client, found));
    return { found, examined: userId === null ? (whom?.length ?? null) : null, isNoted };
  });
}

async function usersToExamine(client: pg.ClientBase, isFull: boolean): Promise<string[] | null> {
  const users = isFull ? [] : await selectUsersToExamine(client);
  return isFull || users.length > usersMax ? null : users;
}

async function findAll(
  client: pg.ClientBase,
  { whom, findingsMax }: { whom: string[] | null; findingsMax: number },
  onCheck: (check: string) => void,
): Promise<UsersFound['found']> {
  const found: [UserCheck, Found][] = [];
  for (const name of names) {
    onCheck(name);
    const isNobody = whom?.length === 0;
    found.push([
      name,
      isNobody ? { count: 0, findings: [] } : await selectFound(client, checks[name], whom, findingsMax),
    ]);
  }
  return Object.fromEntries(found) as Record<UserCheck, Found>;
}

/** A login that may only read, a server that is a copy, and two who note at once: the examination stands without. */
const noNote = [
  sqlstates.insufficient_privilege,
  sqlstates.read_only_sql_transaction,
  sqlstates.serialization_failure,
  sqlstates.foreign_key_violation,
];

async function noteRight(client: pg.ClientBase, found: UsersFound['found']): Promise<boolean> {
  const wrong: string[] = [];
  for (const name of names) {
    wrong.push(...(found[name].count > 0 ? await selectNamed(client, checks[name]) : []));
  }
  try {
    await noteExamined(client, wrong);
    return true;
  } catch (error) {
    if (noNote.some((code) => hasSqlstate(error, code))) {
      return false;
    }
    throw error;
  }
}
