import type { BadLines } from '../../files/bad-lines.ts';
import type { Input } from '../../files/input.ts';
import { multiplyDecimal, sameDecimal } from '../../values/decimal-math.ts';
import { DecimalSum } from '../../values/decimal-sum.ts';
import type { BillingLine } from './billing-line.ts';

const totalWords =
  /^(?:(?:grand|sub|overall)[ -]?)?(?:totals?|sum|summe|zwischensumme|gesamt(?:summe|betrag)?|insgesamt|total general|totale|总计|合计|合計)\s*:?$/i;

/** Whether a cell says that its row adds others up. */
export const isTotalWord = (cell: string | null): boolean => cell !== null && totalWords.test(cell.trim());

/** A row that may add up the others: what it becomes is known when all have been read. */
interface Held {
  line: BillingLine;
  /** 1-based line of the file. */
  at: number;
  text: string;
}

/** So many doubtful rows are held; more than these are no rows of totals. */
const heldMax = 100;
/** A row that equals one other row is no sum. */
const othersMin = 2;

/**
 * Tells rows of totals from lines: a bill that has both would count twice. Costs are added up as they pass, and a
 * doubtful row is held back until the sum of all others is known.
 */
export class TotalRows {
  readonly #sum = new DecimalSum();
  #count = 0;
  readonly #held: Held[] = [];

  add(cost: string | null): void {
    if (cost !== null) {
      this.#sum.add(cost);
      this.#count += 1;
    }
  }

  /** Whether the row was taken to be decided on at the end. */
  hold(held: Held): boolean {
    if (held.line.cost === null || this.#held.length >= heldMax) {
      return false;
    }
    this.#held.push(held);
    return true;
  }

  /** That an amount is the sum of all rows that were read, if it is; to be asked when they are. */
  remarkOn(amount: string | null): { reason: string; suggestion: string } | null {
    return amount !== null && this.#count >= othersMin && sameDecimal(amount, this.#sum.toString())
      ? {
          reason: `${amount} is the sum of the other ${this.#count} rows: this is their total`,
          suggestion: totalAdvice,
        }
      : null;
  }

  /** The held rows that are lines; those that add up the others go to `badLines`. */
  settle(input: Input, badLines: BadLines): BillingLine[] {
    const all = new DecimalSum();
    all.add(this.#sum.toString());
    for (const { line } of this.#held) {
      all.add(line.cost ?? '0');
    }
    const withOthers = all.toString();
    return this.#held.flatMap(({ line, at, text }) => {
      const cost = line.cost ?? '0';
      const isTotal =
        this.remarkOn(cost) !== null ||
        (this.#count + this.#held.length > othersMin && sameDecimal(multiplyDecimal(cost, 2), withOthers));
      if (!isTotal) {
        return [line];
      }
      badLines.add(
        {
          file: input.name,
          line: at,
          column: 'cost',
          reason: `${cost} is the sum of the other rows: this is their total`,
          suggestion: totalAdvice,
          amount: cost,
        },
        text,
      );
      return [];
    });
  }
}

export const totalAdvice = 'leave out the row of totals';
