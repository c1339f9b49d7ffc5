import { badInputError, usageError } from '../../errors.ts';
import { BadLines, type BadLinesOptions, type LeftOut } from '../../files/bad-lines.ts';
import type { CellFormat } from '../../files/cells.ts';
import { looksLikeJson } from '../../files/json/json-outline.ts';
import { type Input, type InputDigest, type InputSource, openInput } from '../../files/open-input.ts';
import { shellLine } from '../../shell-word.ts';
import type { BillingLine } from './billing-line.ts';
import { type ExportFormat, type ExportReader, exportFormats, type ReaderSettings } from './export-reader.ts';
import { exportReaders, recogniseExport } from './recognise-export.ts';

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

/**
 * Opens a provider's export: a path or `-`, plain or gzip, recognised from its content unless the format is
 * given. The caller closes it.
 * @throws badInputError if it cannot be opened or is not recognised
 */
export async function openExport(source: InputSource, options: ExportOptions = {}): Promise<OpenedExport> {
  const input = await openInput(source);
  try {
    const reader = options.format === undefined ? recogniseExport(input, options) : readerOf(options.format);
    return openedExport(input, reader, options);
  } catch (error) {
    await input.close();
    throw error;
  }
}

/**
 * Opens, uses, closes. See `openExport`.
 * @throws badInputError as `openExport`
 */
export async function withExport<T>(
  source: InputSource,
  options: ExportOptions,
  use: (opened: OpenedExport) => Promise<T>,
): Promise<T> {
  const opened = await openExport(source, options);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

function readerOf(format: ExportFormat): ExportReader {
  const reader = exportReaders.find((candidate) => candidate.format === format);
  if (reader === undefined) {
    throw usageError(`there is no format "${format}"`, { suggestion: `one of ${exportFormats.join(', ')}` });
  }
  return reader;
}

function openedExport(input: Input, reader: ExportReader, options: ExportOptions): OpenedExport {
  refuseOtherProvider(input, reader, options);
  const { skipInvalid, keep, onReject } = options;
  const badLines = new BadLines({
    skip: skipInvalid ?? false,
    ...(keep === undefined ? {} : { keep }),
    ...(onReject === undefined ? {} : { onReject }),
  });
  const facts = new ExportFacts();
  let lines = 0;
  async function* batches() {
    for await (const batch of reader.lines(input, facts.settings(input.name, options, badLines))) {
      lines += batch.length;
      yield batch;
    }
  }
  return {
    file: input.name,
    format: reader.format,
    provider: reader.provider,
    statesMoney: reader.statesMoney,
    batches,
    summary: () => ({
      ...input.digest(),
      lines,
      badLines: badLines.total,
      leftOut: badLines.leftOut,
      notices: facts.notices,
      covered: facts.covered,
      wholeSeconds: facts.wholeSeconds,
      isBillOfNothing: lines + badLines.total === 0 && facts.covered === null && looksLikeJson(input.sample),
    }),
    close: () => input.close(),
  };
}

function refuseOtherProvider(
  { name }: Input,
  reader: ExportReader,
  { provider, commandWith = (_, args) => args }: ExportOptions,
): void {
  if (reader.provider !== null && provider !== undefined && provider !== reader.provider) {
    throw badInputError(`${name} is an export of ${reader.provider}, not of ${provider}`, {
      detail: `recognised as: ${reader.title}`,
      suggestion:
        `--provider ${reader.provider}, or another file; ` +
        `if it lists calls of ${provider}: ${shellLine(commandWith(name, ['--format', 'csv']))}`,
    });
  }
}

/** What is found out about a whole file while its lines pass. */
class ExportFacts {
  readonly notices: string[] = [];
  covered: { from: string; until: string } | null = null;
  wholeSeconds = false;

  settings(file: string, options: ExportOptions, badLines: BadLines): ReaderSettings {
    const { provider, mapping = [], currency, feesWithoutDate = false } = options;
    const { dateOrder, assumeUtc, decimal, commandWith = (_, args) => args } = options;
    return {
      provider: provider ?? null,
      currency: currency?.toUpperCase() ?? null,
      mapping,
      feesWithoutDate,
      cells: { dateOrder, assumeUtc, decimal },
      badLines,
      notice: (text) => this.notices.push(text),
      covers: (start, end) => this.#cover(start, end ?? start),
      propose: (args) => shellLine(commandWith(file, args)),
      wholeSeconds: () => {
        this.wholeSeconds = true;
      },
    };
  }

  #cover(start: string, end: string): void {
    const { from = start, until = end } = this.covered ?? {};
    this.covered = { from: start < from ? start : from, until: end > until ? end : until };
  }
}
