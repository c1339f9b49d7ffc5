import type pg from 'pg';

/** What has to be the same everywhere, each part by its hash: `plan voice-free`, `tables and functions`. */
export interface Definitions {
  parts: Readonly<Record<string, string>>;
  users: number;
}

export async function selectDefinitions(client: pg.ClientBase): Promise<Definitions> {
  const { rows } = await client.query<Definitions>(
    `select (select count(*)::int from quota.users where erased_at is null) as users,
       (select json_object_agg(part, md5(definition)) from (
         select 'plan ' || key as part, quota.plan_definition(key)::text as definition from quota.plans
         union all
         select 'meter ' || key, (to_jsonb(m) - 'changed_at')::text from quota.meters m
         union all
         select 'tables and functions',
           (select sha256 from quota.schema_core) || (select max(name) from quota.schema_migrations)
       ) all_parts) as parts`,
  );
  return rows[0] ?? { parts: {}, users: 0 };
}
