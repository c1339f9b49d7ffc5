import { badInputError } from '../errors.ts';

/** One COPY of a script: the table without its schema, and the lines of the text format. */
export interface CopyBlock {
  table: string;
  columns: string[];
  /** To be read to its end before the next block. */
  data: AsyncIterable<Buffer>;
}

const newLine = 0x0a;
/** No line of data can be this one: a backslash in a value is written twice. */
const endOfData = Buffer.from('\n\\.\n');
/** As pg_restore writes it, and we. */
const copyLine = /^copy quota\.("(?:[^"]|"")+"|\w+) \((.+)\) from stdin;$/i;
/** Of one line outside of data; a comment of the schema is longer than any line that is looked for. */
const lineBytesMax = 1_000_000;

/**
 * The COPY commands of a script for psql, in bounded memory; everything else in it is passed over.
 * @throws badInputError where the script ends within data
 */
export async function* readCopyBlocks(script: AsyncIterable<Buffer>): AsyncGenerator<CopyBlock> {
  const reader = new ScriptReader(script);
  for (;;) {
    const line = await reader.line();
    if (line === null) {
      return;
    }
    const [, table, columns] = copyLine.exec(line) ?? [];
    if (table !== undefined && columns !== undefined) {
      const names = columns.split(/, (?=(?:[^"]*"[^"]*")*[^"]*$)/).map(unquoted);
      yield { table: unquoted(table), columns: names, data: reader.data() };
    }
  }
}

const unquoted = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;

class ScriptReader {
  readonly #script: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #isInData = false;

  constructor(script: AsyncIterable<Buffer>) {
    this.#script = script[Symbol.asyncIterator]();
  }

  /** Null at the end. */
  async line(): Promise<string | null> {
    if (this.#isInData) {
      throw new Error('a COPY was not read to its end');
    }
    for (;;) {
      const end = this.#rest.indexOf(newLine);
      if (end >= 0) {
        const line = this.#rest.toString('utf8', 0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > lineBytesMax || !(await this.#more())) {
        return null;
      }
    }
  }

  /** The lines up to the mark of their end. */
  async *data(): AsyncGenerator<Buffer> {
    this.#isInData = true;
    // The mark is looked for with the end of the line before it: there is one before the first, too.
    this.#rest = Buffer.concat([Buffer.from('\n'), this.#rest]);
    let first = 1;
    for (;;) {
      const end = this.#rest.indexOf(endOfData);
      if (end >= 0) {
        if (end + 1 > first) {
          yield this.#rest.subarray(first, end + 1);
        }
        this.#rest = this.#rest.subarray(end + endOfData.length);
        this.#isInData = false;
        return;
      }
      const sure = this.#rest.length - endOfData.length;
      if (sure > first) {
        yield this.#rest.subarray(first, sure);
        this.#rest = this.#rest.subarray(sure);
        first = 0;
      }
      if (!(await this.#more())) {
        throw badInputError('the backup ends in the middle of a table');
      }
    }
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#script.next();
    if (done) {
      return false;
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}
