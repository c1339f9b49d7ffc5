import { BinaryRows } from '../../db/copy-binary.ts';
import type { BillingLine } from '../../providers/exports/billing-line.ts';

/** Columns of quota.billing_lines in the order of `add`. */
export const lineColumns = [
  'export_id',
  'line',
  'kind',
  'external_id',
  'assistant_id',
  'model',
  'status',
  'created_at',
  'started_at',
  'ended_at',
  'duration_seconds',
  'quantity',
  'unit',
  'cost',
  'description',
  'day',
  'raw',
  'charge',
  'invoice_month',
] as const;

/** Of the lines of one batch, as a rule. */
const batchBytes = 128 * 1024;

/** The lines of an export as COPY wants them. Written out, because a million lines pass through here. */
export class LineEncoder {
  readonly #exportId: number;
  readonly #rows = new BinaryRows(batchBytes);

  constructor(exportId: number) {
    this.#exportId = exportId;
  }

  add(line: BillingLine): void {
    const rows = this.#rows;
    rows.begin(lineColumns.length);
    rows.integer(this.#exportId);
    rows.integer(line.lineNumber);
    rows.text(line.kind);
    rows.text(line.externalId);
    rows.text(line.assistantId);
    rows.text(line.model);
    rows.text(line.status);
    rows.timestamp(line.createdAt);
    rows.timestamp(line.startedAt);
    rows.timestamp(line.endedAt);
    rows.numeric(line.durationSeconds);
    rows.numeric(line.quantity);
    rows.text(line.unit);
    rows.numeric(line.cost);
    rows.text(line.description);
    rows.date(line.day);
    rows.text(line.raw);
    rows.text(line.charge);
    rows.date(line.invoiceMonth);
  }

  /** The lines since the last time; null if there are none. */
  take(): Buffer | null {
    return this.#rows.take();
  }
}
