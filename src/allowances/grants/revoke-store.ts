import type pg from 'pg';
import { readRows } from '../../db/cursor.ts';

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
  /** Undefined: all there are. */
  limit?: number | undefined;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Grants with what they gave by the ledger, the latest first. */
export async function selectGrants(client: pg.ClientBase, filter: GrantFilter): Promise<GrantState[]> {
  const { sql, values } = grantQuery(filter);
  return (await client.query<GrantState>(sql, values)).rows;
}

/** The same, as they come. */
export function readGrants(client: pg.ClientBase, filter: GrantFilter): AsyncGenerator<GrantState> {
  const { sql, values } = grantQuery(filter);
  return readRows<GrantState>(client, sql, values, 'in turn');
}

/** Which grants, by what is stored, and in their order; then the ledger of those alone: it reads all usage of a meter. */
function grantQuery({ userId, id, live = false, limit }: GrantFilter) {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = [
    'true',
    ...(userId === undefined ? [] : [`s.user_id = ${bind(userId)}`]),
    ...(id === undefined ? [] : [`s.id = ${bind(id)}`]),
    ...(live
      ? [
          's.created_at <= quota.now()',
          '(s.expires_at is null or s.expires_at > quota.now())',
          '(s.revoked_at is null or s.revoked_at > quota.now())',
        ]
      : []),
  ];
  const first = limit === undefined ? '' : `limit ${bind(limit)}`;
  const sql = `
    select g.id, (select u.external_id from quota.users u where u.id = g.user_id) as "user", g.user_id as "userId",
      m.service, g.meter, m.unit, g.quantity::text as quantity,
      (l.given + l.given_running)::numeric(20,3)::text as given, l.left_over::numeric(20,3)::text as "left",
      case when g.revoked_at <= quota.now() then 'revoked' when g.expires_at <= quota.now() then 'expired'
        when l.left_over = 0 then 'used up' else 'live' end as state,
      ${iso('g.created_at')} as "createdAt", ${iso('g.expires_at')} as "expiresAt", ${iso('g.revoked_at')} as "revokedAt",
      g.actor, g.reason, g.revoked_by as "revokedBy", g.revoke_reason as "revokeReason"
    from (
      select s.* from quota.grants s where ${conditions.join(' and ')}
      order by s.created_at desc, s.id desc ${live ? '' : first} offset 0
    ) g
    cross join lateral (select * from quota.meters m where m.key = g.meter offset 0) m
    cross join lateral (select * from quota.grant_ledger(g.user_id, g.meter) l where l.id = g.id offset 0) l
    ${live ? 'where l.left_over > 0' : ''}
    order by g.created_at desc, g.id desc ${first}`;
  return { sql, values };
}

/** Takes a grant back and enforces what that leaves. @returns false when it was taken back already */
export async function revokeGrant(client: pg.ClientBase, id: string, reason: string): Promise<boolean> {
  const { rows } = await client.query<{ id: string | null }>(`select (quota.revoke_grant($1, $2)).id`, [
    id,
    reason,
  ]);
  return rows[0]?.id != null;
}
