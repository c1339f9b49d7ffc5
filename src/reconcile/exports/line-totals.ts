import { badInputError } from '../../errors.ts';
import type { BillingLine } from '../../providers/exports/billing-line.ts';
import { counted } from '../../values/counted.ts';
import { DecimalSum } from '../../values/decimal-sum.ts';

/** The days that an export speaks of, as ISO 8601; the end is exclusive. Null: only those of its lines. */
export type Covered = { from: string; until: string } | null;

/**
 * What is known of an export once its lines have passed: the sum of its costs, which everything that is found
 * out later has to add up to, and whether it is the export that was asked for.
 */
export class LineTotals {
  lines = 0;
  #calls = 0;
  readonly #billed = new DecimalSum();
  readonly #month: string;
  readonly #invoiceMonth: string;
  readonly #wanted: string | undefined;
  readonly #providers = new Set<string>();
  readonly #currencies = new Set<string>();
  /** Those of the last line: nearly always those of the next one, too. */
  #provider: string | null = null;
  #currency: string | null = null;
  #inMonth = 0;
  /** The earliest and the latest day or instant. */
  #first = '';
  #last = '';

  /** `month` is `2026-10`; `wanted` the provider whose lines are wanted, if there is a choice. */
  constructor(month: string, wanted: string | undefined) {
    this.#month = month;
    this.#invoiceMonth = `${month}-01`;
    this.#wanted = wanted;
  }

  /** False for a line of another provider than the one that is wanted: it is left out. */
  add(line: BillingLine): boolean {
    if (line.provider !== this.#provider) {
      this.#provider = line.provider;
      this.#providers.add(line.provider);
    }
    if (this.#wanted !== undefined && line.provider !== this.#wanted) {
      return false;
    }
    this.lines += 1;
    if (line.kind === 'call') {
      this.#calls += 1;
    }
    if (line.cost !== null) {
      this.#billed.add(line.cost);
      if (line.currency !== this.#currency) {
        this.#currency = line.currency;
        this.#currencies.add(line.currency);
      }
    }
    // A correction of another month that the invoice of this one has.
    if (line.invoiceMonth === this.#invoiceMonth) {
      this.#inMonth += 1;
    }
    this.#addTime(line.startedAt ?? line.createdAt ?? line.day ?? this.#month);
    return true;
  }

  #addTime(time: string): void {
    if (time.startsWith(this.#month)) {
      this.#inMonth += 1;
    }
    if (this.#first === '' || time < this.#first) {
      this.#first = time;
    }
    if (time > this.#last) {
      this.#last = time;
    }
  }

  /**
   * Whose bill it is; `own` is the provider of the format, if it has one, for a bill without lines.
   * @throws badInputError unless all lines are of one provider, and of the one that is wanted
   */
  provider(file: string, own: string | null): string {
    const [only, ...others] = this.#providers;
    if (this.#wanted !== undefined && only !== undefined && !this.#providers.has(this.#wanted)) {
      throw badInputError(`${file} has no line of ${this.#wanted}`, {
        detail: `it is a bill of ${[...this.#providers].sort().join(', ')}`,
        suggestion: `--provider ${only}, or another file`,
      });
    }
    if (this.#wanted === undefined && others.length > 0) {
      throw badInputError(`${file} is a bill of several providers`, {
        detail: [...this.#providers].sort().join(', '),
        suggestion: `reconcile one at a time: --provider ${only}`,
      });
    }
    const provider = this.#wanted ?? only ?? own;
    if (provider === null) {
      throw badInputError(`${file} does not say whose bill it is`, { suggestion: '--provider NAME' });
    }
    return provider;
  }

  /**
   * `covered` is what the file speaks of though nothing was billed then; `isBillOfNothing` whether it is one that has
   * no days, such as an empty list.
   * @throws badInputError if no line is of the month, nor any day that is covered
   */
  requireMonth(file: string, provider: string, covered: Covered, isBillOfNothing = false): void {
    const isCovered =
      covered !== null &&
      covered.from.slice(0, 7) <= this.#month &&
      // The end is exclusive: a bill of September ends with the first of October.
      covered.until > `${this.#month}-01T00:00:00Z`;
    if (this.#inMonth > 0 || isCovered || isBillOfNothing) {
      return;
    }
    if (this.lines === 0 && covered !== null) {
      throw badInputError(`${file} has no day of ${this.#month}`, {
        detail: `it is of ${covered.from.slice(0, 10)} to ${covered.until.slice(0, 10)}, and nothing was billed then`,
        suggestion: `--month ${covered.from.slice(0, 7)}, or another file`,
      });
    }
    if (this.lines === 0) {
      throw badInputError(`${file} has no billing line`, {
        suggestion: `check the export; if nothing was billed: --nothing-billed --provider ${provider} in place of the file`,
      });
    }
    throw badInputError(`${file} has no line of ${this.#month}`, {
      detail: `its ${counted(this.lines, 'line is', 'lines are')} of ${this.#first.slice(0, 10)} to ${this.#last.slice(0, 10)}`,
      suggestion: `--month ${this.#last.slice(0, 7)}, or another file`,
    });
  }

  /**
   * What is stored of the lines; `billed` is an exact decimal.
   * `inCurrency` is that of a bill that states amounts, but none of them.
   * @throws badInputError if the costs are in several currencies: their sum means nothing.
   */
  sums(
    file: string,
    inCurrency: string | null,
  ): { lines: number; calls: number; billed: string; currency: string | null } {
    if (this.#currencies.size > 1) {
      throw badInputError(`${file} has costs in ${[...this.#currencies].sort().join(' and ')}`, {
        suggestion: 'export each currency by itself',
      });
    }
    const [currency = this.lines === 0 ? inCurrency : null] = this.#currencies;
    return { lines: this.lines, calls: this.#calls, billed: this.#billed.toString(), currency };
  }
}
