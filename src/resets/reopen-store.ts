import type pg from 'pg';

/** A subscription whose last reset is dated after an instant; instants ISO 8601 UTC. */
export interface AheadReset {
  externalId: string;
  service: string;
  lastResetAt: string;
}

export async function selectResetsAfter(
  client: pg.ClientBase,
  after: string,
  userId: string | null,
): Promise<AheadReset[]> {
  const { rows } = await client.query<{ externalId: string; service: string; lastResetAt: Date }>(
    `select u.external_id as "externalId", s.service, s.last_reset_at as "lastResetAt"
     from quota.subscriptions s join quota.users u on u.id = s.user_id
     where s.last_reset_at > $1 and ($2::uuid is null or s.user_id = $2)
     order by s.last_reset_at desc, u.external_id, s.service`,
    [after, userId],
  );
  return rows.map((row) => ({ ...row, lastResetAt: row.lastResetAt.toISOString() }));
}

/** Opens again what resets after an instant closed, with an audit row each. @returns subscriptions and periods */
export async function reopenAfter(
  client: pg.ClientBase,
  after: string,
  reason: string,
  userId: string | null,
): Promise<{ subscriptions: number; periods: number }> {
  const { rows } = await client.query<{ subscriptions: number; periods: number }>(
    `select count(*)::integer as subscriptions, coalesce(sum(r.reopened), 0)::integer as periods
     from quota.reopen_after($1, $2, $3) r`,
    [after, reason, userId],
  );
  return rows[0] ?? { subscriptions: 0, periods: 0 };
}
