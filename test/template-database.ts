import type pg from 'pg';
import { withClient } from '../src/db/client.ts';
import { migrate } from '../src/db/migrations.ts';
import { selectCallTable } from '../src/db/partition/call-table-store.ts';
import { partitionCalls } from '../src/db/partition/partition-calls.ts';

export const templateDatabase = 'quota_template';

/** The URL of another database on the same server. */
export const databaseUrl = (serverUrl: string, name: string) => serverUrl.replace(/\/\w+\?/, `/${name}?`);

const quiet = { info: () => {}, warn: () => {}, verbose: () => {} };

/** Divides the calls of a database by month, from the first month of 2026 on: what tests do happens in several. */
const partition = (url: string): Promise<unknown> =>
  withClient(url, async (client) => {
    await partitionCalls({ client, url }, await selectCallTable(client, '2026-01'), undefined, {
      talk: { isQuiet: true, ...quiet, withProgress: (_label, _total, use) => use({ update: () => {} }) },
      signal: new AbortController().signal,
    });
    // Tests count what the history has, of a database that is new.
    await client.query(
      `alter table quota.audit_log disable trigger user;
       delete from quota.audit_log;
       alter table quota.audit_log enable trigger user`,
    );
  });

/**
 * Makes the migrated database that tests are cloned from. Nobody may stay connected to it. With QUOTA_TEST_PARTITIONED=1 its
 * calls are divided by month.
 */
export async function createTemplateDatabase(client: pg.Client, serverUrl: string): Promise<void> {
  await client.query(`create database ${templateDatabase}`);
  const url = databaseUrl(serverUrl, templateDatabase);
  await migrate(url, { talk: quiet });
  if (process.env.QUOTA_TEST_PARTITIONED === '1') {
    await partition(url);
  }
}
