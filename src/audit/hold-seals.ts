import { createHash, type Hash } from 'node:crypto';
import type pg from 'pg';
import { auditRowText } from './audit-row-text.ts';
import { type StoredSeal, selectPlainRows, selectSeals } from './plain-row-store.ts';

/** A seal that does not hold. Ids and counts are those of audit rows. */
export interface BrokenSeal {
  seal: string;
  firstId: string;
  lastId: string;
  sealedAt: string;
  sealedRows: number;
  foundRows: number;
  fault: string;
}

/** Of more, one change or another hides the rest. */
const brokenMax = 20;

/**
 * Works every seal out anew from the rows that it covers, hashed here; returns the first that do not hold. In a
 * transaction that sees one moment.
 * @param afterSeal only those after this one
 */
export async function findBrokenSeals(client: pg.ClientBase, afterSeal = '0'): Promise<BrokenSeal[]> {
  const seals = await selectSeals(client);
  const from = seals.findIndex(({ seal }) => BigInt(seal) > BigInt(afterSeal));
  const wanted = from < 0 ? [] : seals.slice(from);
  const [first] = wanted;
  const last = wanted.at(-1);
  if (first === undefined || last === undefined) {
    return [];
  }
  const broken: BrokenSeal[] = [];
  const rows = selectPlainRows(client, String(BigInt(first.firstId) - 1n), last.lastId);
  let row = await rows.next();
  let previous = seals[from - 1];
  for (const seal of wanted) {
    const stretch = newStretch(previous);
    while (!row.done && BigInt(row.value.id) <= BigInt(seal.lastId)) {
      if (BigInt(row.value.id) >= BigInt(seal.firstId)) {
        stretch.rows += 1;
        stretch.hash.update(createHash('sha256').update(auditRowText(row.value)).digest());
      }
      row = await rows.next();
    }
    const fault = faultOf(seal, previous, stretch.rows, stretch.hash.digest('hex'));
    if (fault !== undefined && broken.length < brokenMax) {
      const { seal: id, firstId, lastId, sealedAt, rows: sealedRows } = seal;
      broken.push({ seal: id, firstId, lastId, sealedAt, sealedRows, foundRows: stretch.rows, fault });
    }
    previous = seal;
  }
  return broken;
}

/** Chained to the seal before. */
const newStretch = (previous: StoredSeal | undefined): { rows: number; hash: Hash } => ({
  rows: 0,
  hash: createHash('sha256').update(Buffer.from(previous?.digest ?? '', 'hex')),
});

function faultOf(
  seal: StoredSeal,
  previous: StoredSeal | undefined,
  rows: number,
  digest: string,
): string | undefined {
  const follows =
    BigInt(seal.seal) === BigInt(previous?.seal ?? 0) + 1n &&
    BigInt(seal.firstId) === BigInt(previous?.lastId ?? 0) + 1n;
  if (!follows) {
    return 'seal missing before it';
  }
  if (rows !== seal.rows) {
    return rows < seal.rows ? 'rows removed' : 'rows added';
  }
  return digest === seal.digest ? undefined : 'rows changed, or a seal';
}
