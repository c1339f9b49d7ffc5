import { usageError } from '../errors.ts';

/**
 * Parsers of values on the command line. Each takes the text as given and returns the parsed value, or throws
 * a usageError that names the text and shows a correct example.
 */
const wrong = (value: string, kind: string, example: string, detail?: string) =>
  usageError(`"${value}" is not ${kind}`, { detail, suggestion: `write it like ${example}` });

const instantPattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}(?::?\d{2})?))?$/i;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const monthPattern = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** Years that PostgreSQL, JavaScript and a person agree on. */
const yearMin = 1970;
const yearMax = 2999;

function isRealDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return (
    year >= yearMin &&
    year <= yearMax &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    day > 0
  );
}

/** An instant with its offset, or a date (midnight UTC). Returns ISO 8601 UTC with milliseconds. */
export function parseInstant(value: string): string {
  const example = '2026-11-01T00:00:00Z';
  const match = instantPattern.exec(value.trim());
  if (match === null) {
    const detail = /^\d{4}-\d{2}-\d{2}[T ]/.test(value) ? 'a time needs its offset: Z or +02:00' : undefined;
    throw wrong(value, 'an instant', example, detail);
  }
  const [, year, month, day] = match.map(Number);
  const offset = match[7]?.replace(
    /^([+-]\d{2}):?(\d{2})?$/,
    (_, hours, minutes) => `${hours}:${minutes ?? '00'}`,
  );
  const time =
    match[4] === undefined ? 'T00:00:00Z' : `T${match[4]}:${match[5]}:${fraction(value, match[6])}${offset}`;
  const date = new Date(`${match[1]}-${match[2]}-${match[3]}${time.toUpperCase()}`);
  if (!isRealDate(year ?? 0, month ?? 0, day ?? 0) || Number.isNaN(date.getTime())) {
    throw wrong(value, 'an instant', example, `the date must exist, in the years ${yearMin} to ${yearMax}`);
  }
  return date.toISOString();
}

/** Seconds with at most milliseconds: `Date` knows no finer. */
function fraction(value: string, seconds: string | undefined): string {
  const digits = /:\d{2}[.,](\d{1,3})/.exec(value)?.[1];
  return digits === undefined ? (seconds ?? '00') : `${seconds}.${digits.padEnd(3, '0')}`;
}

/** A day (UTC) or an instant that is itself included; returned as the exclusive end in ISO 8601 UTC. */
export function parseThrough(value: string): string {
  const lengthMs = datePattern.test(value.trim()) ? 86_400_000 : 1;
  return new Date(Date.parse(parseInstant(value)) + lengthMs).toISOString();
}

/** FIELD=VALUE; the value is JSON where it reads as such, else text. */
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

/** A calendar date, returned as given: `2026-11-01`. */
export function parseDate(value: string): string {
  const match = datePattern.exec(value.trim());
  const [, year, month, day] = match?.map(Number) ?? [];
  if (match === null || !isRealDate(year ?? 0, month ?? 0, day ?? 0)) {
    throw wrong(value, 'a date', '2026-11-01');
  }
  return value.trim();
}

/** A calendar month, returned as given: `2026-10`. */
export function parseMonth(value: string): string {
  const match = monthPattern.exec(value.trim());
  const year = Number(match?.[1]);
  if (match === null || year < yearMin || year > yearMax) {
    throw wrong(value, 'a month', '2026-10');
  }
  return value.trim();
}

/** A currency by its code of three letters, ISO 4217: `EUR`. */
export function parseCurrency(value: string): string {
  const code = value.trim().toUpperCase();
  if (!/^[A-Z]{3}$/.test(code)) {
    throw wrong(value, 'a currency', 'EUR');
  }
  return code;
}

/** A name of the time zone database: `Europe/Berlin`. */
export function parseTimeZone(value: string): string {
  try {
    if (/^[A-Za-z]/.test(value)) {
      new Intl.DateTimeFormat('en', { timeZone: value });
      return value; // As typed: Intl would answer Asia/Calcutta for Asia/Kolkata.
    }
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw error;
    }
  }
  throw wrong(value, 'a time zone', 'Europe/Berlin or UTC');
}

/** A SHA-256 hash in hexadecimal, in small letters. */
export function parseHash(value: string): string {
  if (!/^[0-9a-f]{64}$/i.test(value)) {
    throw wrong(value, 'a SHA-256 hash', `${'0123456789abcdef'.repeat(4)}`, '64 hexadecimal digits');
  }
  return value.toLowerCase();
}

/** A whole number within bounds (inclusive; default 1 to 2147483647). */
export function parseInteger({ min = 1, max = 2_147_483_647 } = {}): (value: string) => number {
  return (value) => {
    const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw wrong(value, `a whole number from ${min} to ${max}`, String(Math.max(min, Math.min(100, max))));
    }
    return number;
  };
}

/** Events per second, which may be less than one. */
export function parseRate(value: string): number {
  const number = /^\d{1,4}(?:\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= 0.1 && number <= 1000)) {
    throw wrong(value, 'a number per second from 0.1 to 1000', '5 or 0.5');
  }
  return number;
}

/** An exact decimal, returned as text, never as a float. `signed` allows a leading minus. */
export function parseDecimal({ signed = false, decimalsMax = 3 } = {}): (value: string) => string {
  const pattern = new RegExp(`^${signed ? '[+-]?' : ''}\\d{1,12}(?:\\.\\d{1,${decimalsMax}})?$`);
  return (value) => {
    if (!pattern.test(value)) {
      const kind = signed ? 'a decimal number' : 'a decimal number of zero or more';
      throw wrong(value, kind, '120 or 12.5', `at most 12 digits and ${decimalsMax} decimals`);
    }
    return value.replace(/^\+/, '');
  };
}

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A length of time such as `90s`, `10m`, `1h30m` or `2d`, in seconds. A bare number is refused: of what? */
export function parseDurationSeconds(value: string): number {
  const text = value.trim().toLowerCase();
  if (!/^(?:\d{1,6}[dhms])+$/.test(text)) {
    throw wrong(value, 'a length of time', '90s, 10m or 1h30m');
  }
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([dhms])/g)) {
    seconds += Number(amount) * secondsPerUnit[unit as keyof typeof secondsPerUnit];
  }
  if (seconds === 0) {
    throw wrong(value, 'a length of time above zero', '90s, 10m or 1h30m');
  }
  return seconds;
}

/** A name or a key, without the spaces around it. */
export const parseName = (value: string): string => value.trim();

/** The id of a run, as commands print it. */
export function parseUuid(value: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value.trim())) {
    throw wrong(value, 'the id of a run', '5f0c6c8e-3c1e-4b5e-9d0a-1f2e3d4c5b6a');
  }
  return value.trim().toLowerCase();
}

const daysMax = 36_500;

/** `table=90` or `table=90d`, as the table and its days. */
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

/** One of a few words. */
export function parseChoice<const Choice extends string>(...choices: Choice[]): ChoiceParser<Choice> {
  const parse = (value: string) => {
    const choice = choices.find((candidate) => candidate === value.toLowerCase());
    if (choice === undefined) {
      throw usageError(`"${value}" is not one of ${choices.join(', ')}`, {
        suggestion: `for example ${choices[0]}`,
      });
    }
    return choice;
  };
  return Object.assign(parse, { choices });
}
