import type { BadLines } from '../../files/bad-lines.ts';
import type { CellFormat } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import type { BillingLine } from './billing-line.ts';
import type { Shape } from './shape.ts';

/** The names that `--format` takes. */
export const exportFormats = [
  'vapi-calls',
  'vapi-call-log',
  'heygen-sessions',
  'liveavatar-sessions',
  'openai-costs-csv',
  'openai-usage-csv',
  'openai-costs',
  'anthropic-costs',
  'anthropic-costs-csv',
  'focus',
  'csv',
] as const;

export type ExportFormat = (typeof exportFormats)[number];

/** What a reader is given besides the file. */
export interface ReaderSettings {
  /** For formats that do not name the provider. */
  provider: string | null;
  /** Of amounts for which the file names none: ISO 4217, upper case; null if nobody has said. */
  currency: string | null;
  /** `theirs=ours` pairs, and `theirs=` for what is to be left out. */
  mapping: readonly string[];
  /** Rows that name no call, day or time are fees of the month that is asked for. */
  feesWithoutDate: boolean;
  cells: CellFormat;
  badLines: BadLines;
  /** Takes a remark on the whole file that is no error: pages that are missing. */
  notice: (text: string) => void;
  /** Takes a period that the file speaks of, though nothing was billed in it. */
  covers: (start: string, end: string | null) => void;
  /** The command that would read the file, in the words of a shell, with these arguments beside those that were given. */
  propose: (args: readonly string[]) => string;
  /** Says that durations are printed in whole seconds. */
  wholeSeconds: () => void;
}

export interface ExportReader {
  format: ExportFormat;
  /** For messages and help: `VAPI calls (JSON, JSONL)`. */
  title: string;
  /** The provider whose format it is; null if the file or the caller says. */
  provider: string | null;
  /** False for formats without amounts: a file that states some is not one of them. */
  statesMoney: boolean;
  /** By evidence that no other file has; `provider` is whose bill the caller says it is, which is evidence, too. */
  recognises: (shape: Shape, provider: string | null) => boolean;
  /** The lines of the file in batches. Lines that cannot be read go to `badLines`; throws exit 65. */
  lines: (input: Input, settings: ReaderSettings) => AsyncGenerator<BillingLine[], void, undefined>;
}
