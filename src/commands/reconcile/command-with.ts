import type { ExportFormat } from '../../providers/exports/export-reader.ts';
import type { DateOrder } from '../../values/spreadsheet.ts';

/** Those of the options that say what a file is. */
export interface ReadingOptions {
  month: string;
  provider?: string;
  format?: ExportFormat;
  map?: string[];
  mapping?: string;
  saveMapping?: string;
  dateOrder?: DateOrder;
  decimal?: 'point' | 'comma';
  currency?: string;
  assumeUtc?: boolean;
  feesWithoutDate?: boolean;
}

/** `quota reconcile` for one file, with further arguments: what a hint says can be pasted. */
export function commandWith(
  {
    month,
    provider,
    format,
    map = [],
    dateOrder,
    assumeUtc,
    decimal,
    currency,
    feesWithoutDate,
  }: ReadingOptions,
  file: string,
  args: readonly string[] = [],
): string[] {
  const valued: [flag: string, value: string | undefined][] = [
    ['--provider', args.includes('--provider') ? undefined : provider],
    ['--format', args.includes('--format') ? undefined : format],
    ['--date-order', dateOrder],
    ['--decimal', decimal],
    ['--currency', currency],
    ...map.map((pair): [string, string] => ['--map', pair]),
  ];
  return [
    ...['quota', 'reconcile', '--month', month, '--export', file === 'stdin' ? '-' : file],
    ...valued.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
    ...(assumeUtc ? ['--assume-utc'] : []),
    ...(feesWithoutDate ? ['--fees-without-date'] : []),
    ...args,
  ];
}
