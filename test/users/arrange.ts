import { query } from '../database.ts';

export interface UserFacts {
  externalId: string;
  email?: string | null;
  name?: string | null;
  timezone?: string;
  createdAt?: string;
  assistants?: readonly string[];
}

/** Adds a user with assistants; returns the id. */
export async function addUser(url: string, facts: UserFacts): Promise<string> {
  const {
    externalId,
    email = `${externalId}@example.com`,
    name = null,
    timezone = 'UTC',
    createdAt = '2024-01-31T12:00:00Z',
    assistants = [],
  } = facts;
  const [user] = await query<{ id: string }>(
    url,
    `insert into quota.users (external_id, email, name, timezone, created_at) values ($1, $2, $3, $4, $5) returning id`,
    [externalId, email, name, timezone, createdAt],
  );
  const id = user?.id ?? '';
  await query(
    url,
    `insert into quota.assistants (user_id, provider_assistant_id, name)
     select $1, a, initcap(a) from unnest($2::text[]) a`,
    [id, assistants],
  );
  return id;
}

export interface CallFacts {
  userId: string;
  at: string;
  seconds?: string | null;
  service?: string;
  model?: string | null;
  cost?: string | null;
  /** Rows alike to insert. */
  times?: number;
  /** The clock of the session that inserts; default: the time of the call. */
  asOf?: string;
}

/** Logs calls as an app does, by a plain insert. */
export async function addCalls(url: string, facts: CallFacts): Promise<void> {
  const { userId, at, seconds = null, service = 'voice', model = null, cost = null, times = 1 } = facts;
  await query(
    url,
    `with clock as materialized (select set_config('quota.as_of', $8, false))
     insert into quota.call_logs (user_id, service, provider, started_at, duration_seconds, model, cost)
     select $1, $2, 'test', $3, $4, $5, $6 from clock, generate_series(1, $7)`,
    [userId, service, at, seconds, model, cost, times, facts.asOf ?? at],
  );
}
