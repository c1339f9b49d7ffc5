import { badInputError, type QuotaError } from '../errors.ts';
import { DecimalSum } from '../values/decimal-sum.ts';

/** What is wrong with one line, and where in it: `column` is a 1-based character position or a field's name. */
export interface LineProblem {
  column: number | string | null;
  reason: string;
  suggestion: string | null;
}

export interface BadLine extends LineProblem {
  /** The path as given, or `stdin`. */
  file: string;
  /** 1-based line of the file. */
  line: number;
  /** What it says that was charged, as an exact decimal; null or absent where that cannot be told. */
  amount?: string | null;
  /** What is known of it once the file has been read: a further reason, and a suggestion in place of the first one. */
  remark?: () => Pick<LineProblem, 'reason' | 'suggestion'> | null;
}

/** What was left out of a file. */
export interface LeftOut {
  lines: number;
  /** The sum of what those say that can be read so far, as an exact decimal. */
  amount: string;
  /** How many of them say no amount that can be read. */
  withoutAmount: number;
}

export interface BadLinesOptions {
  /** How many are kept for the message; all are counted. */
  keep?: number;
  /** Go on without the bad lines. Otherwise the first one means that nothing of the file may be loaded. */
  skip?: boolean;
  /** Called for every bad line in skip mode with the line's original text: the rejects file. */
  onReject?: (bad: BadLine, originalText: string) => void;
}

const keepDefault = 20;

/** Collects the lines that cannot be read, so that the caller can show them all at once, or go on without them. */
export class BadLines {
  readonly kept: BadLine[] = [];
  readonly skip: boolean;
  #total = 0;
  #withoutAmount = 0;
  readonly #amount = new DecimalSum();
  readonly #keep: number;
  readonly #onReject: BadLinesOptions['onReject'];

  constructor(options: BadLinesOptions = {}) {
    this.#keep = options.keep ?? keepDefault;
    this.skip = options.skip ?? false;
    this.#onReject = options.onReject;
  }

  /** How many lines could not be read. */
  get total(): number {
    return this.#total;
  }

  /** How many, and how much. */
  get leftOut(): LeftOut {
    return { lines: this.#total, amount: this.#amount.toString(), withoutAmount: this.#withoutAmount };
  }

  /** True once the file is to be refused: reading on serves only to list further bad lines. */
  get refusing(): boolean {
    return this.#total > 0 && !this.skip;
  }

  add(bad: BadLine, originalText: string): void {
    this.#total += 1;
    if (typeof bad.amount === 'string') {
      this.#amount.add(bad.amount);
    } else {
      this.#withoutAmount += 1;
    }
    if (this.kept.length < this.#keep) {
      this.kept.push(bad);
    }
    if (this.skip) {
      this.#onReject?.(remarked(bad), originalText);
    }
  }

  /** Throws exit 65 with the list of bad lines, unless there are none or they are to be skipped. */
  refuseIfAny(): void {
    if (!this.refusing) {
      return;
    }
    // Within a chunk, rows that cannot be cut out are found before values that cannot be read.
    this.kept.sort((a, b) => a.line - b.line);
    const [first] = this.kept;
    const bad = this.kept.map(remarked);
    const shown = bad.map((line) => `${place(line)}: ${line.reason}`);
    if (this.#total > shown.length) {
      shown.push(`… and ${this.#total - shown.length} more`);
    }
    const suggestions = [...new Set(bad.flatMap(({ suggestion }) => suggestion ?? []))];
    const lines = this.#total === 1 ? '1 line' : `${this.#total} lines`;
    throw badInputError(`${first?.file} was not loaded: ${lines} cannot be read`, {
      detail: shown.join('\n'),
      suggestion: [...suggestions, '--skip-invalid loads the rest and keeps these in a rejects file'].join(
        '; ',
      ),
    });
  }
}

function remarked({ remark, ...bad }: BadLine): BadLine {
  const further = remark?.() ?? null;
  return further === null
    ? bad
    : { ...bad, reason: `${bad.reason}; ${further.reason}`, suggestion: further.suggestion };
}

/** `calls.csv, line 12, column cost` */
export function place(at: { file: string; line: number; column: number | string | null }): string {
  return `${at.file}, line ${at.line}${at.column === null ? '' : `, column ${at.column}`}`;
}

/** A fault of the whole file (truncated, binary, no header): nothing of it can be used, also not by skipping lines. */
export function fileFault(at: BadLine): QuotaError {
  return badInputError(`${place(at)}: ${at.reason}`, { suggestion: at.suggestion ?? undefined });
}
