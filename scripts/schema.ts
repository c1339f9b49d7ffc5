/** Writes sql/schema.sql: migrates a database of an embedded server of its own and prints what its catalogue says. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCatalogue } from '../src/db/core/catalogue-store.ts';
import { stopEmbedded } from '../src/db/embedded/control.ts';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { migrate } from '../src/db/migrations.ts';
import { withTransaction } from '../src/db/transaction.ts';
import { printSchema } from './print-schema.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'quota-schema-'));
chmodSync(dataDir, 0o711); // as root, the server's account must be able to pass
try {
  const { client, url, close } = await openEmbedded({ dataDir });
  await migrate(url, { talk: { info: () => {}, verbose: () => {} } });
  writeFileSync('sql/schema.sql', printSchema(await withTransaction(client, () => readCatalogue(client))));
  await close();
} finally {
  await stopEmbedded(dataDir, { force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
