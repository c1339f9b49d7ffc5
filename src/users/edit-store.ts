import type pg from 'pg';

/** What can be changed of a user; absent: stays. */
export interface UserEdit {
  externalId?: string | undefined;
  email?: string | undefined;
  name?: string | undefined;
  /** A name of the time zone database. */
  timezone?: string | undefined;
}

/** Another user who has one of these already; undefined when nobody has. */
export async function selectHolder(
  client: pg.ClientBase,
  userId: string,
  { externalId }: UserEdit,
): Promise<string | undefined> {
  const { rows } = await client.query<{ externalId: string }>(
    `select external_id as "externalId" from quota.users where external_id = $2 and id <> $1`,
    [userId, externalId ?? null],
  );
  return rows[0]?.externalId;
}

/** Whether the server knows a time zone by this name. */
export async function isZoneName(client: pg.ClientBase, timezone: string): Promise<boolean> {
  const { rows } = await client.query<{ known: boolean }>('select quota.is_zone_name($1) as known', [
    timezone,
  ]);
  return rows[0]?.known === true;
}

/** Changes the user; time is cut anew where the zone changes. */
export async function updateUser(
  client: pg.ClientBase,
  userId: string,
  { externalId, email, name, timezone }: UserEdit,
): Promise<void> {
  if (timezone !== undefined) {
    await client.query('select quota.change_zones(array[$1::uuid], array[$2])', [userId, timezone]);
  }
  await client.query(
    `update quota.users set external_id = coalesce($2, external_id), email = coalesce($3, email), name = coalesce($4, name)
     where id = $1`,
    [userId, externalId ?? null, email ?? null, name ?? null],
  );
}
