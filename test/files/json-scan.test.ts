import { describe, expect, it, vi } from 'vitest';
import { JsonFault, JsonIncomplete, JsonScanner } from '../../src/files/json/json-scan.ts';
import fc from '../fast-check.ts';

/** True if the text is one whole JSON value for the scanner. */
function accepts(text: string): boolean {
  const scanner = new JsonScanner(`${text} `);
  try {
    const start = scanner.skipSpace(0);
    return scanner.skipSpace(scanner.skipValue(start)) === text.length + 1;
  } catch (error) {
    if (error instanceof JsonFault || error instanceof JsonIncomplete) {
      return false;
    }
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const spaced = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, 2))
  .map(([json, indent]) => JSON.stringify(JSON.parse(json), null, indent));

describe('JsonScanner', () => {
  it('accepts what JSON.parse accepts', () => {
    fc.assert(
      fc.property(spaced, (text) => {
        expect(accepts(text)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what JSON.parse refuses: one character changed, left out or put in', () => {
    const letters = fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '1',
      '.',
      '-',
      'e',
      't',
      'n',
      ' ',
      '\n',
      'u',
      'x',
    );
    const edit = fc.tuple(fc.nat(), letters, fc.constantFrom('change', 'omit', 'insert'));
    fc.assert(
      fc.property(spaced, edit, (text, [where, letter, what]) => {
        const at = where % (text.length + 1);
        const rest = text.slice(what === 'insert' ? at : at + 1);
        const edited = text.slice(0, at) + (what === 'omit' ? '' : letter) + rest;
        expect(accepts(edited)).toBe(parses(edited));
      }),
      { numRuns: 5000 },
    );
  });

  it('wants more text wherever a value is cut off, and never finds a fault there', () => {
    const container = spaced.filter((text) => /^[[{]/.test(text));
    fc.assert(
      fc.property(container, fc.nat(), (text, where) => {
        const cut = text.slice(0, where % text.length);
        expect(() => new JsonScanner(cut).skipValue(0)).toThrow(JsonIncomplete);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives strings decoded and numbers as they are written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = JSON.stringify(value);
        const scanner = new JsonScanner(text);
        expect(scanner.valueText(0, scanner.skipValue(0))).toBe(value);
      }),
    );
    for (const number of ['0.8958740000000000', '1e-7', '-12.50', '9007199254740993.1']) {
      expect(new JsonScanner(number).valueText(0, number.length)).toBe(number);
    }
    expect(new JsonScanner('null').valueText(0, 4)).toBe('');
    expect(new JsonScanner('{"a": 1.0}').valueText(0, 10)).toBe('{"a": 1.0}');
  });

  it('refuses values nested without end', () => {
    expect(() => new JsonScanner('['.repeat(100_000)).skipValue(0)).toThrow('nested more than 200 deep');
  });

  it.each([
    ['a long text with many escapes', JSON.stringify('He said "yes"\n'.repeat(20_000))],
    ['many short texts', JSON.stringify(Array.from({ length: 20_000 }, (_, index) => `${index}`))],
  ])('steps over %s without reading it again and again', (_, text) => {
    const { end, read } = countingReads(() => new JsonScanner(`${text} `).skipValue(0));
    expect(end).toBe(text.length);
    expect(read).toBeGreaterThanOrEqual(text.length);
    expect(read).toBeLessThan(4 * text.length);
  });
});

/** How many characters are looked at, by whichever way. */
function countingReads(work: () => number): { end: number; read: number } {
  let read = 0;
  const { indexOf, charCodeAt } = String.prototype;
  const spies = [
    vi.spyOn(String.prototype, 'indexOf').mockImplementation(function (this: string, what, from = 0) {
      const at = indexOf.call(this, what, from);
      read += (at === -1 ? this.length : at + 1) - from;
      return at;
    }),
    vi.spyOn(String.prototype, 'charCodeAt').mockImplementation(function (this: string, at) {
      read += 1;
      return charCodeAt.call(this, at);
    }),
  ];
  try {
    const end = work();
    return { end, read };
  } finally {
    for (const spy of spies) {
      spy.mockRestore();
    }
  }
}
