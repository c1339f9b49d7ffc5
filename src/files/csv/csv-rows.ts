import { type BadLines, fileFault } from '../bad-lines.ts';
import type { Input } from '../input.ts';
import type { RowBatch } from '../row-batch.ts';
import type { CsvHeader } from './csv-header.ts';
import { parseRecord } from './csv-record.ts';

/** Far above any real row; a file without line ends must not be collected in memory. */
const recordLengthMax = 1024 * 1024;

/**
 * The rows of a CSV file after its header, in batches of one chunk of text, which may be empty. Every row has as
 * many fields as the header; one that has not, or whose quotes do not close, goes to `badLines` and is left out.
 * Blank lines are skipped. Quoted fields may span lines. After the last batch the refusal is thrown, if bad lines
 * were found and are not to be skipped; until then rows are yielded, so that all that is wrong with them can be
 * listed too, but once `badLines.refusing` none of them may be stored.
 */
export async function* csvRows(
  input: Input,
  header: CsvHeader,
  badLines: BadLines,
): AsyncGenerator<RowBatch, void, undefined> {
  const splitter = new RowSplitter(input.name, header, badLines);
  let skip = header.end;
  for await (const chunk of input.chunks()) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const batch = splitter.push(skip === 0 ? chunk : chunk.slice(skip), false);
    skip = 0;
    yield batch;
  }
  yield splitter.push('', true);
  badLines.refuseIfAny();
}

class RowSplitter {
  readonly #file: string;
  readonly #header: CsvHeader;
  readonly #badLines: BadLines;
  #text = '';
  /** Where the present row begins, its line, and both of the row after it. */
  #start = 0;
  #line: number;
  #nextStart = 0;
  #nextLine: number;
  /** The next quote at or after the present row: a line before it takes the fast path. */
  #quote = 0;

  constructor(file: string, header: CsvHeader, badLines: BadLines) {
    this.#file = file;
    this.#header = header;
    this.#badLines = badLines;
    this.#line = header.line + 1;
    this.#nextLine = this.#line;
  }

  /** All rows that are complete once `chunk` is there; the rest is kept for the next chunk. */
  push(chunk: string, isLast: boolean): RowBatch {
    const text = this.#text.slice(this.#start) + chunk;
    this.#text = text;
    this.#start = 0;
    this.#quote = positionOf(text, '"', 0);
    const rows: string[][] = [];
    const lines: number[] = [];
    const starts: number[] = [];
    while (this.#start < text.length) {
      const fields = this.#takeFields(text, isLast);
      if (fields === 'incomplete') {
        break;
      }
      if (fields !== 'bad' && this.#isRow(fields)) {
        rows.push(fields);
        lines.push(this.#line);
        starts.push(this.#start);
      }
      this.#start = this.#nextStart;
      this.#line = this.#nextLine;
    }
    if (text.length - this.#start > recordLengthMax) {
      throw this.#tooLong();
    }
    const { delimiter } = this.#header;
    const originalText = (index: number) => originalRow(text, starts[index] ?? 0, delimiter);
    return { rows, lines, numbers: lines, originalText };
  }

  #takeFields(text: string, isLast: boolean): string[] | 'bad' | 'incomplete' {
    const start = this.#start;
    let end = text.indexOf('\n', start);
    if (end === -1) {
      if (!isLast) {
        return 'incomplete';
      }
      end = text.length;
    }
    this.#nextStart = end + 1;
    this.#nextLine = this.#line + 1;
    if (this.#quote < start) {
      this.#quote = positionOf(text, '"', start);
    }
    if (this.#quote > end) {
      return splitPlain(text, start, end, this.#header.delimiter);
    }
    const record = parseRecord(text, start, this.#header.delimiter, isLast);
    if (record.ok) {
      this.#nextStart = record.end;
      this.#nextLine = this.#line + record.lines;
      return record.fields;
    }
    if (record.incomplete && text.length - start <= recordLengthMax) {
      return 'incomplete';
    }
    // Only this line is lost: the next one may be sound, wherever its quotes seem to belong.
    this.#reject(record.at - start + 1, record.reason);
    return 'bad';
  }

  /** False for blank lines, and for rows that are not as wide as the header, which are noted. */
  #isRow(fields: string[]): boolean {
    const { names } = this.#header;
    if (fields[0] === names[0] && isHeader(fields, names)) {
      this.#reject(1, 'the header is repeated: were files joined?');
      return false;
    }
    if (fields[0] === '' && isBlank(fields)) {
      return false;
    }
    if (fields.length === names.length) {
      return true;
    }
    if (isBlank(fields)) {
      return false;
    }
    const has = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}`;
    this.#reject(
      Math.min(fields.length, names.length + 1),
      `the row has ${has}, the header has ${names.length}`,
    );
    return false;
  }

  #reject(column: number, reason: string): void {
    const original = this.#text.slice(this.#start, this.#nextStart - 1).replace(/\r$/, '');
    this.#badLines.add({ file: this.#file, line: this.#line, column, reason, suggestion: null }, original);
  }

  #tooLong() {
    const reason = `the line is longer than ${recordLengthMax / 1024 / 1024} MiB`;
    return fileFault({
      file: this.#file,
      line: this.#line,
      column: null,
      reason,
      suggestion: 'is this a CSV file?',
    });
  }
}

function positionOf(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? Number.POSITIVE_INFINITY : at;
}

/** The fields of a line without quotes: the fast path, one indexOf and one slice per field. */
function splitPlain(text: string, start: number, end: number, delimiter: string): string[] {
  const line = text.slice(start, end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
  const fields: string[] = [];
  let from = 0;
  for (let at = line.indexOf(delimiter); at !== -1; at = line.indexOf(delimiter, from)) {
    fields.push(line.slice(from, at));
    from = at + 1;
  }
  fields.push(line.slice(from));
  return fields;
}

function isHeader(fields: string[], names: string[]): boolean {
  return names.length > 1 && fields.every((field, index) => field === names[index]);
}

function isBlank(fields: string[]): boolean {
  return fields.every((field) => field.trim() === '');
}

function originalRow(text: string, start: number, delimiter: string): string {
  const record = parseRecord(text, start, delimiter, true);
  const end = record.ok ? record.end : text.length;
  return text.slice(start, end).replace(/\r?\n$/, '');
}
