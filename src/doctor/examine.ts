import type pg from 'pg';
import type { Database } from '../context.ts';
import { findChangedObjects } from '../db/core/changed-objects.ts';
import { createRolesSql, selectLostRoles } from '../db/core/roles-store.ts';
import { type Sessions, shareOut, type Work, withSessions } from '../db/side-by-side.ts';
import { type Examination, type Found, selectFindings } from './check-store.ts';
import { type Check, type CheckLevel, checks } from './checks.ts';
import { examineUsers, type UserCheck, type UsersFound } from './examine-users.ts';

export interface CheckResult extends Found {
  check: string;
  level: CheckLevel;
  /** In words, whichever way it came out. */
  message: string;
  suggestion: string | null;
}

export interface Diagnosis {
  /** Nothing contradicts the facts. */
  ok: boolean;
  differences: number;
  attention: number;
  /** How many users were examined anew, as the others are as they were when found right; null: all that were asked for. */
  examined: number | null;
  /** Whether it was noted who was found right. */
  noted: boolean;
  checks: CheckResult[];
}

/** What a check says of what it found. */
function resultOf(
  { check, level, healthy, found, suggestion }: Omit<Check, 'sql'>,
  { count, findings }: Found,
): CheckResult {
  const isHealthy = count === 0;
  return {
    check,
    level,
    count,
    message: isHealthy ? healthy : `${found}: ${count}`,
    suggestion: isHealthy ? null : suggestion,
    findings,
  };
}

/** Whether the functions, triggers, views, policies, rights and tables are those that were installed. */
async function examineSchema(
  client: pg.ClientBase,
  { findingsMax }: Pick<Examination, 'findingsMax'>,
): Promise<CheckResult> {
  const changed = await findChangedObjects(client);
  return resultOf(
    {
      check: 'schema',
      level: 'difference',
      healthy: 'tables, functions, triggers, views, policies and rights are as they were installed',
      found: 'things of the schema that somebody changed or dropped by hand',
      suggestion:
        'find out who and why; quota db migrate --reinstall makes all but tables, constraints and indexes as they were',
    },
    {
      count: changed.length,
      findings: changed.slice(0, findingsMax).map(({ object, state }) => ({ object, state })),
    },
  );
}

/** Roles belong to the server, not to the database: a copy on another server comes without them. */
async function examineRoles(client: pg.ClientBase): Promise<CheckResult> {
  const lost = await selectLostRoles(client);
  const missing = lost.filter(({ state }) => state === 'missing').map(({ role }) => role);
  return resultOf(
    {
      check: 'roles',
      level: 'attention',
      healthy: 'every role of quota is there and has its rights',
      found: 'roles that are missing or have no rights here',
      suggestion:
        missing.length === 0
          ? 'quota db migrate gives them anew'
          : `let whoever may make roles run: ${createRolesSql(missing)} - then quota db migrate`,
    },
    { count: lost.length, findings: lost.map(({ role, state }) => ({ role, state })) },
  );
}

/** A job that is overdue, by its schedule. */
export interface OverdueJob extends Record<string, unknown> {
  job: string;
  schedule: string | null;
  overdueSince: string | null;
}

/** Whether somebody runs the jobs, which only their schedules tell. */
const scheduleCheck = (overdue: readonly OverdueJob[]): CheckResult =>
  resultOf(
    {
      check: 'schedules',
      level: 'attention',
      healthy: 'every job has run when it was expected',
      found: 'jobs that have not run at two of their times',
      suggestion:
        'see whether cron runs them: quota help cron; QUOTA_SCHEDULES says when they are expected, or that they are off',
    },
    { count: overdue.length, findings: [...overdue] },
  );

/**
 * Looks for what is wrong or waiting, and changes no fact. `onCheck` hears of each check before it runs. What is held against
 * the facts user by user takes longest: where all are asked for, one session is at that while another makes the other checks.
 */
export async function examine(
  database: Pick<Database, 'client' | 'connect'>,
  examination: Examination & { isFull: boolean },
  onCheck: (check: string) => void,
  overdue: readonly OverdueJob[],
): Promise<Diagnosis> {
  const { users, ...rest } =
    examination.userId === null
      ? await withSessions(database, (clients) => examineAll(clients, examination, onCheck))
      : await examineAll([database.client], examination, onCheck);
  const ofChecks = checks.map((check) =>
    check.sql === undefined ? resultOf(check, users.found[check.check as UserCheck]) : rest.found.get(check),
  );
  const results = [rest.schema, ...ofChecks, rest.roles, scheduleCheck(overdue)].filter(
    (result) => result !== undefined,
  );
  const countOf = (wanted: CheckLevel) =>
    results.filter(({ level, count }) => level === wanted && count > 0).length;
  const differences = countOf('difference');
  return {
    ok: differences === 0,
    differences,
    attention: countOf('attention'),
    examined: users.examined,
    noted: users.isNoted,
    checks: results,
  };
}

/** The same by as many sessions as there are. */
async function examineAll(
  clients: Sessions,
  examination: Examination & { isFull: boolean },
  onCheck: (check: string) => void,
): Promise<{ users: UsersFound; schema: CheckResult; roles: CheckResult; found: Map<Check, CheckResult> }> {
  const found = new Map<Check, CheckResult>();
  const makeCheck = async (client: pg.ClientBase, check: Check) => {
    const { sql, isByKeys } = check;
    if (sql !== undefined) {
      onCheck(check.check);
      found.set(check, resultOf(check, await selectFindings(client, { sql, isByKeys }, examination)));
    }
  };
  const [users, schema, roles] = await shareOut(clients, [
    (client) => examineUsers(client, examination, onCheck),
    (client) => {
      onCheck('schema');
      return examineSchema(client, examination);
    },
    (client) => {
      onCheck('roles');
      return examineRoles(client);
    },
    ...checks.map(
      (check): Work<void> =>
        (client) =>
          makeCheck(client, check),
    ),
  ]);
  return { users, schema, roles, found };
}
