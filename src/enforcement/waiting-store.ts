import type pg from 'pg';

/** Users of these plans with provider work that is queued. */
export async function selectWaitingUsers(client: pg.ClientBase, plans: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select distinct l.user_id as id
     from quota.assistant_limits l join quota.subscriptions s on s.user_id = l.user_id
     where s.plan = any ($1) and l.status in ('pending', 'failed')`,
    [plans],
  );
  return rows.map(({ id }) => id);
}
