import { decimalWithin, describeDecimalProblem, parseDecimal } from './decimal.ts';
import type { Grammar } from './grammar.ts';

/** `2d`, `1h30m`, `90s`, `1m12.5s`: each unit once, the longest first. */
const inUnits =
  /^(?=\d)(?:(?<days>\d{1,9}) ?d ?)?(?:(?<hours>\d{1,9}) ?h ?)?(?:(?<minutes>\d{1,9}) ?m ?)?(?:(?<seconds>\d{1,9}(?:\.\d+)?) ?s)?$/i;
/** `1:30` is a minute and a half, `1:02:05` an hour and more: as lengths of time are printed here. */
const onClock = /^(?:(?<hours>\d{1,9}):(?=[0-5]\d:))?(?<minutes>\d{1,9}):(?<seconds>[0-5]\d(?:\.\d+)?)$/;

export interface DurationLimits {
  /** Where seconds are asked for, a bare number is that many; elsewhere it is refused: of what? */
  bare: 'seconds' | 'refused';
  zero: 'taken' | 'refused';
  /** Of its seconds. */
  decimalsMax: number;
}

/** A length of time as an exact decimal of seconds: `15m`, `1h30m`, `90s`, `1:30`, and `90` where it may be bare. */
export function duration({ bare, zero, decimalsMax }: DurationLimits): Grammar<string> {
  const inSeconds = decimalWithin(decimalsMax);
  const parse = (text: string) => {
    const trimmed = text.trim();
    const written = secondsOf(trimmed) ?? (bare === 'seconds' ? trimmed : '');
    const seconds = inSeconds.parse(written);
    return seconds === '0' && zero === 'refused' ? null : seconds;
  };
  const faultOf = (text: string): string => {
    const seconds = secondsOf(text) ?? text;
    if (parseDecimal(seconds) === null) {
      const { reason } = describeDecimalProblem(text);
      const isNegative = text.startsWith('-') && parse(text.slice(1)) !== null;
      return isNegative ? 'is negative' : reason.replace('is not a number', 'is not a length of time');
    }
    if (inSeconds.parse(seconds) === null) {
      return inSeconds.describeProblem(seconds).reason;
    }
    return secondsOf(text) === null && bare === 'refused' ? 'has no unit' : 'is not longer than nothing';
  };
  const suggestion = `write it like ${bare === 'seconds' ? '90' : '90s'}, 15m, 1h30m or 1:30`;
  return { parse, describeProblem: (text) => ({ reason: faultOf(text.trim()), suggestion }) };
}

/** Exact seconds of a text with units or colons; null where it is neither. */
function secondsOf(text: string): string | null {
  const groups = inUnits.exec(text)?.groups ?? onClock.exec(text)?.groups;
  if (groups === undefined) {
    return null;
  }
  const { days = '0', hours = '0', minutes = '0', seconds = '0' } = groups;
  const [whole = '0', fraction] = seconds.split('.');
  const sum = BigInt(days) * 86_400n + BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(whole);
  return fraction === undefined ? String(sum) : `${sum}.${fraction}`;
}

/** Seconds as people write them: `10m`, `2h`; a bare number where neither fits. */
export function durationText(seconds: string): string {
  const isWhole = /^\d+$/.test(seconds) && seconds !== '0';
  if (isWhole && BigInt(seconds) % 3600n === 0n) {
    return `${BigInt(seconds) / 3600n}h`;
  }
  return isWhole && BigInt(seconds) % 60n === 0n ? `${BigInt(seconds) / 60n}m` : seconds;
}

/** For how long, or how old: `90s`, `15m`, `2d`. */
export const timeSpan = duration({ bare: 'refused', zero: 'refused', decimalsMax: 0 });

/** How long a call took or may take, in seconds. */
export const callSeconds = duration({ bare: 'seconds', zero: 'taken', decimalsMax: 3 });
