import type pg from 'pg';
import type { User } from './user.ts';

interface UserRow {
  id: string;
  external_id: string;
  email: string | null;
  name: string | null;
  timezone: string;
  created_at: Date;
  erased_at: Date | null;
}

/** Enough to tell a person which users share an email. */
const matchesMax = 10;

export interface UserMatch {
  by: 'id' | 'externalId' | 'email';
  user: User;
}

/** The users with this id, external id or email (in any case), in this order; at most 10. */
export async function selectMatchingUsers(client: pg.ClientBase, reference: string): Promise<UserMatch[]> {
  const { rows } = await client.query<UserRow & { by: UserMatch['by'] }>(
    `select m.by, u.id, u.external_id, u.email, u.name, u.timezone, u.created_at, u.erased_at
     from (
       select 1 as rank, 'id' as by, id from quota.users where id = $2
       union all
       select 2, 'externalId', id from quota.users where external_id = $1
       union all
       select 3, 'email', id from quota.users where lower(email) = lower($1)
     ) m
     join quota.users u using (id)
     order by m.rank, u.external_id
     limit ${matchesMax}`,
    [reference, isUuid(reference) ? reference : null],
  );
  return rows.map(({ by, ...row }) => ({ by, user: userOf(row) }));
}

const isUuid = (text: string) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

const userOf = (row: UserRow): User => ({
  id: row.id,
  externalId: row.external_id,
  email: row.email,
  name: row.name,
  timezone: row.timezone,
  createdAt: row.created_at.toISOString(),
  erasedAt: row.erased_at?.toISOString() ?? null,
});

/** Names by which a user can be called. */
export interface UserName {
  externalId: string;
  email: string | null;
}

/** Of each neighbourhood of each index: what is read does not grow with the number of users. */
const neighboursMax = 20;

/**
 * Users whose external id or email is one of `variants`, follows `prefix`, or stands next to `reference` in the
 * order of the indexes.
 */
export async function selectUsersLike(
  client: pg.ClientBase,
  { reference, prefix, variants }: { reference: string; prefix: string; variants: readonly string[] },
): Promise<UserName[]> {
  const { rows } = await client.query<UserName>(
    `with near as (
       (select id from quota.users where external_id = any ($3) limit ${neighboursMax})
       union all
       (select id from quota.users where lower(email) = any ($3) limit ${neighboursMax})
       union all
       (select id from quota.users where external_id >= $1 order by external_id limit ${neighboursMax})
       union all
       (select id from quota.users where external_id < $1 order by external_id desc limit ${neighboursMax})
       union all
       (select id from quota.users where external_id >= $2 order by external_id limit ${neighboursMax})
       union all
       (select id from quota.users where lower(email) >= lower($1) order by lower(email) limit ${neighboursMax})
       union all
       (select id from quota.users where lower(email) < lower($1) order by lower(email) desc limit ${neighboursMax})
       union all
       (select id from quota.users where lower(email) >= lower($2) order by lower(email) limit ${neighboursMax})
     )
     select external_id as "externalId", email
     from quota.users where id in (select id from near)
     order by external_id`,
    [reference, prefix, variants],
  );
  return rows;
}
