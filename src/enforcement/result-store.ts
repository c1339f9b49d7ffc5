import type { Queries } from '../db/serial-queries.ts';
import type { Fields } from './assistant-state.ts';
import type { FieldChange, ForeignValue } from './limit-plan.ts';
import type { LimitTask } from './limit-task.ts';

/** In whose name assistants are claimed and results recorded. */
export interface Claimant {
  queries: Queries;
  /** Of this one pass over the queue. */
  run: string;
  /** The run of a job that it is part of, for the audit log. */
  jobRun: string | null;
}

/**
 * Results are recorded only while the claim is ours and the change is still the one that was worked on; every
 * function says whether that was so. Each is one statement, the audit row included (R5).
 */
export const isOurs = `assistant_id = $1 and claimed_by = $2 and change = $3 and claimed_until is not null`;
/** Also after the claim was given up, as long as nobody else has made one. */
const isStillOurs = `assistant_id = $1 and claimed_by = $2 and change = $3`;
export const ours = (claimant: Claimant, task: LimitTask) => [task.assistantId, claimant.run, task.change];

/** Before the first limit, or when a new value was found: the original, and what is about to be sent (R7). */
export async function recordIntent(
  claimant: Claimant,
  task: LimitTask,
  intent: {
    original: Fields;
    originalIsNew: boolean;
    originalFields: readonly string[];
    sending: Fields | null;
  },
): Promise<boolean> {
  const { original, originalIsNew, originalFields, sending } = intent;
  const absent = originalFields.filter((field) => !Object.hasOwn(original, field));
  const { rowCount } = await claimant.queries.query(
    `with noted as (
       update quota.assistant_limits
       set original = $4, updated_at = quota.now(),
         intents = intents || case when $5::jsonb is null then '[]' else jsonb_build_array($5::jsonb) end
       where ${isOurs}
       returning user_id, assistant_id, change
     ), kept as (
       insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
       select user_id, assistant_id, change, $4, $6, 'provider' from noted where $7
     )
     select 1 from noted`,
    [...ours(claimant, task), original, sending, absent, originalIsNew],
  );
  return rowCount === 1;
}

interface Outcome {
  changes: readonly FieldChange[];
  foreign: readonly ForeignValue[];
}

/** The assistant was seen to be limited. Audited where that is news. */
export async function recordApplied(
  claimant: Claimant,
  task: LimitTask,
  outcome: Outcome & {
    original: Fields;
    applied: Fields;
    /** What VAPI made of `applied`, where that is something else. */
    made: Fields | null;
  },
): Promise<boolean> {
  const isNews = task.status !== 'applied' || outcome.changes.length > 0;
  const { rowCount } = await claimant.queries.query(
    `with done as (
       update quota.assistant_limits
       set status = 'applied', original = $9, applied = $10, intents = '[]', doubtful = '{}',
         made = case when $12::jsonb is null then '[]' else jsonb_build_array($12::jsonb) end,
         attempts = 0, last_error = null, next_attempt_at = null, claimed_by = null, claimed_until = null, verified_at = clock_timestamp(),
         applied_at = case when $11 then quota.now() else applied_at end, updated_at = quota.now()
       where ${isOurs} and desired = 'limited'
       returning user_id
     ), audited as (
       insert into quota.audit_log (action, user_id, subject, after, run_id)
       select 'assistant.limited', user_id, $4, $7, $8 from done where $11
       returning id, user_id
     ), told as (
       insert into quota.audit_personal (user_id, audit_id, before, after) select user_id, id, $5, $6 from audited
     )
     select 1 from done`,
    [
      ...ours(claimant, task),
      task.providerAssistantId,
      ...auditValues(outcome, 'adopted'),
      claimant.jobRun,
      outcome.original,
      outcome.applied,
      isNews,
      outcome.made,
    ],
  );
  return rowCount === 1;
}

/** The assistant was seen to have its original back. */
export async function recordRestored(
  claimant: Claimant,
  task: LimitTask,
  outcome: Outcome,
): Promise<boolean> {
  const { rowCount } = await claimant.queries.query(
    `with done as (
       update quota.assistant_limits
       set status = 'restored', original = null, applied = null, intents = '[]', made = '[]', doubtful = '{}',
         attempts = 0, last_error = null, next_attempt_at = null, claimed_by = null, claimed_until = null, verified_at = clock_timestamp(),
         restored_at = quota.now(), updated_at = quota.now()
       where ${isOurs} and desired = 'original'
       returning user_id
     ), audited as (
       insert into quota.audit_log (action, user_id, subject, after, run_id)
       select 'assistant.restored', user_id, $4, $7, $8 from done
       returning id, user_id
     ), told as (
       insert into quota.audit_personal (user_id, audit_id, before, after) select user_id, id, $5, $6 from audited
     )
     select 1 from done`,
    [...ours(claimant, task), task.providerAssistantId, ...auditValues(outcome, 'kept'), claimant.jobRun],
  );
  return rowCount === 1;
}

/** The provider does not know the assistant: nothing more to do, and nothing to try again. */
export async function recordGone(claimant: Claimant, task: LimitTask, words: string): Promise<boolean> {
  const { rowCount } = await claimant.queries.query(
    `with done as (
       update quota.assistant_limits
       set status = 'gone', last_error = $5, next_attempt_at = null, claimed_by = null, claimed_until = null,
         updated_at = quota.now()
       where ${isStillOurs} and status <> 'gone'
       returning assistant_id, user_id
     ), gone as (
       -- What was given up before it was unknown to the provider stays so.
       update quota.assistants a set state = 'gone', is_given_up = a.is_given_up and a.state = 'gone'
       from done where a.id = done.assistant_id
     ), audited as (
       insert into quota.audit_log (action, user_id, subject, reason, run_id)
       select 'assistant.gone', user_id, $4, $5, $6 from done
     )
     select 1 from done`,
    [...ours(claimant, task), task.providerAssistantId, words, claimant.jobRun],
  );
  return rowCount === 1;
}

/** The attempt failed: it stays queued, is due again after a pause, and is not tried again by this run. */
export async function recordFailed(
  claimant: Claimant,
  task: LimitTask,
  failure: { words: string; retryAfterMs: number | undefined },
): Promise<boolean> {
  const askedSeconds = failure.retryAfterMs === undefined ? null : failure.retryAfterMs / 1000;
  const { rowCount } = await claimant.queries.query(
    `update quota.assistant_limits
     set status = 'failed', attempts = attempts + 1, last_error = $4, claimed_until = null,
       next_attempt_at = quota.now() + quota.retry_delay(attempts + 1, $5), updated_at = quota.now()
     where ${isStillOurs} and status <> 'gone'`,
    [...ours(claimant, task), failure.words, askedSeconds],
  );
  return rowCount === 1;
}

/**
 * For the personal part of the audit row what the fields were and are, since greetings may name people; for the row
 * itself which they are.
 */
function auditValues(
  { changes, foreign }: Outcome,
  foreignName: 'adopted' | 'kept',
): [Fields, Fields, Fields] {
  const valuesOf = (side: 'from' | 'to') =>
    Object.fromEntries(changes.map((change) => [change.field, change[side]]));
  const theirs = Object.fromEntries(foreign.map(({ field, value }) => [field, value ?? null]));
  const names = { changed: changes.map(({ field }) => field), [foreignName]: Object.keys(theirs) };
  return [valuesOf('from'), { ...valuesOf('to'), ...theirs }, names];
}
