import { badInputError } from '../../errors.ts';
import { BadLines } from '../../files/bad-lines.ts';
import { digestOfAll } from '../../files/digest.ts';
import type { Input, InputDigest } from '../../files/input.ts';
import { looksLikeJson } from '../../files/json/json-outline.ts';
import { openInput } from '../../files/open-input.ts';
import type { BillingLine } from './billing-line.ts';
import { ExportFacts } from './export-facts.ts';
import type { ExportFormat, ExportReader } from './export-reader.ts';
import type { ExportOptions, ExportSummary, OpenedExport } from './opened-export.ts';
import { recogniseExport } from './recognise-export.ts';

/** An export in one file or several, which are read one after the other as if they were one. */
export class ExportOfFiles implements OpenedExport {
  readonly file: string;
  readonly format: ExportFormat;
  readonly provider: string | null;
  readonly statesMoney: boolean;
  readonly #reader: ExportReader;
  readonly #options: ExportOptions;
  readonly #further: readonly string[];
  readonly #badLines: BadLines;
  readonly #facts: ExportFacts;
  readonly #digests: InputDigest[] = [];
  readonly #isJson: boolean;
  /** The file that is read. */
  #input: Input;
  #lines = 0;
  /** The greatest line number so far: those of the next file follow it. */
  #lineLast = 0;

  constructor(
    name: string,
    input: Input,
    further: readonly string[],
    reader: ExportReader,
    options: ExportOptions,
  ) {
    this.file = name;
    this.format = reader.format;
    this.provider = reader.provider;
    this.statesMoney = reader.statesMoney;
    this.#input = input;
    this.#further = further;
    this.#reader = reader;
    this.#options = options;
    this.#isJson = looksLikeJson(input.sample);
    this.#facts = new ExportFacts(name);
    const { skipInvalid, keep, onReject } = options;
    this.#badLines = new BadLines({
      skip: skipInvalid ?? false,
      ...(keep === undefined ? {} : { keep }),
      ...(onReject === undefined ? {} : { onReject }),
    });
  }

  async *batches(): AsyncGenerator<BillingLine[], void, undefined> {
    yield* this.#readInput();
    for (const path of this.#further) {
      await this.#input.close();
      this.#input = await openInput({ path });
      this.#requireSameFormat();
      yield* this.#readInput();
    }
  }

  async *#readInput(): AsyncGenerator<BillingLine[], void, undefined> {
    const settings = this.#facts.settings(this.#input.name, this.#options, this.#badLines);
    const linesBefore = this.#lineLast;
    for await (const batch of this.#reader.lines(this.#input, settings)) {
      if (this.#further.length > 0) {
        this.#countOn(batch, linesBefore);
      }
      this.#lines += batch.length;
      yield batch;
    }
    this.#digests.push(this.#input.digest());
  }

  #countOn(batch: readonly BillingLine[], linesBefore: number): void {
    for (const line of batch) {
      line.lineNumber += linesBefore;
      this.#lineLast = Math.max(this.#lineLast, line.lineNumber);
    }
  }

  #requireSameFormat(): void {
    const { format } =
      this.#options.format === undefined ? recogniseExport(this.#input, this.#options) : this;
    if (format !== this.format) {
      throw badInputError(`${this.#input.name} is ${format}, and the files before it are ${this.format}`, {
        detail: `files of ${this.file}`,
        suggestion: 'give bills of several formats one by one',
      });
    }
  }

  summary(): ExportSummary {
    if (this.#digests.length <= this.#further.length) {
      throw new Error(`${this.file} has not been read to its end`);
    }
    const { notices, covered, wholeSeconds } = this.#facts;
    const { total, leftOut } = this.#badLines;
    return {
      ...digestOfAll(this.#digests),
      lines: this.#lines,
      badLines: total,
      leftOut,
      notices,
      covered,
      wholeSeconds,
      isBillOfNothing: this.#lines + total === 0 && covered === null && this.#isJson,
    };
  }

  close(): Promise<void> {
    return this.#input.close();
  }
}
