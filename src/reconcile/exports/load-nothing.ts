import { createHash } from 'node:crypto';
import type pg from 'pg';
import { insertExport, nextExportId, type StoredExport, selectExports } from './export-store.ts';

/** The format of what is said in place of a file. */
export const nothingFormat = 'nothing';

/**
 * Makes a month one in which a provider billed nothing, as somebody says: an export without lines, in the transaction
 * that is open. A bill that comes later takes its place.
 */
export async function loadNothing(
  client: pg.ClientBase,
  provider: string,
  month: string,
): Promise<StoredExport> {
  const sha256 = createHash('sha256').update(`nothing billed by ${provider} in ${month}`).digest('hex');
  const [known] = await selectExports(client, provider, sha256);
  if (known !== undefined) {
    return known;
  }
  const added = {
    id: await nextExportId(client),
    provider,
    format: nothingFormat,
    source: 'nothing was billed',
    sha256,
    bytes: 0,
    lines: 0,
    calls: 0,
    billed: '0',
    currency: 'USD',
    reading: {},
    covered: null,
    wholeSeconds: false,
    leftOut: { lines: 0, amount: '0', withoutAmount: 0 },
  };
  await insertExport(client, added);
  return added;
}
