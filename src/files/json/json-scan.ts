/**
 * A strict scanner for JSON text that takes out the few members that are wanted and steps over the rest.
 * Numbers stay the text of the file, which JSON.parse cannot do before Node 21, and long transcripts cost one
 * indexOf. Checked against JSON.parse in test/files/json-scan.test.ts.
 */

/** The text does not follow the grammar. `at` is an index into the text. */
export class JsonFault extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** The text ends before the value does: more text may complete it. */
export class JsonIncomplete extends Error {}

/** Thrown at the end of every chunk, caught by the reader: made once, because taking a stack is what costs. */
const incomplete = new JsonIncomplete('the JSON text ends inside a value');

const depthMax = 200;

const quote = 34;
const comma = 44;
const colon = 58;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

export class JsonScanner {
  readonly text: string;
  /** The next backslash and line end at or after the last string, so that each is searched for once. */
  #backslash = -1;
  #newline = -1;

  constructor(text: string) {
    this.text = text;
  }

  /** To be called before reading again what has been read: positions must otherwise only go forward. */
  goBack(): void {
    this.#backslash = -1;
    this.#newline = -1;
  }

  /** Index of the first character at or after `at` that is not white space. */
  skipSpace(at: number): number {
    const { text } = this;
    let i = at;
    for (;;) {
      const code = text.charCodeAt(i);
      if (code === 32 || code === 10 || code === 13 || code === 9) {
        i += 1;
      } else {
        return i;
      }
    }
  }

  /** Index after the value that begins at `at`. */
  skipValue(at: number, depth = 0): number {
    const { text } = this;
    const code = text.charCodeAt(at);
    if (code === quote) {
      return this.stringEnd(at) + 1;
    }
    if (code === openBrace) {
      return this.#skipObject(at, depth + 1);
    }
    if (code === openBracket) {
      return this.#skipArray(at, depth + 1);
    }
    if (code === 45 || (code >= 48 && code <= 57)) {
      return this.#skipNumber(at);
    }
    return this.#skipWord(at);
  }

  /** Index of the quote that closes the string which opens at `at`. */
  stringEnd(at: number): number {
    const { text } = this;
    const from = at + 1;
    if (this.#newline < from) {
      this.#newline = positionOf(text, '\n', from);
    }
    if (this.#backslash < from) {
      this.#backslash = positionOf(text, '\\', from);
    }
    let end = text.indexOf('"', from);
    if (this.#backslash < end) {
      end = this.#escapedStringEnd();
    }
    if (this.#newline < end || (end === -1 && this.#newline !== Number.POSITIVE_INFINITY)) {
      throw new JsonFault(this.#newline, 'the line ends inside a text: is it cut off?');
    }
    if (end === -1) {
      throw incomplete;
    }
    return end;
  }

  #escapedStringEnd(): number {
    const { text } = this;
    let at = this.#backslash;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        return at;
      }
      at += code === backslash ? this.#escapeLength(at) : 1;
    }
    return -1;
  }

  #escapeLength(at: number): number {
    const letter = this.text.charAt(at + 1);
    if (letter === '') {
      throw incomplete;
    }
    if ('"\\/bfnrt'.includes(letter)) {
      return 2;
    }
    if (letter !== 'u') {
      throw new JsonFault(at, `the escape \\${letter} does not exist in JSON`);
    }
    const digits = this.text.slice(at + 2, at + 6);
    if (!/^[0-9a-fA-F]*$/.test(digits)) {
      throw new JsonFault(at, '\\u needs four hexadecimal digits');
    }
    if (digits.length < 4) {
      throw incomplete;
    }
    return 6;
  }

  #skipObject(at: number, depth: number): number {
    const { text } = this;
    if (depth > depthMax) {
      throw new JsonFault(at, `the values are nested more than ${depthMax} deep`);
    }
    let i = this.skipSpace(at + 1);
    if (text.charCodeAt(i) === closeBrace) {
      return i + 1;
    }
    for (;;) {
      if (text.charCodeAt(i) !== quote) {
        throw this.unexpected(i, 'the name of a member in quotes');
      }
      i = this.skipSpace(this.skipValue(this.skipColon(this.stringEnd(i) + 1), depth));
      const code = text.charCodeAt(i);
      if (code === closeBrace) {
        return i + 1;
      }
      if (code !== comma) {
        throw this.unexpected(i, ', or }');
      }
      i = this.skipSpace(i + 1);
    }
  }

  /** From the end of a member's name to the beginning of its value. */
  skipColon(at: number): number {
    const i = this.skipSpace(at);
    if (this.text.charCodeAt(i) !== colon) {
      throw this.unexpected(i, ':');
    }
    return this.skipSpace(i + 1);
  }

  #skipArray(at: number, depth: number): number {
    const { text } = this;
    if (depth > depthMax) {
      throw new JsonFault(at, `the values are nested more than ${depthMax} deep`);
    }
    let i = this.skipSpace(at + 1);
    if (text.charCodeAt(i) === closeBracket) {
      return i + 1;
    }
    for (;;) {
      i = this.skipSpace(this.skipValue(i, depth));
      const code = text.charCodeAt(i);
      if (code === closeBracket) {
        return i + 1;
      }
      if (code !== comma) {
        throw this.unexpected(i, ', or ]');
      }
      i = this.skipSpace(i + 1);
    }
  }

  #skipNumber(at: number): number {
    const { text } = this;
    let i = text.charCodeAt(at) === 45 ? at + 1 : at;
    const whole = i;
    i = this.#skipDigits(i);
    if (i > whole + 1 && text.charCodeAt(whole) === 48) {
      throw new JsonFault(whole, 'a number begins with 0');
    }
    if (text.charCodeAt(i) === 46) {
      i = this.#skipDigits(i + 1);
    }
    if ((text.charCodeAt(i) | 32) === 101) {
      const sign = text.charCodeAt(i + 1);
      i = this.#skipDigits(sign === 43 || sign === 45 ? i + 2 : i + 1);
    }
    return i;
  }

  #skipDigits(at: number): number {
    let i = at;
    for (;;) {
      const code = this.text.charCodeAt(i);
      if (code >= 48 && code <= 57) {
        i += 1;
      } else {
        break;
      }
    }
    if (i === at || i >= this.text.length) {
      throw this.unexpected(i, 'a digit');
    }
    return i;
  }

  #skipWord(at: number): number {
    const { text } = this;
    const word = wordsByFirst[text.charCodeAt(at)];
    if (word !== undefined && text.startsWith(word, at)) {
      return at + word.length;
    }
    if (word?.startsWith(text.slice(at))) {
      throw incomplete;
    }
    throw this.unexpected(at, 'a value');
  }

  /** What to throw where `expected` is missing: a fault, or that the text is incomplete. */
  unexpected(at: number, expected: string): JsonFault | JsonIncomplete {
    if (at >= this.text.length) {
      return incomplete;
    }
    const found = this.text.slice(at, at + 12).replace(/[\u0000-\u001f\u007f].*/s, '');
    return new JsonFault(at, `expected ${expected}${found === '' ? '' : `, found ${found}`}`);
  }

  /**
   * The text of the value in [start, end), which was the last to be skipped: strings decoded, null as `''`,
   * numbers, objects and lists as in the file.
   */
  valueText(start: number, end: number): string {
    const { text } = this;
    const code = text.charCodeAt(start);
    if (code === 110) {
      return '';
    }
    if (code !== quote) {
      return text.slice(start, end);
    }
    return this.#backslash < end
      ? (JSON.parse(text.slice(start, end)) as string)
      : text.slice(start + 1, end - 1);
  }
}

const wordsByFirst: Record<number, string | undefined> = { 116: 'true', 102: 'false', 110: 'null' };

function positionOf(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? Number.POSITIVE_INFINITY : at;
}
