import { expect, test } from 'vitest';
import {
  readBytes as planBytes,
  readMoney,
  readPositiveSeconds,
} from '../../src/allowances/files/plan-fields.ts';
import { bytesCell, CellFault, secondsCell } from '../../src/files/cells.ts';
import { quantityFormat } from '../../src/text/quantity-text.ts';
import { bytesText } from '../../src/values/bytes.ts';
import { callSeconds, durationText, timeSpan } from '../../src/values/duration.ts';
import type { Grammar } from '../../src/values/grammar.ts';
import { interval, intervalText } from '../../src/values/interval.ts';
import {
  parseBytes,
  parseDecimal,
  parseQuantity,
  parseRate,
  parseShare,
} from '../../src/values/option-values.ts';
import { quantityIn } from '../../src/values/quantity.ts';

/** What is taken, or the words of the refusal. */
const outcome = (take: () => unknown): unknown => {
  try {
    return take();
  } catch (error) {
    return error instanceof CellFault
      ? `${error.message}; ${error.suggestion}`
      : said(error as { message: string; suggestion?: string });
  }
};
const said = ({ message, suggestion }: { message: string; suggestion?: string }) =>
  `${message}; ${suggestion}`;
const inPlan = (read: (value: unknown, fail: (message: string) => undefined) => unknown, text: string) => {
  let fault = '';
  const value = read(text, (message) => {
    fault = message;
  });
  return value ?? fault;
};

test.each([
  ['900', '900'],
  ['12.5', '12.5'],
  ['.5', '0.5'],
  ['15m', '900'],
  ['15 M', '900'],
  ['1h30m', '5400'],
  ['1h 30m', '5400'],
  ['90s', '90'],
  ['1m0.25s', '60.25'],
  ['2d', '172800'],
  ['1:30', '90'],
  ['75:00', '4500'],
  ['0:09.5', '9.5'],
  ['1:02:05', '3725'],
])('%s is a length of time in a flag, a file and a plan', (text, seconds) => {
  expect(callSeconds.parse(text)).toBe(seconds);
  expect(parseQuantity(text)).toBe(text);
  expect(quantityIn('second', text)).toBe(seconds);
  expect(secondsCell(text, 'duration_seconds', {})).toBe(seconds);
  expect(inPlan(readPositiveSeconds, text)).toBe(seconds);
});

test.each([
  ['ten minutes', 'is not a length of time'],
  ['1:75', 'is not a length of time'],
  ['10m5m', 'is not a length of time'],
  ['5m1h', 'is not a length of time'],
  ['1.5h', 'is not a length of time'],
  ['999999999d', 'has more than 12 digits before the point'],
])('%s is none, and is refused with the same words everywhere', (text, reason) => {
  const words = `"${text}" ${reason}; write it like 90, 15m, 1h30m or 1:30`;
  expect(outcome(() => parseQuantity(text))).toBe(words);
  expect(inPlan(readPositiveSeconds, text)).toBe(words);
  expect(outcome(() => secondsCell(text, 'duration_seconds', {}))).toBe(words);
});

test('a decimal comma is none, and imports say that they can be told of it', () => {
  const words = '"1,5" has a decimal comma; write it like 90, 15m, 1h30m or 1:30';
  expect(outcome(() => parseQuantity('1,5'))).toBe(words);
  expect(inPlan(readPositiveSeconds, '1,5')).toBe(words);
  const hint = ', or say that commas are decimal: --decimal comma';
  expect(outcome(() => secondsCell('1,5', 'duration_seconds', {}))).toBe(words + hint);
});

const nothing = { months: 0, days: 0, seconds: 0 };

test('what is printed as a length of time is read as the same', () => {
  for (const seconds of ['1', '59', '90', '600', '3600', '3725', '86400', '9.5']) {
    expect(callSeconds.parse(durationText(seconds))).toBe(seconds);
    expect(callSeconds.parse(quantityFormat('second', seconds).text(seconds))).toBe(seconds);
  }
  for (const size of ['0', '1', '1024', '26214400', '1073741824', '1073741825']) {
    expect(parseBytes(bytesText(size))).toBe(size);
  }
  for (const text of ['1 month', '2 years', '30 days', '1 month 15 days', '90 seconds', '12 hours']) {
    expect(intervalText(interval.parse(text) ?? nothing)).toBe(text);
  }
});

test('a flag for how long wants a unit, and more than nothing', () => {
  const words = (text: string) => timeSpan.describeProblem(text).reason;
  expect(timeSpan.parse('10')).toBeNull();
  expect(words('10')).toBe('has no unit');
  expect(words('0m')).toBe('is not longer than nothing');
  expect(words('-5m')).toBe('is negative');
  expect(words('1.5s')).toBe('is not a whole number');
});

test('messages are whole, and no length of time', () => {
  expect(quantityIn('message', '120')).toBe('120');
  expect(quantityIn('message', '120.0')).toBe('120');
  for (const text of ['15m', '0.4', '1:30', '-1']) {
    expect(() => quantityIn('message', text)).toThrow(`"${text}" is not a whole number of messages`);
  }
});

test.each([
  ['26214400', '26214400'],
  ['25MB', '26214400'],
  ['25 mb', '26214400'],
  ['1GB', '1073741824'],
  ['0', '0'],
])('%s is a size in a flag, a file and a plan', (text, size) => {
  expect(parseBytes(text)).toBe(size);
  expect(bytesCell(text, 'file_size_bytes')).toBe(size);
  expect(inPlan(planBytes, text)).toBe(size);
});

test.each(['25TB', '1.5MB', '-1', 'MB', 'large', '9007199254740992', '99999999GB'])('%s is none', (text) => {
  const words = `"${text}" is not a size; write it like 25MB or 26214400`;
  expect(outcome(() => parseBytes(text))).toBe(words);
  expect(outcome(() => bytesCell(text, 'file_size_bytes'))).toBe(words);
  expect(inPlan(planBytes, text)).toBe(words);
});

test('amounts have one grammar and one limit in flags and plans', () => {
  for (const [text, amount] of [
    ['50', '50'],
    ['0.0060', '0.006'],
    ['1e2', '100'],
  ] as const) {
    expect(parseDecimal({ decimalsMax: 6 })(text)).toBe(amount);
    expect(inPlan(readMoney(6), text)).toBe(amount);
  }
  for (const text of ['$5', '1,000', '0.0000001', '1e12', '-3', '5%']) {
    const words = outcome(() => parseDecimal({ decimalsMax: 6 })(text));
    expect(words).toContain(`"${text}" `);
    expect(inPlan(readMoney(6), text)).toBe(words);
  }
});

test('rates and shares', () => {
  expect([parseRate('5'), parseRate('0.5'), parseRate('5/s')]).toEqual([5, 0.5, 5]);
  expect(() => parseRate('0')).toThrow('is not a number per second from 0.1 to 1000');
  expect([parseShare('0'), parseShare('.25'), parseShare('1')]).toEqual([0, 0.25, 1]);
  expect(() => parseShare('1.1')).toThrow('is not a share');
});

test('an interval is no longer than a century, and more than nothing', () => {
  const refused = (grammar: Grammar<unknown>, text: string) =>
    grammar.parse(text) === null && grammar.describeProblem(text).reason;
  expect(refused(interval, '0 days')).toBe('has no periods');
  expect(refused(interval, '-1 month')).toBe('is negative');
  expect(refused(interval, '200 years')).toBe('is not an interval');
  expect(refused(interval, 'monthly')).toBe('is not an interval');
});
