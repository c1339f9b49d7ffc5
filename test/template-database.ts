import type pg from 'pg';
import { migrate } from '../src/db/migrations.ts';

export const templateDatabase = 'quota_template';

/** The URL of another database on the same server. */
export const databaseUrl = (serverUrl: string, name: string) => serverUrl.replace(/\/\w+\?/, `/${name}?`);

/** Makes the migrated database that tests are cloned from. Nobody may stay connected to it. */
export async function createTemplateDatabase(client: pg.Client, serverUrl: string): Promise<void> {
  await client.query(`create database ${templateDatabase}`);
  await migrate(databaseUrl(serverUrl, templateDatabase), { talk: { info: () => {}, verbose: () => {} } });
}
