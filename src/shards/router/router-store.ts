import type pg from 'pg';

export interface RouterState {
  hasSchema: boolean;
  /** Of the schema. */
  comment: string | null;
  /** Whether the server can be given the extension. */
  hasProxy: boolean;
}

export async function selectRouterState(client: pg.ClientBase): Promise<RouterState> {
  const { rows } = await client.query<RouterState>(
    `select to_regnamespace('quota') is not null as "hasSchema",
       obj_description(to_regnamespace('quota'), 'pg_namespace') as comment,
       exists (select from pg_available_extensions where name = 'plproxy') as "hasProxy"`,
  );
  return rows[0] ?? { hasSchema: false, comment: null, hasProxy: false };
}
