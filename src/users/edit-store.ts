import type pg from 'pg';

/** What can be changed of a user; absent: stays. */
export interface UserEdit {
  externalId?: string | undefined;
  email?: string | undefined;
  name?: string | undefined;
  /** A name of the time zone database. */
  timezone?: string | undefined;
  /** Signup, ISO 8601 UTC. */
  createdAt?: string | undefined;
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

/** @throws QT003, QT004 for an email, a name, a zone or a signup that cannot be */
export async function refuseUnfitPerson(
  client: pg.ClientBase,
  { email, name, createdAt, timezone }: UserEdit,
): Promise<void> {
  await client.query('select quota.refuse_unfit_person($1, $2, $3, $4)', [
    email ?? null,
    name ?? null,
    createdAt ?? null,
    timezone ?? null,
  ]);
}

/** Changes the user; time is cut anew where the zone or the signup changes. */
export async function updateUser(
  client: pg.ClientBase,
  userId: string,
  { externalId, email, name, timezone, createdAt }: UserEdit,
): Promise<void> {
  if (timezone !== undefined) {
    await client.query('select quota.change_zones(array[$1::uuid], array[$2])', [userId, timezone]);
  }
  if (createdAt !== undefined) {
    await client.query('select quota.move_signup($1, $2)', [userId, createdAt]);
  }
  await client.query(
    `update quota.users set external_id = coalesce($2, external_id), email = coalesce($3, email), name = coalesce($4, name)
     where id = $1`,
    [userId, externalId ?? null, email ?? null, name ?? null],
  );
}

/** Whether a subscription that follows the user's zone is in one that the server does not know any more. */
export async function hasUnknownZone(client: pg.ClientBase, userId: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from quota.subscriptions s join quota.plans p on p.key = s.plan
     where s.user_id = $1 and p.timezone is null and not quota.is_known_zone(s.timezone)`,
    [userId],
  );
  return rowCount !== 0;
}
