import type pg from 'pg';

/** The roles for others than the owner of the schema, which belong to the whole server. */
const roleNames = ['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly'];

export interface RoleState {
  role: string;
  /** `powerless`: it is there, and has not been given its rights here. */
  state: 'ready' | 'missing' | 'powerless';
}

/** Each of the roles; without the schema they can have no rights. */
export async function selectRoles(client: pg.ClientBase): Promise<RoleState[]> {
  const { rows } = await client.query<RoleState>(
    `select wanted.role, case
        when r.oid is null then 'missing'
        when not coalesce(has_schema_privilege(r.oid, to_regnamespace('quota')::oid, 'usage'), false) then 'powerless'
        else 'ready' end as state
     from unnest($1::text[]) with ordinality as wanted (role, place)
       left join pg_roles r on r.rolname = wanted.role
     order by wanted.place`,
    [roleNames],
  );
  return rows;
}

/** Those that are not as they should be. */
export const selectLostRoles = async (client: pg.ClientBase): Promise<RoleState[]> =>
  (await selectRoles(client)).filter(({ state }) => state !== 'ready');

/** What whoever may make roles runs. */
export const createRolesSql = (roles: readonly string[]): string =>
  roles.map((role) => `create role ${role} nologin;`).join(' ');
