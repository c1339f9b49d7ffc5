import type pg from 'pg';
import type { UserEdit } from './edit-store.ts';

/** Makes the user where there is none; `created` says so. */
export async function ensureUser(
  client: pg.ClientBase,
  { externalId, email, name, createdAt, timezone }: UserEdit,
): Promise<{ userId: string; created: boolean }> {
  const { rows } = await client.query<{ userId: string; created: boolean }>(
    'select user_id as "userId", created from quota.ensure_user($1, $2, $3, $4, $5)',
    [externalId, email ?? null, name ?? null, createdAt ?? null, timezone ?? null],
  );
  return rows[0] ?? { userId: '', created: false };
}

/** Puts a new user on a plan; the trigger of subscriptions finds zone, anchor and next reset. */
export async function insertSubscription(
  client: pg.ClientBase,
  userId: string,
  service: string,
  plan: string,
): Promise<void> {
  await client.query('insert into quota.subscriptions (user_id, service, plan) values ($1, $2, $3)', [
    userId,
    service,
    plan,
  ]);
}
