import type pg from 'pg';

/** A grant and what became of it; quantities in the unit of the meter, exact decimals as text, instants ISO 8601 UTC. */
export interface GrantState {
  id: string;
  /** External id. */
  user: string;
  userId: string;
  service: string;
  meter: string;
  unit: string;
  quantity: string;
  /** What it gave, the running period included. */
  given: string;
  /** What it still has; 0 once it expired or was revoked. */
  left: string;
  state: 'live' | 'used up' | 'expired' | 'revoked';
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  actor: string;
  reason: string;
  revokedBy: string | null;
  revokeReason: string | null;
}

export interface GrantFilter {
  userId?: string | undefined;
  id?: string | undefined;
  /** Only those that still give something. */
  live?: boolean | undefined;
  limit: number;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Grants with what they gave by the ledger, the latest first. */
export async function selectGrants(
  client: pg.ClientBase,
  { userId, id, live = false, limit }: GrantFilter,
): Promise<GrantState[]> {
  const { rows } = await client.query<GrantState>(
    `select g.id, u.external_id as "user", g.user_id as "userId", m.service, g.meter, m.unit, g.quantity::text as quantity,
       (l.given + l.given_running)::numeric(20,3)::text as given, l.left_over::numeric(20,3)::text as "left",
       case when g.revoked_at <= quota.now() then 'revoked' when g.expires_at <= quota.now() then 'expired'
         when l.left_over = 0 then 'used up' else 'live' end as state,
       ${iso('g.created_at')} as "createdAt", ${iso('g.expires_at')} as "expiresAt", ${iso('g.revoked_at')} as "revokedAt",
       g.actor, g.reason, g.revoked_by as "revokedBy", g.revoke_reason as "revokeReason"
     from quota.grants g
     join quota.users u on u.id = g.user_id
     join quota.meters m on m.key = g.meter
     cross join lateral (
       select * from quota.grant_ledger(g.user_id, g.meter) l where l.id = g.id) l
     where ($1::uuid is null or g.user_id = $1) and ($2::bigint is null or g.id = $2)
       and (not $3 or (l.left_over > 0 and g.created_at <= quota.now()))
     order by g.created_at desc, g.id desc
     limit $4`,
    [userId, id, live, limit],
  );
  return rows;
}

/** Takes a grant back and enforces what that leaves. @returns false when it was taken back already */
export async function revokeGrant(client: pg.ClientBase, id: string, reason: string): Promise<boolean> {
  const { rows } = await client.query<{ id: string | null }>(`select (quota.revoke_grant($1, $2)).id`, [
    id,
    reason,
  ]);
  return rows[0]?.id != null;
}
