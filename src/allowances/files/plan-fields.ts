import { bytes } from '../../values/bytes.ts';
import { decimalWithin, wholeWithin } from '../../values/decimal.ts';
import { duration } from '../../values/duration.ts';
import type { Grammar } from '../../values/grammar.ts';
import { interval, intervalText } from '../../values/interval.ts';
import { quantityOf } from '../../values/quantity.ts';

/** Reads one value of a file, or says what is wrong with it and returns undefined. */
export type FieldReader<T> = (value: unknown, fail: (message: string) => undefined) => T | undefined;

const textLengthMax = 200;
const listLengthMax = 200;
const countMax = 2_147_483_647;
const leaseSecondsMax = 604_800;
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

/** What a grammar takes, as options and files of calls do; numbers come as the text that they were written as. */
const taking =
  <T>(grammar: Grammar<T>): FieldReader<T> =>
  (value, fail) => {
    const text = typeof value === 'string' ? value : '';
    const parsed = grammar.parse(text);
    if (parsed !== null) {
      return parsed;
    }
    const { reason, suggestion } = grammar.describeProblem(text);
    return fail(`${shown(value)} ${reason}; ${suggestion}`);
  };

export const readCount = taking(wholeWithin(0, countMax));
export const readBytes = taking(bytes);
/** Money, or a price. */
export const readMoney = (decimalsMax: number) => taking(decimalWithin(decimalsMax));
export const readPositiveSeconds = taking(duration({ bare: 'seconds', zero: 'refused', decimalsMax: 3 }));
/** No call lasts longer than a week, and nothing is alive for longer without a sign. */
export const readLease: FieldReader<string> = (value, fail) => {
  const seconds = readPositiveSeconds(value, fail);
  return seconds !== undefined && Number(seconds) > leaseSecondsMax
    ? fail(`${shown(value)} is longer than the 7 days that a call may last`)
    : seconds;
};
/** How much of a meter of this unit. */
export const readQuantity = (unit: string) => taking(quantityOf(unit));

export const readInterval: FieldReader<string> = (value, fail) => {
  const every = readEvery(value, fail);
  return every === undefined ? undefined : intervalText(every);
};
const readEvery = taking(interval);

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

const featuresMax = 100;
const featurePattern = /^[a-z][a-z0-9_]{0,62}$/;
const featureNumberMax = 1e15;

/** What a plan includes by name, as JSON: true or false, a number, a text. */
export const readFeatures: FieldReader<Record<string, boolean | number | string>> = (value, fail) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(`must be features by name, like srt_export: true, not ${shown(value)}`);
  }
  const entries = Object.entries(value);
  const name = entries.find(([key]) => !featurePattern.test(key))?.[0];
  const wrong = entries.find(([, feature]) => !isFeature(feature))?.[0];
  if (entries.length > featuresMax) {
    return fail(`must be ${featuresMax} features at most, not ${entries.length}`);
  }
  if (name !== undefined) {
    return fail(`the name of a feature is of a-z, 0-9 and _, like srt_export, not ${shown(name)}`);
  }
  return wrong === undefined
    ? (value as Record<string, boolean | number | string>)
    : fail(`${wrong} must be true, false, a number or a text of ${textLengthMax} characters at most`);
};

const isFeature = (feature: unknown) =>
  typeof feature === 'boolean' ||
  (typeof feature === 'number' && Math.abs(feature) <= featureNumberMax) ||
  (typeof feature === 'string' && feature.length <= textLengthMax);

export const readChoice =
  <const Choice extends string>(...choices: Choice[]): FieldReader<Choice> =>
  (value, fail) =>
    choices.find((choice) => choice === value) ??
    fail(`must be one of ${choices.join(', ')}, not ${shown(value)}`);
