import type pg from 'pg';

/** Runs a statement of a script that stands in no file of SQL, for it names shards. */
export async function runStatement(client: pg.ClientBase, statement: string): Promise<void> {
  await client.query(statement);
}
