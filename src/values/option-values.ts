import { usageError } from '../errors.ts';
import { bytes } from './bytes.ts';
import { decimalWithin, parseDecimal as parsePlainDecimal, wholeWithin } from './decimal.ts';
import { callSeconds, duration, timeSpan } from './duration.ts';
import type { FromNow, TimeParser } from './from-now.ts';
import type { Grammar } from './grammar.ts';
import { day, instantOrDay } from './instant.ts';
import { month } from './month.ts';
import { nearWords } from './near-words.ts';
import { rate } from './rate.ts';

/** Parsers of values on the command line: each returns the value, or throws a usageError that names the text. */
const wrong = (value: string, kind: string, example: string, detail?: string) =>
  usageError(`"${value}" is not ${kind}`, { detail, suggestion: `write it like ${example}` });

/** A parser of a flag that takes what a grammar takes. */
const taking =
  <T>(grammar: Grammar<T>) =>
  (value: string): T => {
    const parsed = grammar.parse(value);
    if (parsed === null) {
      const { reason, suggestion } = grammar.describeProblem(value);
      throw usageError(`"${value}" ${reason}`, { suggestion });
    }
    return parsed;
  };

/** A parser of a flag that also takes what is said from now: `yesterday`, `2h`. */
const orFromNow = <Value>(parse: (value: string) => Value, fromNow: FromNow): TimeParser<Value> =>
  Object.assign((value: string) => parse(value), { fromNow });

const past = { gives: 'instant', bare: 'ago' } as const;

const takeInstant = taking({
  ...instantOrDay,
  describeProblem(text) {
    const { reason, suggestion } = instantOrDay.describeProblem(text);
    return { reason, suggestion: `${suggestion}, or yesterday, or 2h` };
  },
});
const isoInstant = (value: string): string => new Date(takeInstant(value)).toISOString();

/**
 * An instant with its zone, or a day (midnight UTC); from now: `yesterday`, `2h` ago. Returns ISO 8601 UTC with
 * milliseconds, cut: `Date` knows no finer. All flags that take an instant come through here.
 */
export const parseInstant = orFromNow(isoInstant, past);

/** The same for what is to come: `30d` is in 30 days. */
export const parseFutureInstant = orFromNow(isoInstant, { gives: 'instant', bare: 'ahead' });

/**
 * The same, or one of a few words, which is returned.
 * @throws usageError
 */
export const parseInstantOr = (...words: string[]): TimeParser<string> =>
  orFromNow((value) => (words.includes(value) ? value : isoInstant(value)), past);

/**
 * A day (UTC) or an instant that is itself included; returned as the exclusive end in ISO 8601 UTC.
 * @throws usageError
 */
export const parseThrough = orFromNow((value) => {
  const lengthMs = day.parse(value) === null ? 1 : dayMs;
  return new Date(Date.parse(isoInstant(value)) + lengthMs).toISOString();
}, past);

/**
 * FIELD=VALUE; the value is JSON where it reads as such, else text.
 * @throws usageError
 */
export function parseField(text: string): { field: string; value: unknown } {
  const [, field, value] = /^\s*(\w{1,100})\s*=(.*)$/s.exec(text) ?? [];
  if (field === undefined || value === undefined) {
    throw wrong(text, 'a field and its value', 'maxDurationSeconds=900');
  }
  try {
    return { field, value: JSON.parse(value) };
  } catch {
    return { field, value };
  }
}

/**
 * A calendar date, returned as `2026-11-01`; from now: `yesterday`, `30d` ago.
 * @throws usageError
 */
export const parseDate = orFromNow(taking(day), { gives: 'day', bare: 'ago' });

/**
 * A calendar month, returned as `2026-10`; from now: `last-month`, `October`.
 * @throws usageError
 */
export const parseMonth = orFromNow(taking(month), { gives: 'month', bare: 'ago' });

/**
 * A currency by its code of three letters, ISO 4217: `EUR`.
 * @throws usageError
 */
export function parseCurrency(value: string): string {
  const code = value.trim().toUpperCase();
  if (!/^[A-Z]{3}$/.test(code)) {
    throw wrong(value, 'a currency', 'EUR');
  }
  return code;
}

/**
 * A SHA-256 hash in hexadecimal, in small letters.
 * @throws usageError
 */
export function parseHash(value: string): string {
  if (!/^[0-9a-f]{64}$/i.test(value)) {
    throw wrong(value, 'a SHA-256 hash', `${'0123456789abcdef'.repeat(4)}`, '64 hexadecimal digits');
  }
  return value.toLowerCase();
}

/** A whole number within bounds (inclusive; default 1 to 2147483647). */
export const parseInteger = ({ min = 1, max = 2_147_483_647 } = {}) => taking(wholeWithin(min, max));

/**
 * Events per second, which may be less than one.
 * @throws usageError
 */
export const parseRate = taking(rate);

/**
 * A part of a whole, from 0 to 1.
 * @throws usageError
 */
export function parseShare(value: string): number {
  const share = Number(parsePlainDecimal(value.trim()) ?? Number.NaN);
  if (!(share >= 0 && share <= 1)) {
    throw wrong(value, 'a share from 0 to 1', '0.2');
  }
  return share;
}

/** An exact decimal of zero or more, returned as text, never as a float. */
export const parseDecimal = ({ decimalsMax = 3 } = {}) => taking(decimalWithin(decimalsMax));

/**
 * A length of time such as `90s`, `10m`, `1h30m` or `2d`, in seconds. A bare number is refused: of what?
 * @throws usageError
 */
export const parseDurationSeconds = (value: string): number => Number(takeTimeSpan(value));
const takeTimeSpan = taking(timeSpan);

/**
 * How much of a meter, as text: what its unit takes is known when the meter is.
 * @throws usageError
 */
export function parseQuantity(value: string): string {
  if (bytes.parse(value) === null) {
    takeSeconds(value); // Takes whatever a number of messages may be.
  }
  return value.trim();
}
const takeSeconds = taking(callSeconds);

/**
 * The same with a sign: `-5m`, `+300`; without one it is more.
 * @throws usageError
 */
export function parseSignedQuantity(value: string): string {
  const [, sign = '', amount = ''] = /^([-+−]?)(.*)$/s.exec(value.trim()) ?? [];
  return `${sign === '' || sign === '+' ? '' : '-'}${parseQuantity(amount)}`;
}

/**
 * How far seconds may differ: an exact decimal of seconds.
 * @throws usageError
 */
export const parseSeconds = taking(duration({ bare: 'seconds', zero: 'taken', decimalsMax: 6 }));

/**
 * A number of bytes: `25MB`, `26214400`.
 * @throws usageError
 */
export const parseBytes = taking(bytes);

/** A name or a key, without the spaces around it. */
export const parseName = (value: string): string => value.trim();

/**
 * The id of a run, an alert and its kind, as commands print it.
 * @throws usageError
 */
export const parseIdOf =
  (what: string) =>
  (value: string): string => {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value.trim())) {
      throw wrong(value, `the id of ${what}`, '5f0c6c8e-3c1e-4b5e-9d0a-1f2e3d4c5b6a');
    }
    return value.trim().toLowerCase();
  };

const daysMax = 36_500;

/**
 * A number of days: `90`, or `90d`.
 * @throws usageError from the parser
 */
export const parseDays = (text: string): number =>
  parseInteger({ max: daysMax })(text.replace(/(?<=\d)\s*d(?:ays?)?\s*$/i, ''));

const dayMs = 86_400_000;

/**
 * `table=90` or `table=90d`, as the table and its days.
 * @throws usageError from the parser
 */
export function parseRetention<const Table extends string>(...tables: Table[]) {
  return (value: string): { table: Table; days: number } => {
    const [, name = '', digits = ''] = /^([a-z_]+)=(\d{1,5})d?$/.exec(value) ?? [];
    const table = tables.find((candidate) => candidate === name);
    if (table === undefined || digits === '' || Number(digits) > daysMax) {
      throw wrong(value, 'a table and its days', `${tables[0]}=90`, `tables: ${tables.join(', ')}`);
    }
    return { table, days: Number(digits) };
  };
}

/** A parser that knows all the words it takes, for the completion in a shell. */
export type ChoiceParser<Choice extends string> = ((value: string) => Choice) & {
  readonly choices: readonly Choice[];
};

/**
 * One of a few words.
 * @throws usageError from the parser
 */
export function parseChoice<const Choice extends string>(...choices: Choice[]): ChoiceParser<Choice> {
  const parse = (value: string) => {
    const choice = choices.find((candidate) => candidate === value.toLowerCase());
    if (choice === undefined) {
      const near = nearWords(value.toLowerCase(), choices);
      throw usageError(`"${value}" is not one of ${choices.join(', ')}`, {
        suggestion: `for example ${near[0] ?? choices[0]}`,
      });
    }
    return choice;
  };
  return Object.assign(parse, { choices });
}
