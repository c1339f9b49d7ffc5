/** Exact decimals of `numeric(20,3)` with room for sums. */
const wholeDigitsMax = 12;
const secondsPerUnit = { s: 1n, m: 60n, h: 3600n, d: 86_400n } as const;
const bytesPerUnit = { '': 1n, B: 1n, KB: 1024n, MB: 1024n ** 2n, GB: 1024n ** 3n } as const;
const monthsMax = 1200;
const daysMax = 36_525;

/** A plain decimal without leading or trailing zeros; undefined when the text is none, or too long. */
export function decimalText(text: string, decimalsMax: number): string | undefined {
  const match = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(text.trim());
  const [, sign = '', whole = '', fraction = ''] = match ?? [];
  if (match === null || whole.length > wholeDigitsMax || fraction.length > decimalsMax) {
    return undefined;
  }
  const number = fraction === '' ? whole : `${whole}.${fraction}`;
  return number === '0' ? '0' : `${sign}${number}`;
}

/** Seconds from `600`, `12.5`, `10m` or `1h30m`; undefined when it is none of these. */
export function secondsFromText(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase();
  if (!/^(-?)(?:\d{1,9}[dhms])+$/.test(trimmed)) {
    return decimalText(trimmed, 3);
  }
  let seconds = 0n;
  for (const [, amount = '0', unit] of trimmed.matchAll(/(\d+)([dhms])/g)) {
    seconds += BigInt(amount) * secondsPerUnit[unit as keyof typeof secondsPerUnit];
  }
  return decimalText(`${trimmed.startsWith('-') ? '-' : ''}${seconds}`, 0);
}

/** Seconds as people write them: `10m`, `2h`; a bare number where neither fits. */
export function secondsText(seconds: string): string {
  const isWhole = /^\d+$/.test(seconds) && seconds !== '0';
  if (isWhole && BigInt(seconds) % 3600n === 0n) {
    return `${BigInt(seconds) / 3600n}h`;
  }
  return isWhole && BigInt(seconds) % 60n === 0n ? `${BigInt(seconds) / 60n}m` : seconds;
}

/** Bytes from `26214400` or `25MB` (1 MB is 1,048,576 bytes); undefined when it is neither. */
export function bytesFromText(text: string): string | undefined {
  const match = /^(\d{1,15})\s*(|B|KB|MB|GB)$/i.exec(text.trim());
  const unit = match?.[2]?.toUpperCase() as keyof typeof bytesPerUnit | undefined;
  return match === null || unit === undefined
    ? undefined
    : String(BigInt(match[1] ?? 0) * bytesPerUnit[unit]);
}

/** `25MB`, `1GB`; a bare number where no unit fits. */
export function bytesText(bytes: string): string {
  for (const unit of ['GB', 'MB', 'KB'] as const) {
    if (bytes !== '0' && BigInt(bytes) % bytesPerUnit[unit] === 0n) {
      return `${BigInt(bytes) / bytesPerUnit[unit]}${unit}`;
    }
  }
  return bytes;
}

/** The length of a period, in the parts that PostgreSQL keeps apart: months and days have no fixed length. */
export interface Interval {
  months: number;
  days: number;
  seconds: number;
}

const intervalUnits: Record<string, Interval> = {
  year: { months: 12, days: 0, seconds: 0 },
  month: { months: 1, days: 0, seconds: 0 },
  mon: { months: 1, days: 0, seconds: 0 },
  week: { months: 0, days: 7, seconds: 0 },
  day: { months: 0, days: 1, seconds: 0 },
  hour: { months: 0, days: 0, seconds: 3600 },
  minute: { months: 0, days: 0, seconds: 60 },
  second: { months: 0, days: 0, seconds: 1 },
};

/** `1 month`, `2 weeks`, `1 month 15 days`; undefined when it is no interval, or longer than a century. */
export function parseInterval(text: string): Interval | undefined {
  const pattern = /(-?\d{1,9})\s*(year|month|mon|week|day|hour|minute|second)s?/gi;
  const words = text.trim();
  if (words === '' || words.replace(pattern, '').trim() !== '') {
    return undefined;
  }
  const interval: Interval = { months: 0, days: 0, seconds: 0 };
  for (const [, count, unit = ''] of words.matchAll(pattern)) {
    const one = intervalUnits[unit.toLowerCase()];
    interval.months += Number(count) * (one?.months ?? 0);
    interval.days += Number(count) * (one?.days ?? 0);
    interval.seconds += Number(count) * (one?.seconds ?? 0);
  }
  const isBounded = Math.abs(interval.months) <= monthsMax && Math.abs(interval.days) <= daysMax;
  return isBounded && Math.abs(interval.seconds) <= daysMax * 86_400 ? interval : undefined;
}

/** The one spelling of an interval, for files, for the database and for comparing. */
export function intervalText({ months, days, seconds }: Interval): string {
  return [
    months % 12 === 0 ? counted(months / 12, 'year') : counted(months, 'month'),
    counted(days, 'day'),
    ...(seconds % 3600 === 0
      ? [counted(seconds / 3600, 'hour')]
      : seconds % 60 === 0
        ? [counted(seconds / 60, 'minute')]
        : [counted(seconds, 'second')]),
  ]
    .filter((text) => text !== '')
    .join(' ');
}

const counted = (count: number, unit: string) =>
  count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`;

/** Roughly, by mean lengths: to compare intervals of different kinds. */
export const intervalSeconds = ({ months, days, seconds }: Interval): number =>
  months * 2_629_746 + days * 86_400 + seconds;
