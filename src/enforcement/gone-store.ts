import type { Queries } from '../db/serial-queries.ts';
import { claimFirst } from './claim-store.ts';
import type { Desired, LimitTask } from './limit-task.ts';
import type { Claimant } from './result-store.ts';

/** Claims an assistant that was gone and that nobody looked at since this run began, the longest unseen first. */
export async function claimGone(
  queries: Queries,
  run: string,
  leaseSeconds: number,
  { userIds, since }: { userIds: readonly string[] | null; since: string },
): Promise<LimitTask | undefined> {
  const { rows } = await queries.query<LimitTask>(
    claimFirst(
      `l.status = 'gone' and ($4::uuid[] is null or l.user_id = any ($4))
         and (l.verified_at is null or l.verified_at < $3)
         and not exists (select from quota.users u where u.id = l.user_id and u.erased_at is not null)`,
      'l.verified_at nulls first',
    ),
    [run, leaseSeconds, since, userIds],
  );
  return rows[0];
}

/** The provider still does not know an assistant: it waits for its turn again. */
export async function recordStillGone({ queries, run }: Claimant, assistantId: string): Promise<void> {
  await queries.query(
    `update quota.assistant_limits set verified_at = clock_timestamp(), claimed_by = null, claimed_until = null
     where assistant_id = $1 and claimed_by = $2 and status = 'gone'`,
    [assistantId, run],
  );
}

/** The assistant that was gone is known again: what it is to be now, and under which change; undefined: not ours any more. */
export async function reviveClaimed(
  { queries, run, jobRun }: Claimant,
  { assistantId, change }: LimitTask,
): Promise<{ desired: Desired; change: string } | undefined> {
  const { rows } = await queries.query<{ desired: Desired; change: string }>(
    `select r.desired, r.change::text as change
     from quota.revive_assistants(
       array(select assistant_id from quota.assistant_limits
         where assistant_id = $1 and claimed_by = $2 and change = $3 and claimed_until is not null and status = 'gone'),
       $4) r`,
    [assistantId, run, change, jobRun],
  );
  return rows[0];
}

/** The same for assistants that an operator's command has found. */
export async function reviveAssistants(
  queries: { query: Queries['query'] },
  assistantIds: readonly string[],
): Promise<void> {
  await queries.query(`select from quota.revive_assistants($1, null)`, [assistantIds]);
}
