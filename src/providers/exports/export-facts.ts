import type { BadLines } from '../../files/bad-lines.ts';
import { shellLine } from '../../shell-word.ts';
import type { ReaderSettings } from './export-reader.ts';
import type { ExportOptions } from './opened-export.ts';

/** What is found out about a whole export while its lines pass. */
export class ExportFacts {
  readonly notices: string[] = [];
  covered: { from: string; until: string } | null = null;
  wholeSeconds = false;
  readonly #name: string;

  /** `name` is that of the export; remarks on one of several files of it begin with that of the file. */
  constructor(name: string) {
    this.#name = name;
  }

  /** What the reader of a file of the export is given. */
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
      notice: (text) => this.notices.push(file === this.#name ? text : `${file}: ${text}`),
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
