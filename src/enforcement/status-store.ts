import type pg from 'pg';
import type { LimitTask } from './limit-task.ts';

/** An assistant and what is recorded of its limit; `status` null: never limited, nor queued. */
export interface AssistantStatus extends Omit<LimitTask, 'status'> {
  status: 'pending' | 'failed' | 'applied' | 'restored' | 'gone' | null;
  attempts: number;
  isClaimed: boolean;
  lastError: string | null;
  requestedAt: Date | null;
  nextAttemptAt: Date | null;
  appliedAt: Date | null;
  restoredAt: Date | null;
  /** By hand: whatever its user is; null: as its user is. */
  held: 'limited' | 'original' | null;
  /** Its calls are let in one by one: nothing is changed at the provider. */
  isGated: boolean;
  /** When (real time) the provider was last seen to have what is recorded. */
  verifiedAt: Date | null;
}

const columns = `
  a.id as "assistantId", a.provider_assistant_id as "providerAssistantId", a.name, a.user_id as "userId",
  u.external_id as "user", coalesce(l.desired, 'original') as desired, l.status, coalesce(l.change, 0)::text as change,
  l.original, l.applied, coalesce(l.intents, '[]') as intents, coalesce(l.made, '[]') as made,
  coalesce(l.doubtful, '{}') as doubtful, a.organisation, l.exact_change is not distinct from l.change and l.change is not null as exact,
  quota.limited_state(a.user_id) as "planState", coalesce(l.attempts, 0) as attempts,
  coalesce(l.claimed_until > clock_timestamp(), false) as "isClaimed", l.last_error as "lastError",
  l.requested_at as "requestedAt", l.next_attempt_at as "nextAttemptAt", l.applied_at as "appliedAt",
  l.restored_at as "restoredAt", l.verified_at as "verifiedAt", a.held, a.is_gated as "isGated"`;

export interface StatusScope {
  userIds: readonly string[] | null;
  /** Only these, by the provider's ids. */
  providerAssistantIds?: readonly string[];
  /** Also assistants that were never limited; those that are gone are left out unless it is known since the limit. */
  untouched: boolean;
  rowsMax: number;
}

/** What needs attention first: failed, then pending, then limited. */
export async function selectStatus(client: pg.ClientBase, scope: StatusScope): Promise<AssistantStatus[]> {
  const { rows } = await client.query<AssistantStatus>(
    `select ${columns}
     from quota.assistants a
     join quota.users u on u.id = a.user_id
     left join quota.assistant_limits l on l.assistant_id = a.id
     where ($1::uuid[] is null or a.user_id = any ($1)) and ($4::text[] is null or a.provider_assistant_id = any ($4))
       and (l.assistant_id is not null or ($2 and a.state = 'active'))
     order by array_position('{failed,pending,applied,gone,restored}'::text[], l.status), u.external_id, a.name, a.id
     limit $3`,
    [scope.userIds, scope.untouched, scope.rowsMax, scope.providerAssistantIds ?? null],
  );
  return rows;
}

export interface StatusCounts {
  pending: number;
  failed: number;
  applied: number;
  restored: number;
  gone: number;
  /** Assistants that were never limited. */
  untouched: number;
  /** Assistants that never are: the gate lets their calls in one by one. */
  gated: number;
}

export async function countStatus(
  client: pg.ClientBase,
  userIds: readonly string[] | null,
): Promise<StatusCounts> {
  const { rows } = await client.query<StatusCounts>(
    `select count(*) filter (where l.status = 'pending')::integer as pending,
       count(*) filter (where l.status = 'failed')::integer as failed,
       count(*) filter (where l.status = 'applied')::integer as applied,
       count(*) filter (where l.status = 'restored')::integer as restored,
       count(*) filter (where l.status = 'gone')::integer as gone,
       count(*) filter (where l.assistant_id is null and a.state = 'active' and not a.is_gated)::integer as untouched,
       count(*) filter (where l.assistant_id is null and a.state = 'active' and a.is_gated)::integer as gated
     from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
     where $1::uuid[] is null or a.user_id = any ($1)`,
    [userIds],
  );
  return rows[0] ?? { pending: 0, failed: 0, applied: 0, restored: 0, gone: 0, untouched: 0, gated: 0 };
}

/** Assistants by the provider's ids, or by ours. */
export async function selectAssistants(
  client: pg.ClientBase,
  ids: readonly string[],
): Promise<AssistantStatus[]> {
  const { rows } = await client.query<AssistantStatus>(
    `select ${columns}
     from quota.assistants a
     join quota.users u on u.id = a.user_id
     left join quota.assistant_limits l on l.assistant_id = a.id
     where a.provider_assistant_id = any ($1) or a.id::text = any ($1)
     order by u.external_id, a.name, a.id`,
    [ids],
  );
  return rows;
}
