import type { BadLinesOptions, LeftOut } from '../../files/bad-lines.ts';
import type { CellFormat } from '../../files/cells.ts';
import type { InputDigest } from '../../files/input.ts';
import type { BillingLine } from './billing-line.ts';
import type { ExportFormat } from './export-reader.ts';

export interface ExportOptions extends CellFormat, Pick<BadLinesOptions, 'keep' | 'onReject'> {
  /** Instead of recognising it. */
  format?: ExportFormat | undefined;
  /**
   * Whose bill it is. Formats of one provider are refused for another; lines of FOCUS and CSV that name a provider
   * keep it, those that name none get this one.
   */
  provider?: string | undefined;
  /** `theirs=ours` pairs, with the columns of FOCUS; others make a CSV a generic one. */
  mapping?: readonly string[] | undefined;
  /** Of amounts for which the file names none: ISO 4217. */
  currency?: string | undefined;
  /** Rows that name no call, day or time are fees of the month that is asked for. */
  feesWithoutDate?: boolean | undefined;
  /** Go on without the lines that cannot be read. */
  skipInvalid?: boolean | undefined;
  /** The command that the caller runs for a file, with further arguments, for hints that can be pasted. */
  commandWith?: ((file: string, args: readonly string[]) => readonly string[]) | undefined;
}

export interface ExportSummary extends InputDigest {
  /** Billing lines that were yielded. */
  lines: number;
  /** Lines that could not be read and were skipped. */
  badLines: number;
  /** Those, with what they say that was charged. */
  leftOut: LeftOut;
  /** The days that the file speaks of though nothing was billed on them, as ISO 8601; null if there are none. */
  covered: { from: string; until: string } | null;
  /** Durations are printed in whole seconds. */
  wholeSeconds: boolean;
  /** It is an empty list: nothing was billed in the month that is asked for. */
  isBillOfNothing: boolean;
  /** Remarks on the whole file, such as missing pages. */
  notices: readonly string[];
}

export interface OpenedExport {
  /** As given, or `stdin`. */
  file: string;
  format: ExportFormat;
  /** Whether its lines state amounts. */
  statesMoney: boolean;
  /** The provider of all lines; null if each line has its own: it names one, or gets the one of the options. */
  provider: string | null;
  /**
   * The lines, in batches of one chunk of the file. Can be read once. Throws exit 65: at the first fault that
   * makes the file unusable, or at the end, with the list of the lines that cannot be read.
   */
  batches(): AsyncGenerator<BillingLine[], void, undefined>;
  /** Known once the batches are read to their end; throws before. */
  summary(): ExportSummary;
  close(): Promise<void>;
}
