import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printSchema, viewsHeading } from '../../scripts/print-schema.ts';
import { withClient } from '../../src/db/client.ts';
import { readCatalogue } from '../../src/db/core/catalogue-store.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';

/** The version of the embedded server, which the dump is made with. */
const dumpedBy = 18;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('sql/schema.sql is what sql/ and migrations/ come to: npm run schema', async () => {
  const [server] = await query<{ major: number }>(
    database.url,
    `select current_setting('server_version_num')::integer / 10000 as major`,
  );
  const comparable = (text: string) =>
    server?.major === dumpedBy ? text : (text.split(viewsHeading)[0] ?? '');
  const objects = await withClient(database.url, (client) =>
    withTransaction(client, () => readCatalogue(client)),
  );
  expect(comparable(readFileSync('sql/schema.sql', 'utf8'))).toBe(comparable(printSchema(objects)));
});
