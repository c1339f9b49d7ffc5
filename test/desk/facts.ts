import type { QueryResultRow } from 'pg';

/** Where facts are put. */
export interface Tables {
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  queryAt<Row extends QueryResultRow>(
    instant: string,
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

export interface UserFacts {
  externalId: string;
  email?: string | null;
  name?: string | null;
  timezone?: string;
  createdAt?: string;
  assistants?: readonly string[];
}

/** Adds a user with assistants; returns the id. */
export async function addUser(tables: Pick<Tables, 'query'>, facts: UserFacts): Promise<string> {
  const {
    externalId,
    email = `${externalId}@example.com`,
    name = null,
    timezone = 'UTC',
    createdAt = '2024-01-31T12:00:00Z',
    assistants = [],
  } = facts;
  const [user] = await tables.query<{ id: string }>(
    `with added as (
       insert into quota.users (external_id, email, name, timezone, created_at) values ($1, $2, $3, $4, $5)
       returning id
     ), owned as (
       insert into quota.assistants (user_id, provider_assistant_id, name)
       select id, a, initcap(a) from added, unnest($6::text[]) a
     )
     select id from added`,
    [externalId, email, name, timezone, createdAt, assistants],
  );
  return user?.id ?? '';
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
export async function addCalls(tables: Tables, facts: CallFacts): Promise<void> {
  const { userId, at, seconds = null, service = 'voice', model = null, cost = null, times = 1 } = facts;
  await tables.queryAt(
    facts.asOf ?? at,
    `insert into quota.call_logs (user_id, service, provider, started_at, duration_seconds, model, cost)
     select $1, $2, 'test', $3, $4, $5, $6 from generate_series(1, $7)`,
    [userId, service, at, seconds, model, cost, times],
  );
}
