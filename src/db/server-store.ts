import type pg from 'pg';

/** `18.1 (Debian 18.1-1)`, as the server writes it. */
export async function selectServerVersion(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  return rows[0]?.version ?? '';
}

/** The name of the database, and how it encodes text: `UTF8`. */
export async function selectEncoding(client: pg.ClientBase): Promise<{ database: string; encoding: string }> {
  const { rows } = await client.query<{ database: string; encoding: string }>(
    `select current_database() as database, current_setting('server_encoding') as encoding`,
  );
  return rows[0] ?? { database: '', encoding: '' };
}
