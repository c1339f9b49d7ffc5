import {
  bytesFromText,
  decimalText,
  intervalText,
  parseInterval,
  secondsFromText,
} from '../../values/plan-values.ts';

/** Reads one value of a file, or says what is wrong with it and returns undefined. */
export type FieldReader<T> = (value: unknown, fail: (message: string) => undefined) => T | undefined;

const textLengthMax = 200;
const listLengthMax = 200;
const countMax = 2_147_483_647;
const keyPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const models = 'a list of model names';

/** Values as they would stand in the file. */
const shown = (value: unknown) =>
  typeof value === 'string' ? `"${value.slice(0, 60)}"` : JSON.stringify(value)?.slice(0, 60);

export const readText: FieldReader<string> = (value, fail) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= textLengthMax
    ? value.trim()
    : fail(`must be a text, not ${shown(value)}`);

export const readKey: FieldReader<string> = (value, fail) =>
  typeof value === 'string' && keyPattern.test(value)
    ? value
    : fail(`must be a key of lower-case letters, digits and dashes, like voice-pro, not ${shown(value)}`);

export const readFlag: FieldReader<boolean> = (value, fail) =>
  typeof value === 'boolean' ? value : fail(`must be true or false, not ${shown(value)}`);

export const readCount: FieldReader<number> = (value, fail) => {
  const text = typeof value === 'string' ? decimalText(value, 0) : undefined;
  if (text === undefined || Number(text) > countMax) {
    return fail(`must be a whole number, not ${shown(value)}`);
  }
  return text.startsWith('-') ? fail(`${text} is negative`) : Number(text);
};

export const readBytes: FieldReader<string> = (value, fail) => {
  const text = typeof value === 'string' ? bytesFromText(value) : undefined;
  return text ?? fail(`must be a size like 25MB, not ${shown(value)}`);
};

/** Money, or a price. */
export const readMoney =
  (decimalsMax: number): FieldReader<string> =>
  (value, fail) => {
    const text = typeof value === 'string' ? decimalText(value, decimalsMax) : undefined;
    if (text === undefined) {
      return fail(
        `must be an amount like 50 or 0.006 (at most ${decimalsMax} decimals), not ${shown(value)}`,
      );
    }
    return text.startsWith('-') ? fail(`${text} is negative`) : text;
  };

export const readSeconds: FieldReader<string> = (value, fail) => {
  const text = typeof value === 'string' ? secondsFromText(value) : undefined;
  if (text === undefined) {
    return fail(`must be seconds, or a length of time like 10m or 1h30m, not ${shown(value)}`);
  }
  return text.startsWith('-') ? fail(`${text} is negative`) : text;
};

export const readPositiveSeconds: FieldReader<string> = (value, fail) => {
  const seconds = readSeconds(value, fail);
  return seconds === '0' ? fail('must be longer than nothing') : seconds;
};

export const readMessages: FieldReader<string> = (value, fail) => {
  const text = typeof value === 'string' ? decimalText(value, 0) : undefined;
  if (text === undefined) {
    return fail(`must be a whole number of messages, not ${shown(value)}`);
  }
  return text.startsWith('-') ? fail(`${text} is negative`) : text;
};

export const readInterval: FieldReader<string> = (value, fail) => {
  const interval = typeof value === 'string' ? parseInterval(value) : undefined;
  if (interval === undefined) {
    return fail(`must be an interval like 1 month or 30 days (left out: a lifetime), not ${shown(value)}`);
  }
  const parts = [interval.months, interval.days, interval.seconds];
  if (parts.every((part) => part === 0)) {
    return fail('an interval of zero has no periods; leave it out for a lifetime');
  }
  return parts.some((part) => part < 0) ? fail(`${value} is negative`) : intervalText(interval);
};

export const readModels: FieldReader<string[]> = (value, fail) => {
  if (!Array.isArray(value) || value.length > listLengthMax) {
    return fail(`must be ${models}, not ${shown(value)}`);
  }
  const texts = value.filter((model) => typeof model === 'string' && model.trim() !== '');
  return texts.length === value.length ? [...new Set(texts as string[])] : fail(`must be ${models}`);
};

/** Percentages, each once, ascending. */
export const readThresholds: FieldReader<number[]> = (value, fail) => {
  if (!Array.isArray(value)) {
    return fail(`must be a list of percentages like [80, 90, 100], not ${shown(value)}`);
  }
  const wrong = value.filter(
    (threshold) => !/^\d{1,3}$/.test(String(threshold)) || +threshold < 1 || +threshold > 100,
  );
  return wrong.length === 0
    ? [...new Set(value.map(Number))].sort((a, b) => a - b)
    : fail(`a percentage is a whole number from 1 to 100, not ${wrong.map(shown).join(', ')}`);
};

export const readChoice =
  <const Choice extends string>(...choices: Choice[]): FieldReader<Choice> =>
  (value, fail) =>
    choices.find((choice) => choice === value) ??
    fail(`must be one of ${choices.join(', ')}, not ${shown(value)}`);
