import type pg from 'pg';
import type { Login, Registration } from './login.ts';

/** Those that are registered, and members of quota_app that are not; by name. */
export async function selectLogins(client: pg.ClientBase): Promise<Login[]> {
  const { rows } = await client.query<Omit<Login, 'registeredAt'> & { registeredAt: Date | null }>(
    `select role_name::text as role, speaks_for as "speaksFor", external_id as "user", claim, state, is_member as "isMember",
       registered_at as "registeredAt", registered_by as "registeredBy"
     from quota.known_logins()`,
  );
  return rows.map((row) => ({ ...row, registeredAt: row.registeredAt?.toISOString() ?? null }));
}

/** Whether the server has a role of this name, may call functions of apps, or is an operator or of finance. */
export async function selectRole(
  client: pg.ClientBase,
  role: string,
): Promise<{ isMember: boolean; isStaff: boolean } | undefined> {
  const { rows } = await client.query<{ isMember: boolean; isStaff: boolean }>(
    `select coalesce(pg_has_role(r.oid, to_regrole('quota_app'), 'usage'), false) as "isMember",
       coalesce(pg_has_role(r.oid, to_regrole('quota_operator'), 'member')
         or pg_has_role(r.oid, to_regrole('quota_finance'), 'member'), false) as "isStaff"
     from pg_roles r where r.rolname = $1`,
    [role],
  );
  return rows[0];
}

/** Registers the role as it is now; what it was registered as, under this name or a former one, goes. */
export async function upsertLogin(
  client: pg.ClientBase,
  role: string,
  { speaksFor, claim, userId }: Omit<Registration, 'user'> & { userId: string | null },
): Promise<void> {
  await client.query(
    `delete from quota.logins l using pg_roles r
     where r.rolname = $1 and (l.role_name = r.rolname or l.role_oid = r.oid)`,
    [role],
  );
  await client.query(
    `insert into quota.logins (role_name, role_oid, speaks_for, user_id, claim)
     select r.rolname, r.oid, $2, $3, $4 from pg_roles r where r.rolname = $1`,
    [role, speaksFor, userId, claim],
  );
}

export async function deleteLogin(client: pg.ClientBase, role: string): Promise<void> {
  await client.query('delete from quota.logins where role_name = $1', [role]);
}
