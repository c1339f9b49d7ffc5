import type { ExportOptions } from '../../src/providers/exports/opened-export.ts';

/** A file of a form that is known, and what is in it. */
export interface KnownExport {
  /** In fixtures/exports. */
  file: string;
  format: string;
  lines: number;
  /** The sum of what it states, as an exact decimal. */
  billed: string;
  /** Of most of its lines. */
  month: string;
  /** How it is told to be read. */
  options?: ExportOptions;
}

const of = (provider: string) => ({ provider });

/** One small file for each form. `docs/billing-exports.md` lists them. */
export const knownExports: readonly KnownExport[] = [
  ['vapi-calls.json', 'vapi-calls', 4, '0.8958741000000000', '2026-10'],
  ['vapi-calls.jsonl', 'vapi-calls', 4, '0.8958741000000000', '2026-10'],
  ['vapi-calls.jsonl.gz', 'vapi-calls', 4, '0.8958741000000000', '2026-10'],
  ['vapi-calls-v2.json', 'vapi-calls', 4, '0.8958741000000000', '2026-10'],
  ['vapi-call-log.tsv', 'vapi-call-log', 3, '0.1330', '2026-10'],
  ['vapi-call-log.csv', 'vapi-call-log', 2, '0.1330', '2026-10'],
  ['heygen-list.json', 'heygen-sessions', 3, '0', '2025-10'],
  ['heygen-data-data.json', 'heygen-sessions', 3, '0', '2025-10'],
  ['heygen-sessions.json', 'heygen-sessions', 3, '0', '2025-10'],
  ['liveavatar-page.json', 'liveavatar-sessions', 3, '0', '2026-10'],
  ['liveavatar-sessions.json', 'liveavatar-sessions', 3, '0', '2026-10'],
  ['liveavatar-sessions.jsonl', 'liveavatar-sessions', 3, '0', '2026-10'],
  ['openai-costs.csv', 'openai-costs-csv', 3, '0.8958980000000000', '2025-10'],
  ['openai-costs-4.csv', 'openai-costs-csv', 0, '0', '2026-10'],
  ['openai-costs-16.csv', 'openai-costs-csv', 3, '0.253835980000000000000000000000000000', '2026-10'],
  ['openai-costs-17.csv', 'openai-costs-csv', 3, '0.253835980000000000000000000000000000', '2026-10'],
  ['openai-costs.json', 'openai-costs', 2, '0.9558740000000000', '2025-10'],
  ['openai-costs-zero.json', 'openai-costs', 2, '5.00', '2026-10'],
  ['openai-costs-empty.json', 'openai-costs', 0, '0', '2026-10'],
  ['openai-usage.csv', 'openai-usage-csv', 2, '0', '2025-10'],
  ['openai-activity-26.csv', 'openai-usage-csv', 3, '0', '2026-10'],
  ['openai-transcriptions.csv', 'openai-usage-csv', 1, '0', '2025-10'],
  ['anthropic-cost-report.json', 'anthropic-costs', 2, '1.2375', '2026-10'],
  ['anthropic-console-9.csv', 'anthropic-costs-csv', 4, '4.89', '2026-10'],
  ['anthropic-console-11.csv', 'anthropic-costs-csv', 4, '4.89', '2026-10'],
  ['anthropic-console-12.csv', 'anthropic-costs-csv', 4, '4.89', '2026-10'],
  ['anthropic-console-14.csv', 'anthropic-costs-csv', 4, '4.89', '2026-10'],
  ['focus-1.0.csv', 'focus', 3, '86.57', '2026-10'],
  ['focus-1.0.snappy.parquet', 'focus', 3, '86.57', '2026-10'],
  ['focus-1.0.gzip.parquet', 'focus', 3, '86.57', '2026-10'],
  ['focus-1.0.zstd.parquet', 'focus', 3, '86.57', '2026-10'],
  ['focus-manifest/metadata/BILLING_PERIOD=2026-10/focus-Manifest.json', 'focus', 3, '86.57', '2026-10'],
  ['focus-1.2.csv', 'focus', 6, '12.46730352', '2026-10'],
  ['focus-1.3.csv', 'focus', 1, '0.42', '2026-10'],
  ['focus-prepaid.csv', 'focus', 7, '95.2692', '2026-10'],
  ['focus-call-parts.csv', 'focus', 3, '0.3238', '2026-10'],
  ['focus-correction.csv', 'focus', 2, '225', '2026-10'],
  ['calls-of-anybody.json', 'csv', 2, '0.0915', '2026-10', of('acme')],
  ['sums-of-anybody.csv', 'csv', 3, '3.75', '2026-10', of('acme')],
  ['excel-de.csv', 'csv', 2, '1000.7315', '2026-10', { ...of('acme'), dateOrder: 'dmy', decimal: 'comma' }],
  ['excel-serial.csv', 'csv', 2, '1000.7315', '2026-10', { ...of('acme'), dateOrder: 'serial' }],
].map(([file, format, lines, billed, month, options]) => ({
  file: file as string,
  format: format as string,
  lines: lines as number,
  billed: billed as string,
  month: month as string,
  ...(options === undefined ? {} : { options: options as ExportOptions }),
}));
