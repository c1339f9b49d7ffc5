import type pg from 'pg';
import { copyPieces } from '../db/copy.ts';
import { lineColumns } from './line-copy.ts';

/** An export that is loaded. */
export interface StoredExport {
  id: number;
  provider: string;
  /** The file as it was given, or where it was fetched. */
  source: string;
  /** Of its bytes as given. */
  sha256: string;
  lines: number;
}

const exportColumns = 'e.id, e.provider, e.source, e.sha256, e.lines';

/** Exports of this size: a file that has been loaded before is one of them. */
export async function selectExportsOfSize(client: pg.ClientBase, bytes: number): Promise<StoredExport[]> {
  const { rows } = await client.query<StoredExport>(
    `select ${exportColumns} from quota.billing_exports e where e.bytes = $1 order by e.id`,
    [bytes],
  );
  return rows;
}

export async function selectExport(
  client: pg.ClientBase,
  provider: string,
  sha256: string,
): Promise<StoredExport | undefined> {
  const { rows } = await client.query<StoredExport>(
    `select ${exportColumns} from quota.billing_exports e where e.provider = $1 and e.sha256 = $2`,
    [provider, sha256],
  );
  return rows[0];
}

/** The exports of a source that a month has. */
export async function selectAttachedOfSource(
  client: pg.ClientBase,
  { provider, month, source }: { provider: string; month: string; source: string },
): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    `select e.id
     from quota.reconciliations r
     join quota.reconciliation_exports x on x.reconciliation_id = r.id
     join quota.billing_exports e on e.id = x.export_id
     where r.provider = $1 and r.month = $2 and e.source = $3 order by e.id`,
    [provider, `${month}-01`, source],
  );
  return rows.map(({ id }) => id);
}

/** The id for a new export, held until the transaction ends: another load waits. */
export async function nextExportId(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ id: number }>('select quota.next_export() as id');
  return rows[0]?.id ?? 0;
}

/** Loads encoded lines; nobody sees them before the transaction ends. Returns how many. */
export const copyLines = (client: pg.ClientBase, encoded: AsyncIterable<string>): Promise<number> =>
  copyPieces(client, { table: 'quota.billing_lines', columns: lineColumns }, encoded);

export interface NewExport {
  id: number;
  provider: string;
  format: string;
  source: string;
  sha256: string;
  bytes: number;
  lines: number;
  calls: number;
  /** The sum of the costs as an exact decimal. */
  billed: string;
  currency: string | null;
}

export async function insertExport(client: pg.ClientBase, added: NewExport): Promise<void> {
  await client.query(
    `insert into quota.billing_exports
       (id, provider, format, source, sha256, bytes, lines, calls, billed, currency)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      added.id,
      added.provider,
      added.format,
      added.source,
      added.sha256,
      added.bytes,
      added.lines,
      added.calls,
      added.billed,
      added.currency,
    ],
  );
}
