import type { BillingLine } from '../../providers/exports/billing-line.ts';

/** Columns of quota.billing_lines in the order of `encodeLine`. */
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

/**
 * A line as COPY wants it. Written out, because a million lines pass through here: instants, decimals and days
 * have been checked and need no escapes.
 */
export const encodeLine = (exportId: number, line: BillingLine): string =>
  `${exportId}\t${line.lineNumber}\t${line.kind}\t${text(line.externalId)}\t${text(line.assistantId)}\t` +
  `${text(line.model)}\t${text(line.status)}\t${line.createdAt ?? '\\N'}\t${line.startedAt ?? '\\N'}\t` +
  `${line.endedAt ?? '\\N'}\t${line.durationSeconds ?? '\\N'}\t${line.quantity ?? '\\N'}\t${text(line.unit)}\t` +
  `${line.cost ?? '\\N'}\t${text(line.description)}\t${line.day ?? '\\N'}\t${text(line.raw)}\t` +
  `${text(line.charge)}\t${line.invoiceMonth ?? '\\N'}\n`;

const special = /[\\\t\n\r\0]/;
const specials = /[\\\t\n\r\0]/g;
/** PostgreSQL has no text with a zero character. */
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\ufffd',
};

function text(value: string | null): string {
  if (value === null) {
    return '\\N';
  }
  return special.test(value) ? value.replace(specials, (character) => escapes[character] ?? '') : value;
}
