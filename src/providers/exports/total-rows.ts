import type { BadLines } from '../../files/bad-lines.ts';
import type { Input } from '../../files/input.ts';
import { multiplyDecimal, sameDecimal } from '../../values/decimal-math.ts';
import { DecimalSum, sumOf } from '../../values/decimal-sum.ts';
import type { BillingLine } from './billing-line.ts';

const totalWord =
  '(?:(?:grand|sub|overall|sous)[ -]?)?(?:totals?|totales?|totaux|totaal|totalt|sum|summe|somme|suma|zwischensumme|' +
  'gesamt(?:summe|betrag)?|insgesamt|razem|celkem|yhteens(?:ä|a)|összesen|toplam|ukupno|jumlah|итого|всего|' +
  '总计|合计|小计|合計|小計|総計|합계|소계|총계)';
/** Alone, or with what it is the total of before or after it: `Total (4 calls)`, `October total:`. */
const totalWords = new RegExp(`^${totalWord}(?:$|[\\s:(])|(?:^|[\\s)])${totalWord}\\s*:?$`, 'iu');

/** Ids are longer, as a rule, and there are many of them. */
const wordLengthMax = 30;

/** Whether a cell says that its row adds others up. */
export const isTotalWord = (cell: string | null): boolean =>
  cell !== null && cell.length <= wordLengthMax && totalWords.test(cell.trim());

/** A row that may add up others: what it becomes is known when all have been read. */
interface Held {
  line: BillingLine;
  cost: string;
  /** Others of its day, or all others. */
  of: 'day' | 'all';
  /** 1-based line of the file. */
  at: number;
  text: string;
  /** What stands between it and the doubtful rows of all others before and after it. */
  before: Others;
  after: Others;
}

/** Rows that add up all others have no time, or are called so; those of days name nothing of what the others name. */
function doubtOf(line: BillingLine): Held['of'] | null {
  const { kind, externalId, model, description, startedAt, createdAt } = line;
  const isTimeless = startedAt === null && createdAt === null;
  if (isTimeless || isTotalWord(externalId) || isTotalWord(model) || isTotalWord(description)) {
    return 'all';
  }
  return kind === 'aggregate' && model === null && description === null ? 'day' : null;
}

/** So many doubtful rows are held; more than these are no rows of totals. */
const heldMax = 1000;
/** A row that equals one other row is no sum. */
const othersMin = 2;
/** Sums are kept of so many days: a bill is of a month, or of some. */
const daysMax = 400;

/** What was added up. */
class Others {
  readonly #sum = new DecimalSum();
  count = 0;

  add(cost: string): void {
    this.#sum.add(cost);
    this.count += 1;
  }

  /** Whether they come to it. That nothing costs nothing says nothing. */
  comeTo(cost: string): boolean {
    return isCharged(cost) && sameDecimal(cost, this.#sum.toString());
  }

  toString(): string {
    return this.#sum.toString();
  }
}

const isCharged = (cost: string): boolean => /[1-9]/.test(cost);

/**
 * Tells rows of totals from lines: a bill that has both would count twice. Costs are added up as they pass, and a
 * doubtful row is held back until the sum of all others, or of those of its day, is known.
 */
export class TotalRows {
  readonly #all = new Others();
  /** Of the rows that may add up others of their day. */
  readonly #daily = new Others();
  readonly #days = new Map<string, Others>();
  readonly #held: Held[] = [];
  /** Since the last row that may add up all others. */
  #block = new Others();
  #firstLine = Number.POSITIVE_INFINITY;
  #lastLine = 0;

  /** Takes those lines of a row, from `from` on, that are to be decided on at the end, and adds up the others. */
  sift(lines: BillingLine[], from: number, row: { line: number; text: () => string }): void {
    this.#firstLine = Math.min(this.#firstLine, row.line);
    this.#lastLine = Math.max(this.#lastLine, row.line);
    for (let index = from; index < lines.length; index++) {
      const line = lines[index] as BillingLine;
      const { cost } = line;
      if (cost === null) {
        continue;
      }
      const of = this.#held.length < heldMax ? doubtOf(line) : null;
      if (of === null) {
        this.#add(line, cost);
      } else {
        this.#hold({ line, cost, of, at: row.line, text: row.text() });
        lines.splice(index, 1);
        index -= 1;
      }
    }
  }

  #hold(held: Omit<Held, 'before' | 'after'>): void {
    const before = this.#block;
    if (held.of === 'day') {
      this.#daily.add(held.cost);
    } else {
      this.#block = new Others();
    }
    this.#held.push({ ...held, before, after: this.#block });
  }

  #add({ kind, day }: BillingLine, cost: string): void {
    this.#all.add(cost);
    this.#block.add(cost);
    if (kind !== 'aggregate' || day === null) {
      return;
    }
    const others = this.#days.get(day);
    if (others !== undefined) {
      others.add(cost);
    } else if (this.#days.size < daysMax) {
      const first = new Others();
      first.add(cost);
      this.#days.set(day, first);
    }
  }

  /** That an amount is the sum of all rows that were read, if it is; to be asked when they are. */
  remarkOn(amount: string | null): { reason: string; suggestion: string } | null {
    const others = [this.#all, this.#allWithDaily()].find(
      (some) => amount !== null && some.count >= othersMin && some.comeTo(amount),
    );
    return others === undefined
      ? null
      : {
          reason: `${amount} is the sum of the other ${others.count} rows: this is their total`,
          suggestion: totalAdvice,
        };
  }

  #allWithDaily(): Others {
    const both = new Others();
    both.add(this.#all.toString());
    both.add(this.#daily.toString());
    both.count = this.#all.count + this.#daily.count;
    return both;
  }

  /** The held rows that are lines; those that add up others go to `badLines`. */
  settle(input: Input, column: string, badLines: BadLines): BillingLine[] {
    const ofDays = this.#held.filter(({ of }) => of === 'day');
    const besideOthers = ofDays.filter(({ line: { day } }) => day !== null && this.#days.has(day));
    const areDaily =
      ofDays.some((held) => this.#isTotalOfDay(held, othersMin)) ||
      (new Set(besideOthers.map(({ cost }) => cost)).size >= othersMin &&
        besideOthers.every((held) => this.#isTotalOfDay(held, 1)));
    const daily = ofDays.filter((held) => areDaily && this.#isTotalOfDay(held, 1));
    const dated =
      daily.length === 0 && ofDays.length === 1 ? ofDays.filter((held) => this.#isDatedTotal(held)) : [];
    const ofAll = this.#held.filter(({ of }) => of === 'all');
    const others = daily.length > 0 ? this.#all : this.#allWithDaily();
    const withHeld = sumOf([others.toString(), ...ofAll.map(({ cost }) => cost)]);
    const totals = ofAll.filter(
      ({ cost }) =>
        this.remarkOn(cost) !== null ||
        (isCharged(cost) &&
          others.count + ofAll.length > othersMin &&
          sameDecimal(multiplyDecimal(cost, 2), withHeld)),
    );
    const blocks = this.#totalsOfBlocks(ofAll.filter((held) => !totals.includes(held)));
    const refused = new Set([...daily, ...dated, ...totals, ...blocks]);
    for (const held of refused) {
      const { line, cost, at, text } = held;
      const what = blocks.includes(held)
        ? 'the rows beside it'
        : daily.includes(held)
          ? `the other rows of ${line.day}`
          : 'the other rows';
      const reason = `${cost} is the sum of ${what}: this is their total`;
      badLines.add(
        { file: input.name, line: at, column, reason, suggestion: totalAdvice, amount: cost },
        text,
      );
    }
    return this.#held.filter((held) => !refused.has(held)).map(({ line }) => line);
  }

  /**
   * Those that add up the rows before them, after them, or of their day: totals of groups. Of one row alone it is a total
   * where others are, too, or where it is of a day and says so.
   */
  #totalsOfBlocks(held: readonly Held[]): Held[] {
    const isOf = ({ before, after, cost, line }: Held, min: number) =>
      [before, after].some((block) => block.count >= min && block.comeTo(cost)) ||
      (line.day !== null && this.#isTotalOfDay({ line, cost }, 1));
    return held.some((one) => isOf(one, othersMin)) ? held.filter((one) => isOf(one, 1)) : [];
  }

  /** Whether the only row that names nothing comes to what all others do, under or above them: it was given a day. */
  #isDatedTotal({ cost, at }: Held): boolean {
    const isAtEnd = at === this.#firstLine || at === this.#lastLine;
    return isAtEnd && this.#all.count >= othersMin && this.#all.comeTo(cost);
  }

  /** Whether a row that names nothing comes to what so many others of its day come to, which name something. */
  #isTotalOfDay({ line: { day }, cost }: Pick<Held, 'line' | 'cost'>, min: number): boolean {
    const others = day === null ? undefined : this.#days.get(day);
    return others !== undefined && others.count >= min && others.comeTo(cost);
  }
}

export const totalAdvice = 'leave out the row of totals';
