import { badInputError, usageError } from '../../errors.ts';
import type { Input, InputSource } from '../../files/input.ts';
import { openInput } from '../../files/open-input.ts';
import { shellLine } from '../../shell-word.ts';
import { exportFiles } from './export-files.ts';
import { ExportOfFiles } from './export-of-files.ts';
import { type ExportFormat, type ExportReader, exportFormats } from './export-reader.ts';
import type { ExportOptions, OpenedExport } from './opened-export.ts';
import { exportReaders, namedReader, recogniseExport } from './recognise-export.ts';

/**
 * Opens a provider's export: a path or `-`, plain, gzip or Parquet, recognised from its content unless the format is
 * given; the manifest or the folder of an export of several files. The caller closes it.
 * @throws badInputError if it cannot be opened or is not recognised
 */
export async function openExport(source: InputSource, options: ExportOptions = {}): Promise<OpenedExport> {
  const [first = source.path, ...further] = await exportFiles(source.path);
  const input = await openInput({ ...source, path: first });
  try {
    const reader =
      options.format === undefined
        ? recogniseExport(input, options)
        : namedReader(input, readerOf(options.format), options);
    refuseOtherProvider(input, reader, options);
    const name = further.length === 0 ? input.name : source.path;
    return new ExportOfFiles(name, input, further, reader, options);
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
