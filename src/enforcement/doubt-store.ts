import type { Fields } from './assistant-state.ts';
import type { LimitTask } from './limit-task.ts';
import { type Claimant, isOurs, ours } from './result-store.ts';

/** So many answers are remembered: what is older has been overwritten at the provider many times. */
const madeMax = 20;

/** VAPI was seen to make something else of what it was sent: not somebody's value, whenever it is met again. */
export async function recordMade(claimant: Claimant, task: LimitTask, made: Fields): Promise<boolean> {
  const { rowCount } = await claimant.queries.query(
    `update quota.assistant_limits l
     set made = case
         when exists (select from jsonb_array_elements(l.made) m where m = $4::jsonb) then l.made
         else (case when jsonb_array_length(l.made) >= ${madeMax} then l.made - 0 else l.made end) || jsonb_build_array($4::jsonb)
       end,
       updated_at = quota.now()
     where ${isOurs}`,
    [...ours(claimant, task), made],
  );
  return rowCount === 1;
}

/** Before it is found out whose they are: values that may be somebody's. */
export async function recordDoubt(
  claimant: Claimant,
  task: LimitTask,
  doubtful: LimitTask['doubtful'],
): Promise<boolean> {
  const { rowCount } = await claimant.queries.query(
    `update quota.assistant_limits set doubtful = $4, updated_at = quota.now() where ${isOurs}`,
    [...ours(claimant, task), doubtful],
  );
  return rowCount === 1;
}

/** It was found out: what VAPI makes of what was sent, and what somebody had set, the original from now on. */
export async function recordSettled(
  claimant: Claimant,
  task: LimitTask,
  settled: {
    original: Fields;
    made: readonly Fields[];
    adopted: readonly string[];
    absent: readonly string[];
  },
): Promise<boolean> {
  const { original, made, adopted, absent } = settled;
  const { rowCount } = await claimant.queries.query(
    `with noted as (
       update quota.assistant_limits set original = $4, made = $5, doubtful = '{}', updated_at = quota.now()
       where ${isOurs}
       returning user_id, assistant_id, change
     ), kept as (
       insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
       select user_id, assistant_id, change, $4, $7, 'provider' from noted where cardinality($6::text[]) > 0
     )
     select 1 from noted`,
    [...ours(claimant, task), original, JSON.stringify(made.slice(-madeMax)), adopted, absent],
  );
  return rowCount === 1;
}
