import { badInputError, usageError } from '../../errors.ts';
import { BadLines, type BadLinesOptions, fileFault } from '../../files/bad-lines.ts';
import type { CellFormat } from '../../files/cells.ts';
import { type Input, type InputDigest, type InputSource, openInput } from '../../files/open-input.ts';
import { anthropicCosts } from './anthropic-costs.ts';
import { heygenSessions, liveAvatarSessions } from './avatar-sessions.ts';
import type { BillingLine } from './billing-line.ts';
import { type ExportFormat, type ExportReader, exportFormats, shapeOf } from './export-reader.ts';
import { focus } from './focus.ts';
import { genericCsv } from './generic-csv.ts';
import { openAiCosts, openAiCostsCsv } from './openai-costs.ts';
import { openAiUsageCsv } from './openai-usage.ts';
import { vapiCalls } from './vapi-calls.ts';

/** In the order in which they are tried: the generic CSV takes what no other knows. */
export const exportReaders: readonly ExportReader[] = [
  vapiCalls,
  liveAvatarSessions,
  heygenSessions,
  openAiCosts,
  anthropicCosts,
  openAiCostsCsv,
  openAiUsageCsv,
  focus,
  genericCsv,
];

export interface ExportOptions extends CellFormat, Pick<BadLinesOptions, 'keep' | 'onReject'> {
  /** Instead of recognising it. */
  format?: ExportFormat | undefined;
  /**
   * Whose bill it is. Formats of one provider are refused for another; lines of FOCUS and CSV that name a provider
   * keep it, those that name none get this one.
   */
  provider?: string | undefined;
  /** `theirs=ours` pairs; their presence makes a CSV a generic one. */
  mapping?: readonly string[] | undefined;
  /** Go on without the lines that cannot be read. */
  skipInvalid?: boolean | undefined;
}

export interface ExportSummary extends InputDigest {
  /** Billing lines that were yielded. */
  lines: number;
  /** Lines that could not be read and were skipped. */
  badLines: number;
  /** Remarks on the whole file, such as missing pages. */
  notices: readonly string[];
}

export interface OpenedExport {
  /** As given, or `stdin`. */
  file: string;
  format: ExportFormat;
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
 * given. Throws exit 65 if it cannot be opened or is not recognised. The caller closes it.
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

/** Opens, uses, closes. See `openExport`. */
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

/** The reader for the content of a file. Throws exit 65 with the formats there are if none knows it. */
export function recogniseExport(
  input: Input,
  { mapping = [] }: Pick<ExportOptions, 'mapping'> = {},
): ExportReader {
  const shape = shapeOf(input);
  if (shape.kind === 'csv' && mapping.length > 0) {
    return genericCsv;
  }
  const reader = exportReaders.find((candidate) => candidate.recognises(shape));
  if (reader !== undefined) {
    return reader;
  }
  const [first] = shape.kind === 'json' ? shape.paths : [];
  throw fileFault({
    file: input.name,
    line: 1,
    column: null,
    reason:
      first === undefined
        ? 'there is nothing in it by which to recognise its format'
        : 'the format is not recognised',
    suggestion: `say what it is: --format ${exportFormats.join('|')}`,
  });
}

function readerOf(format: ExportFormat): ExportReader {
  const reader = exportReaders.find((candidate) => candidate.format === format);
  if (reader === undefined) {
    throw usageError(`there is no format "${format}"`, { suggestion: `one of ${exportFormats.join(', ')}` });
  }
  return reader;
}

function openedExport(input: Input, reader: ExportReader, options: ExportOptions): OpenedExport {
  const { provider, mapping = [], skipInvalid, dateOrder, assumeUtc, keep, onReject } = options;
  if (reader.provider !== null && provider !== undefined && provider !== reader.provider) {
    throw badInputError(`${input.name} is an export of ${reader.provider}, not of ${provider}`, {
      detail: `recognised as: ${reader.title}`,
      suggestion: `--provider ${reader.provider}, or another file`,
    });
  }
  const badLines = new BadLines({
    skip: skipInvalid ?? false,
    ...(keep === undefined ? {} : { keep }),
    ...(onReject === undefined ? {} : { onReject }),
  });
  const notices: string[] = [];
  let lines = 0;
  const settings = {
    provider: provider ?? null,
    mapping,
    cells: { dateOrder, assumeUtc },
    badLines,
    notice: (text: string) => notices.push(text),
  };
  async function* batches() {
    for await (const batch of reader.lines(input, settings)) {
      lines += batch.length;
      yield batch;
    }
  }
  return {
    file: input.name,
    format: reader.format,
    provider: reader.provider,
    batches,
    summary: () => ({ ...input.digest(), lines, badLines: badLines.total, notices }),
    close: () => input.close(),
  };
}
