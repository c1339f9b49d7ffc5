import { expect, test } from 'vitest';
import { resembles } from '../../src/enforcement/resemblance.ts';
import fc from '../fast-check.ts';

const hook = {
  on: 'call.timeElapsed',
  options: { seconds: 5 },
  do: [{ type: 'tool', tool: { type: 'endCall' } }],
};

test.each<[unknown, unknown]>([
  ['The limit is reached.', 'The limit is reached.\n'],
  ['Line one\nline two', '  Line one\r\nline two  '],
  ['one two', 'one \t two'],
  ['caf\u00e9', 'cafe\u0301'],
  ['goodbye', 'Goodbye'],
  ['\u201cBye\u201d, he\u2019d say', '"Bye", he\'d say'],
  ['no\u200bbreak', 'nobreak'],
  ['10', 10],
  [10, '10.0'],
  ['true', true],
  [null, ''],
  [undefined, []],
  [[{ ...hook, filters: [] }], [hook]],
  [[{ do: hook.do, options: { seconds: '5', once: true }, on: hook.on, name: 'quota' }], [hook]],
  [{ tenant: 'a', addedAt: 1 }, { tenant: 'a' }],
  [
    ['have a nice day', 'goodbye'],
    ['goodbye', 'have a nice day', 'goodbye'],
  ],
])('%j may be what a provider makes of %j', (found, sent) => {
  expect(resembles(found, sent)).toBe(true);
});

test.each<[unknown, unknown]>([
  ['The limit is reach', 'The limit is reached.'],
  ['Hello', 'The limit is reached.'],
  [30, 10],
  ['10 s', 10],
  [null, 'goodbye'],
  [undefined, 10],
  [600, null],
  [{ tenant: 'b' }, { tenant: 'a' }],
  [{}, { tenant: 'a' }],
  [{ tenant: 'a' }, {}],
  [[hook, { on: 'call.ending', do: [] }], [hook]],
  [[], [hook]],
  [['goodbye', 'ciao'], ['goodbye']],
  ['goodbye', ['goodbye']],
  [{ 0: 'goodbye' }, ['goodbye']],
  [false, true],
])('%j is something else than %j', (found, sent) => {
  expect(resembles(found, sent)).toBe(false);
});

test('everything resembles itself after a way through JSON, with its keys in another order', () => {
  const reordered = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(reordered)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, member]) => [name, reordered(member)]),
          )
        : value;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(resembles(reordered(JSON.parse(JSON.stringify(value))), value)).toBe(true);
    }),
  );
});
