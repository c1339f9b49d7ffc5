import { type BadLines, fileFault } from './bad-lines.ts';
import { parseRecord } from './csv-record.ts';
import type { Input } from './open-input.ts';
import type { RowBatch } from './row-batch.ts';

/** Far above any real row; a file without line ends must not be collected in memory. */
const recordLengthMax = 1024 * 1024;

/** The first line of a CSV file. */
export interface CsvHeader {
  /** Column names, trimmed, in the order of the file. An empty name is a column without one. */
  names: string[];
  /** `,`, `;`, tab or `|`: whichever the header has most of. */
  delimiter: string;
  /** 1-based line on which it ends, and index in the text at which the rows begin. */
  line: number;
  end: number;
}

/**
 * Reads the header from the beginning of a CSV file. Throws exit 65 if there is none within the first
 * 64 KiB, or a name occurs twice (case and blanks around it do not count).
 */
export function readCsvHeader(input: Input): CsvHeader {
  const { sample, name: file } = input;
  let start = 0;
  let line = 1;
  while (/[\r\n]/.test(sample.charAt(start))) {
    if (sample.charAt(start) === '\n') line += 1;
    start += 1;
  }
  const fault = (column: number | null, reason: string, suggestion: string | null) =>
    fileFault({ file, line, column, reason, suggestion });
  const newline = sample.indexOf('\n', start);
  if (newline === -1 && !input.sampleIsAll)
    throw fault(null, 'the header line is longer than 64 KiB', 'is this a CSV file?');
  const first = sample.slice(start, newline === -1 ? sample.length : newline).replace(/\r$/, '');
  if (first.includes('\r'))
    throw fault(
      first.indexOf('\r') + 1,
      'the lines end with a bare carriage return',
      "convert it: tr '\\r' '\\n'",
    );
  const delimiter = detectDelimiter(first);
  const record = parseRecord(sample, start, delimiter, newline === -1);
  if (!record.ok) throw fault(record.at - start + 1, record.reason, 'write the header on one line');
  const names = record.fields.map((name) => name.trim());
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const earlier = seen.get(name.toLowerCase());
    if (name !== '' && earlier !== undefined) {
      throw fault(
        index + 1,
        `the header names "${name}" twice, in columns ${earlier} and ${index + 1}`,
        'rename one of them',
      );
    }
    seen.set(name.toLowerCase(), index + 1);
  }
  return { names, delimiter, line: line + record.lines - 1, end: record.end };
}

/** The candidate that occurs most often outside quotes; a comma if none does. */
function detectDelimiter(header: string): string {
  const unquoted = header.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => unquoted.split(delimiter).length;
  return [',', ';', '\t', '|'].reduce((best, candidate) =>
    count(candidate) > count(best) ? candidate : best,
  );
}

/**
 * The rows of a CSV file after its header, in batches of one chunk of text. Every row has as many fields as the
 * header; one that has not, or whose quotes do not close, goes to `badLines` and is left out. Blank lines are
 * skipped. Quoted fields may span lines. Once the file is to be refused nothing more is yielded, and at the end
 * the refusal is thrown.
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
    if (batch.rows.length > 0 && !badLines.refusing) yield batch;
  }
  const last = splitter.push('', true);
  if (last.rows.length > 0 && !badLines.refusing) yield last;
  badLines.refuseIfAny();
}

class RowSplitter {
  readonly #file: string;
  readonly #header: CsvHeader;
  readonly #badLines: BadLines;
  #text = '';
  #line: number;

  constructor(file: string, header: CsvHeader, badLines: BadLines) {
    this.#file = file;
    this.#header = header;
    this.#badLines = badLines;
    this.#line = header.line + 1;
  }

  /** All rows that are complete once `chunk` is there; the rest is kept for the next chunk. */
  push(chunk: string, isLast: boolean): RowBatch {
    const text = this.#text + chunk;
    const rows: string[][] = [];
    const lines: number[] = [];
    const starts: number[] = [];
    const { delimiter, names } = this.#header;
    const width = names.length;
    let start = 0;
    let line = this.#line;
    let quote = positionOf(text, '"', 0);
    while (start < text.length) {
      let end = text.indexOf('\n', start);
      if (end === -1) {
        if (!isLast) break;
        end = text.length;
      }
      if (quote < start) quote = positionOf(text, '"', start);
      let fields: string[];
      let next = end + 1;
      let lineAfter = line + 1;
      if (quote > end) {
        fields = splitPlain(text, start, end, delimiter);
      } else {
        const record = parseRecord(text, start, delimiter, isLast);
        if (record.ok) {
          fields = record.fields;
          next = record.end;
          lineAfter = line + record.lines;
        } else if (record.incomplete && !isLast && text.length - start <= recordLengthMax) {
          break;
        } else {
          this.#reject(line, record.at - start + 1, record.reason, text.slice(start, end));
          start = next;
          line = lineAfter;
          continue;
        }
      }
      if (fields[0] === names[0] && isHeader(fields, names)) {
        this.#reject(line, 1, 'the header is repeated: were files joined?', text.slice(start, next - 1));
      } else if (fields.length === width && !(fields[0] === '' && isBlank(fields))) {
        rows.push(fields);
        lines.push(line);
        starts.push(start);
      } else if (!isBlank(fields)) {
        this.#rejectWidth(line, fields, text.slice(start, next - 1));
      }
      start = next;
      line = lineAfter;
    }
    this.#text = text.slice(start);
    this.#line = line;
    if (this.#text.length > recordLengthMax) this.#refuseLong();
    return {
      rows,
      lines,
      numbers: lines,
      originalText: (index) => originalRow(text, starts[index] ?? 0, delimiter),
    };
  }

  #rejectWidth(line: number, fields: string[], original: string): void {
    const { names } = this.#header;
    const reason = `the row has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, the header has ${names.length}`;
    this.#reject(line, Math.min(fields.length, names.length + 1), reason, original);
  }

  #reject(line: number, column: number, reason: string, original: string): void {
    const bad = { file: this.#file, line, column, reason, suggestion: null };
    this.#badLines.add(bad, original.replace(/\r$/, ''));
  }

  #refuseLong(): never {
    const reason = `the line is longer than ${recordLengthMax / 1024 / 1024} MiB`;
    throw fileFault({
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
