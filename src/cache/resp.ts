/** The Redis protocol, as much of it as counters need. https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2) */

export type RedisValue = string | number | null | readonly RedisValue[];

/** An answer that begins with a minus. */
export class RedisError extends Error {}

/** A command as an array of bulk strings. */
export function encodeCommand(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

/** Takes bytes as they come, and hands over each answer as it is complete. */
export class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0);
  readonly #onAnswer: (answer: RedisValue | RedisError) => void;

  constructor(onAnswer: (answer: RedisValue | RedisError) => void) {
    this.#onAnswer = onAnswer;
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    for (let parsed = parse(this.#bytes, at); parsed !== null; parsed = parse(this.#bytes, at)) {
      at = parsed.end;
      this.#onAnswer(parsed.value);
    }
    this.#bytes = this.#bytes.subarray(at);
  }
}

interface Parsed {
  value: RedisValue | RedisError;
  end: number;
}

/** Null: not all of it has come yet. */
function parse(bytes: Buffer, start: number): Parsed | null {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) {
    return null;
  }
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const text = bytes.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (kind) {
    case '+':
      return { value: text, end };
    case '-':
      return { value: new RedisError(text), end };
    case ':':
      return { value: Number(text), end };
    case '$':
      return parseBulk(bytes, Number(text), end);
    case '*':
      return parseArray(bytes, Number(text), end);
    default:
      throw new Error(`this is not Redis: an answer begins with "${kind}"`);
  }
}

function parseBulk(bytes: Buffer, length: number, start: number): Parsed | null {
  if (length < 0) {
    return { value: null, end: start };
  }
  const end = start + length + 2;
  return bytes.length < end ? null : { value: bytes.toString('utf8', start, start + length), end };
}

function parseArray(bytes: Buffer, length: number, start: number): Parsed | null {
  if (length < 0) {
    return { value: null, end: start };
  }
  const values: RedisValue[] = [];
  let end = start;
  while (values.length < length) {
    const element = parse(bytes, end);
    if (element === null) {
      return null;
    }
    if (element.value instanceof RedisError) {
      return { value: element.value, end: element.end };
    }
    values.push(element.value);
    end = element.end;
  }
  return { value: values, end };
}
