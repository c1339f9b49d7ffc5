import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { withClient } from '../../../src/db/client.ts';
import { type CatalogueObject, readCatalogue } from '../../../src/db/core/catalogue-store.ts';
import { withTransaction } from '../../../src/db/transaction.ts';
import { createTestDatabase, query, type TestDatabase } from '../../database.ts';

const folder = 'fixtures/upgrades';

/** The commits of which scripts/upgrade-dump.mjs made a dump. */
export const landedVersions = readdirSync(folder)
  .filter((name) => name.endsWith('.sql.gz'))
  .map((name) => name.slice(0, -'.sql.gz'.length));

/** The instant that the dumps were made for. */
export const dumpedAt = '2026-11-15T12:00:00Z';

/** A database as that version of quota left it. */
export async function restoreVersion(version: string): Promise<TestDatabase> {
  const database = await createTestDatabase('empty');
  await query(database.url, gunzipSync(readFileSync(`${folder}/${version}.sql.gz`)).toString('utf8'));
  return database;
}

/** What the catalogue says of everything: `kind identity` to the statements that would make it. */
export async function catalogueOf({ url }: Pick<TestDatabase, 'url'>): Promise<Record<string, string>> {
  const objects = await withClient(url, (client) => withTransaction(client, () => readCatalogue(client)));
  const entries = objects.map((object: CatalogueObject) => [
    `${object.kind} ${object.identity}`,
    object.definition,
  ]);
  return Object.fromEntries(entries);
}

/** Every column that a database has, but for the record of migrations, with a hash of all its values. */
export async function factsOf({ url }: Pick<TestDatabase, 'url'>): Promise<Record<string, string>> {
  const columns = await query<{ tab: string; col: string }>(
    url,
    `select c.relname as tab, a.attname as col
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'quota'::regnamespace and c.relkind = 'r' and c.relname not like 'schema\\_%'
     order by 1, a.attnum`,
  );
  const hashes = columns.map(
    ({ tab, col }) =>
      `select '${tab}.${col}' as column, count(*) || ' ' || coalesce(md5(string_agg(md5(coalesce("${col}"::text, '-')), '' order by md5(coalesce("${col}"::text, '-')))), '') as hash from quota.${tab}`,
  );
  const rows = await query<{ column: string; hash: string }>(url, hashes.join(' union all '));
  return Object.fromEntries(rows.map(({ column, hash }) => [column, hash]));
}
