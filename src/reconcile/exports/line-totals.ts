import { badInputError } from '../../errors.ts';
import type { BillingLine } from '../../providers/exports/billing-line.ts';
import { DecimalSum } from '../../values/decimal-sum.ts';

/**
 * What is known of an export once its lines have passed: the sum of its costs, which everything that is found
 * out later has to add up to, and whether it is the export that was asked for.
 */
export class LineTotals {
  lines = 0;
  #calls = 0;
  readonly #billed = new DecimalSum();
  readonly #month: string;
  readonly #wanted: string | undefined;
  readonly #providers = new Set<string>();
  readonly #currencies = new Set<string>();
  #inMonth = 0;
  #first = '';
  #last = '';

  /** `month` is `2026-10`; `wanted` the provider whose lines are wanted, if there is a choice. */
  constructor(month: string, wanted: string | undefined) {
    this.#month = month;
    this.#wanted = wanted;
  }

  /** False for a line of another provider than the one that is wanted: it is left out. */
  add(line: BillingLine): boolean {
    this.#providers.add(line.provider);
    if (this.#wanted !== undefined && line.provider !== this.#wanted) {
      return false;
    }
    this.lines += 1;
    if (line.kind === 'call') {
      this.#calls += 1;
    }
    if (line.cost !== null) {
      this.#billed.add(line.cost);
      this.#currencies.add(line.currency);
    }
    this.#addDay((line.startedAt ?? line.createdAt ?? line.day ?? this.#month).slice(0, 10));
    return true;
  }

  #addDay(day: string): void {
    if (day.startsWith(this.#month)) {
      this.#inMonth += 1;
    }
    if (this.#first === '' || day < this.#first) {
      this.#first = day;
    }
    if (day > this.#last) {
      this.#last = day;
    }
  }

  /** @throws badInputError unless all lines are of one provider, and of the one that is wanted. */
  provider(file: string): string {
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
    return this.#wanted ?? only ?? '';
  }

  /** @throws badInputError if no line is of the month. */
  requireMonth(file: string): void {
    if (this.#inMonth > 0) {
      return;
    }
    if (this.lines === 0) {
      throw badInputError(`${file} has no billing line`, { suggestion: 'check the export' });
    }
    throw badInputError(`${file} has no line of ${this.#month}`, {
      detail: `its ${this.lines} lines are of ${this.#first} to ${this.#last}`,
      suggestion: `--month ${this.#last.slice(0, 7)}, or another file`,
    });
  }

  /**
   * What is stored of the lines; `billed` is an exact decimal.
   * @throws badInputError if the costs are in several currencies: their sum means nothing.
   */
  sums(file: string): { lines: number; calls: number; billed: string; currency: string | null } {
    if (this.#currencies.size > 1) {
      throw badInputError(`${file} has costs in ${[...this.#currencies].sort().join(' and ')}`, {
        suggestion: 'export each currency by itself',
      });
    }
    const [currency = null] = this.#currencies;
    return { lines: this.lines, calls: this.#calls, billed: this.#billed.toString(), currency };
  }
}
