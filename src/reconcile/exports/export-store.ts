import type pg from 'pg';
import { copyBinary } from '../../db/copy-binary.ts';
import type { LeftOut } from '../../files/bad-lines.ts';
import { lineColumns } from './line-copy.ts';
import type { Covered } from './line-totals.ts';

/** An export that is loaded. */
export interface StoredExport {
  id: number;
  provider: string;
  /** The file as it was given, or where it was fetched. */
  source: string;
  /** Of its bytes as given. */
  sha256: string;
  lines: number;
  format: string;
  reading: Reading;
}

/** How a file was told to be read; what was not said is missing. */
export interface Reading {
  mapping?: string[];
  dateOrder?: string;
  assumeUtc?: boolean;
  decimal?: string;
  currency?: string;
  feesWithoutDate?: boolean;
}

const exportColumns = 'e.id, e.provider, e.source, e.sha256, e.lines, e.format, e.reading';

/** The exports of a content, of whatever provider and way in which it was read. */
export async function selectExportsOfContent(client: pg.ClientBase, sha256: string): Promise<StoredExport[]> {
  const { rows } = await client.query<StoredExport>(
    `select ${exportColumns} from quota.billing_exports e where e.sha256 = $1 order by e.id`,
    [sha256],
  );
  return rows;
}

/** The exports of a content: one for each way in which it was read. */
export async function selectExports(
  client: pg.ClientBase,
  provider: string,
  sha256: string,
): Promise<StoredExport[]> {
  const { rows } = await client.query<StoredExport>(
    `select ${exportColumns} from quota.billing_exports e where e.provider = $1 and e.sha256 = $2 order by e.id`,
    [provider, sha256],
  );
  return rows;
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
export const copyLines = (client: pg.ClientBase, encoded: AsyncIterable<Buffer>): Promise<number> =>
  copyBinary(client, { table: 'quota.billing_lines', columns: lineColumns }, encoded);

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
  reading: Reading;
  covered: Covered;
  wholeSeconds: boolean;
  leftOut: LeftOut;
}

/** Makes one line of rows that state a call by its parts. Returns how many calls the export has. */
export async function foldParts(client: pg.ClientBase, exportId: number): Promise<number> {
  const { rows } = await client.query<{ calls: number }>('select quota.fold_parts($1) as calls', [exportId]);
  return rows[0]?.calls ?? 0;
}

/** Nobody who was erased gets a description back by a bill: that of their calls is taken out of the lines again. */
export async function forgetErased(client: pg.ClientBase, exportId: number): Promise<void> {
  await client.query('select quota.forget_lines($1)', [exportId]);
}

export async function insertExport(client: pg.ClientBase, added: NewExport): Promise<void> {
  await client.query(
    `insert into quota.billing_exports
       (id, provider, format, source, sha256, bytes, lines, calls, billed, currency, reading, covered_from, covered_until,
        whole_seconds, left_out_lines, left_out_amount, left_out_unknown)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
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
      JSON.stringify(added.reading),
      added.covered?.from ?? null,
      added.covered?.until ?? null,
      added.wholeSeconds,
      added.leftOut.lines,
      added.leftOut.amount,
      added.leftOut.withoutAmount,
    ],
  );
}
