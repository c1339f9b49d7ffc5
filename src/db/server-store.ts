import type pg from 'pg';

/** `18.1 (Debian 18.1-1)`, as the server writes it. */
export async function selectServerVersion(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  return rows[0]?.version ?? '';
}
