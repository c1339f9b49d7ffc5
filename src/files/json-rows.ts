import { BadLines, fileFault } from './bad-lines.ts';
import { CellFault } from './cells.ts';
import { JsonFault, JsonIncomplete, JsonScanner } from './json-scan.ts';
import type { Input } from './open-input.ts';
import type { RowBatch } from './row-batch.ts';

/** Far above a call with its transcript; a hostile or broken file must not be collected in memory. */
const recordLengthMax = 4 * 1024 * 1024;

/** Which members of which objects are wanted. */
export interface JsonShape {
  /** Members of a record; a row has their values as text, in this order. Others are stepped over. */
  fields: readonly string[];
  /** Those of `fields` whose value may be an object or array: the row gets its JSON text. */
  nested?: readonly string[];
  /** Where an envelope has its list of records: `results`, `data.results`. An object with the first name of such a path is an envelope. */
  envelopes?: readonly string[];
  /** Members of an envelope that are handed over, as paths: `code`, `metadata.hasNextPage`. */
  envelopeFields?: readonly string[];
  /** Called at the end of each envelope with the text of those that it has. May throw. */
  onEnvelope?: (values: ReadonlyMap<string, string>) => void;
}

/**
 * The records of a JSON file in batches: one object per line (JSONL), a list, an envelope around a list, or one
 * of these per line (pages saved one after the other). In JSONL a line that cannot be read goes to `badLines`;
 * a fault inside a list makes the file unusable. Once the file is to be refused nothing more is yielded, and
 * at the end the refusal is thrown.
 */
export async function* jsonRows(
  input: Input,
  shape: JsonShape,
  badLines: BadLines,
): AsyncGenerator<RowBatch, void, undefined> {
  const splitter = new RecordSplitter(input.name, shape, badLines);
  for await (const chunk of input.chunks()) {
    const batch = splitter.push(chunk, false);
    if (batch.rows.length > 0 && !badLines.refusing) yield batch;
  }
  const last = splitter.push('', true);
  if (last.rows.length > 0 && !badLines.refusing) yield last;
  badLines.refuseIfAny();
}

/**
 * The records of a JSON text that is held in memory, the value of `column`: of a list, or the one object. Throws
 * a CellFault if it holds something else.
 */
export function recordsIn(text: string, shape: JsonShape, column: string): string[][] {
  const badLines = new BadLines();
  const { rows } = new RecordSplitter(column, shape, badLines).push(text, true);
  const [fault] = badLines.kept;
  if (fault !== undefined) throw new CellFault(column, fault.reason);
  return rows;
}

/** An open bracket around the present position. `awaiting` says what may come next. */
type Enclosure =
  | { kind: 'list'; awaiting: 'first' | 'value' | 'separator' }
  | {
      kind: 'envelope';
      path: string;
      values: Map<string, string>;
      hasList: boolean;
      awaiting: 'first' | 'value' | 'separator';
    };

/** Marks the member names that make an object an envelope. */
const envelopeSlot = -1;

const quote = 34;
const comma = 44;
const closeBrace = 125;

const cutOff = 'the file is cut off: download it again';

class RecordSplitter {
  readonly #file: string;
  readonly #shape: JsonShape;
  readonly #badLines: BadLines;
  readonly #names: { name: string; slot: number }[][];
  readonly #nested: boolean[];
  readonly #emptyRow: string[];
  readonly #listPaths: Set<string>;
  readonly #envelopePaths: Set<string>;
  readonly #envelopeFields: Set<string>;

  #enclosures: Enclosure[] = [];
  #scanner = new JsonScanner('');
  #at = 0;
  /** The line on which `#at` stands, the index at which it begins, and that of the next line end. */
  #line = 1;
  #lineStart = 0;
  #newline = -1;
  /** JSONL or elements of lists: they are numbered differently and must not be mixed. */
  #numbering: 'lines' | 'elements' | null = null;
  #numberLast = 0;
  #batch: RowBatch & { starts: number[]; ends: number[] } = emptyBatch('');

  constructor(file: string, shape: JsonShape, badLines: BadLines) {
    this.#file = file;
    this.#shape = shape;
    this.#badLines = badLines;
    this.#nested = shape.fields.map((name) => shape.nested?.includes(name) ?? false);
    this.#emptyRow = shape.fields.map(() => '');
    this.#listPaths = new Set(shape.envelopes);
    this.#envelopePaths = new Set(
      (shape.envelopes ?? []).flatMap((path) =>
        path
          .split('.')
          .slice(0, -1)
          .map((_, i, parts) => parts.slice(0, i + 1).join('.')),
      ),
    );
    const named = shape.fields.map((name, slot) => ({ name, slot }));
    for (const path of [...this.#listPaths, ...this.#envelopePaths]) {
      if (!path.includes('.')) named.push({ name: path, slot: envelopeSlot });
    }
    this.#names = byNameKey(named);
    this.#envelopeFields = new Set(shape.envelopeFields);
  }

  push(chunk: string, isLast: boolean): RowBatch {
    const kept = this.#scanner.text.slice(this.#at);
    this.#lineStart -= this.#at;
    this.#at = 0;
    this.#newline = -1;
    // join() makes one flat string; after + every character would be looked up through a rope.
    this.#scanner = new JsonScanner([kept, chunk].join(''));
    this.#batch = emptyBatch(this.#scanner.text);
    for (;;) {
      try {
        while (this.#step());
        break;
      } catch (error) {
        if (error instanceof JsonFault && this.#recover(error.message, error.at, isLast)) continue;
        if (!(error instanceof JsonIncomplete)) throw error;
        if (isLast && this.#recover('the file ends inside this record', this.#scanner.text.length, true))
          continue;
        break;
      }
    }
    this.#checkRest(isLast);
    return this.#batch;
  }

  #checkRest(isLast: boolean): void {
    const rest = this.#scanner.text.length - this.#at;
    if (rest > recordLengthMax) {
      throw this.#fault(this.#at, `the record is longer than ${recordLengthMax / 1024 / 1024} MiB`, null);
    }
    if (isLast && this.#enclosures.length > 0) {
      throw this.#fault(this.#at, `the file ends inside a list, after ${this.#numberLast} records`, cutOff);
    }
  }

  /** Takes the next record or bracket; false at the end of the text. Moves `#at` only past what is complete. */
  #step(): boolean {
    this.#moveTo(this.#scanner.skipSpace(this.#at));
    if (this.#at >= this.#scanner.text.length) return false;
    const enclosure = this.#enclosures.at(-1);
    if (enclosure === undefined) this.#takeValue();
    else if (enclosure.kind === 'list') this.#stepInList(enclosure);
    else this.#stepInEnvelope(enclosure);
    return true;
  }

  #stepInList(list: Enclosure): void {
    const sign = this.#scanner.text.charAt(this.#at);
    if (sign === ']' && list.awaiting !== 'value') {
      this.#enclosures.pop();
      this.#moveTo(this.#at + 1);
    } else if (list.awaiting === 'separator') {
      if (sign !== ',') throw this.#scanner.unexpected(this.#at, ', or ]');
      list.awaiting = 'value';
      this.#moveTo(this.#at + 1);
    } else {
      this.#takeValue();
      list.awaiting = 'separator';
    }
  }

  #stepInEnvelope(envelope: Enclosure & { kind: 'envelope' }): void {
    const { text } = this.#scanner;
    const sign = text.charAt(this.#at);
    if (sign === '}' && envelope.awaiting !== 'value') {
      this.#enclosures.pop();
      this.#endEnvelope(envelope);
      this.#moveTo(this.#at + 1);
    } else if (envelope.awaiting === 'separator') {
      if (sign !== ',') throw this.#scanner.unexpected(this.#at, ', or }');
      envelope.awaiting = 'value';
      this.#moveTo(this.#at + 1);
    } else {
      this.#takeMember(envelope);
    }
  }

  #endEnvelope(envelope: Enclosure & { kind: 'envelope' }): void {
    const outer = this.#enclosures.at(-1);
    if (envelope.path !== '' && outer?.kind === 'envelope') {
      outer.hasList ||= envelope.hasList;
      return;
    }
    this.#shape.onEnvelope?.(envelope.values);
    if (!envelope.hasList) {
      const lists = (this.#shape.envelopes ?? []).join(' or ');
      throw this.#fault(
        this.#at,
        `the answer has no list of records (${lists})`,
        'save the whole answer of the provider',
      );
    }
  }

  #takeMember(envelope: Enclosure & { kind: 'envelope' }): void {
    const { text } = this.#scanner;
    if (text.charAt(this.#at) !== '"')
      throw this.#scanner.unexpected(this.#at, 'the name of a member in quotes');
    const nameEnd = this.#scanner.stringEnd(this.#at);
    const path = envelope.path + text.slice(this.#at + 1, nameEnd);
    const value = this.#scanner.skipColon(nameEnd + 1);
    const sign = text.charAt(value);
    const opensList = sign === '[' && this.#listPaths.has(path);
    if (opensList || (sign === '{' && (this.#envelopePaths.has(path) || this.#hasFieldsBelow(path)))) {
      envelope.awaiting = 'separator';
      envelope.hasList ||= opensList;
      this.#enclosures.push(
        opensList
          ? { kind: 'list', awaiting: 'first' }
          : {
              kind: 'envelope',
              path: `${path}.`,
              values: envelope.values,
              hasList: false,
              awaiting: 'first',
            },
      );
      this.#moveTo(value + 1);
      return;
    }
    const end = this.#scanner.skipValue(value);
    if (this.#envelopeFields.has(path)) envelope.values.set(path, this.#scanner.valueText(value, end));
    envelope.awaiting = 'separator';
    this.#moveTo(end);
  }

  #hasFieldsBelow(path: string): boolean {
    for (const field of this.#envelopeFields) if (field.startsWith(`${path}.`)) return true;
    return false;
  }

  /** A list, an envelope, or a record. */
  #takeValue(): void {
    const sign = this.#scanner.text.charAt(this.#at);
    if (sign === '[') {
      this.#enclosures.push({ kind: 'list', awaiting: 'first' });
      this.#moveTo(this.#at + 1);
    } else if (sign === '{') {
      this.#takeRecord();
    } else {
      throw this.#scanner.unexpected(this.#at, 'a JSON object');
    }
  }

  #takeRecord(): void {
    const scanner = this.#scanner;
    const { text } = scanner;
    const row = this.#emptyRow.slice();
    const start = this.#at;
    let at = scanner.skipSpace(start + 1);
    if (text.charAt(at) !== '}') {
      for (;;) {
        if (text.charCodeAt(at) !== quote) throw scanner.unexpected(at, 'the name of a member in quotes');
        const nameEnd = scanner.stringEnd(at);
        const slot = this.#slotOf(at + 1, nameEnd);
        if (slot === envelopeSlot) {
          this.#enclosures.push({
            kind: 'envelope',
            path: '',
            values: new Map(),
            hasList: false,
            awaiting: 'first',
          });
          this.#moveTo(start + 1);
          return;
        }
        const value = scanner.skipColon(nameEnd + 1);
        const end = scanner.skipValue(value);
        if (slot !== undefined) row[slot] = this.#fieldText(slot, value, end);
        at = scanner.skipSpace(end);
        const sign = text.charCodeAt(at);
        if (sign === closeBrace) break;
        if (sign !== comma) throw scanner.unexpected(at, ', or }');
        at = scanner.skipSpace(at + 1);
      }
    }
    this.#addRecord(row, start, at + 1);
  }

  /** Slot of the wanted member whose name stands in [start, end); length and first letter rule out most names. */
  #slotOf(start: number, end: number): number | undefined {
    const { text } = this.#scanner;
    const candidates = this.#names[nameKey(end - start, text.charCodeAt(start))];
    if (candidates === undefined) return undefined;
    for (const { name, slot } of candidates) {
      if (name.length === end - start && text.startsWith(name, start)) return slot;
    }
    return undefined;
  }

  #fieldText(slot: number, start: number, end: number): string {
    const sign = this.#scanner.text.charCodeAt(start);
    if ((sign === 123 || sign === 91) && !this.#nested[slot]) {
      throw new JsonFault(
        start,
        `${this.#shape.fields[slot]} is ${sign === 123 ? 'an object' : 'a list'} where a text or number is expected`,
      );
    }
    return this.#scanner.valueText(start, end);
  }

  #addRecord(row: string[], start: number, end: number): void {
    const numbering = this.#enclosures.length === 0 ? 'lines' : 'elements';
    this.#numbering ??= numbering;
    if (this.#numbering !== numbering) {
      throw this.#fault(
        start,
        'the file mixes single records and lists of records',
        'pass them as separate files',
      );
    }
    if (numbering === 'lines' && this.#numberLast === this.#line) {
      throw new JsonFault(start, 'a second record on the same line');
    }
    this.#numberLast = numbering === 'lines' ? this.#line : this.#numberLast + 1;
    this.#batch.rows.push(row);
    this.#batch.lines.push(this.#line);
    this.#batch.numbers.push(this.#numberLast);
    this.#batch.starts.push(start);
    this.#batch.ends.push(end);
    this.#moveTo(end);
  }

  #moveTo(at: number): void {
    if (this.#newline < this.#at) this.#newline = this.#newlineFrom(this.#at);
    while (this.#newline < at) {
      this.#line += 1;
      this.#lineStart = this.#newline + 1;
      this.#newline = this.#newlineFrom(this.#lineStart);
    }
    this.#at = at;
  }

  #newlineFrom(at: number): number {
    const found = this.#scanner.text.indexOf('\n', at);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }

  /** Notes a bad line of JSONL and moves on to the next line; throws if the fault is inside a list. */
  #recover(reason: string, at: number, isLast: boolean): boolean {
    const { text } = this.#scanner;
    if (this.#enclosures.length > 0) throw this.#fault(at, reason, at >= text.length ? cutOff : null);
    const next = this.#newlineFrom(this.#at);
    if (next === Number.POSITIVE_INFINITY && !isLast) return false;
    const end = Math.min(next, text.length);
    const original = text.slice(this.#at, end);
    const beginsAnother = at > end && /[[{]/.test(text.charAt(at));
    const place =
      at > end && beginsAnother ? { line: this.#line, column: end - this.#lineStart + 1 } : this.#place(at);
    const problem = beginsAnother ? 'the line ends inside the record: is it cut off?' : reason;
    this.#badLines.add(
      { file: this.#file, ...place, reason: problem, suggestion: null },
      original.replace(/\r$/, ''),
    );
    this.#moveTo(end);
    return true;
  }

  #place(at: number): { line: number; column: number } {
    let line = this.#line;
    let lineStart = this.#lineStart;
    for (let end = this.#newlineFrom(this.#at); end < at; end = this.#newlineFrom(lineStart)) {
      line += 1;
      lineStart = end + 1;
    }
    return { line, column: at - lineStart + 1 };
  }

  #fault(at: number, reason: string, suggestion: string | null) {
    return fileFault({ file: this.#file, ...this.#place(at), reason, suggestion });
  }
}

function emptyBatch(text: string) {
  const starts: number[] = [];
  const ends: number[] = [];
  const originalText = (index: number) => text.slice(starts[index] ?? 0, ends[index] ?? 0);
  return {
    rows: [] as string[][],
    lines: [] as number[],
    numbers: [] as number[],
    starts,
    ends,
    originalText,
  };
}

function nameKey(length: number, firstCode: number): number {
  return (length * 31 + firstCode) & 255;
}

function byNameKey(named: { name: string; slot: number }[]) {
  const table: { name: string; slot: number }[][] = [];
  for (let key = 0; key < 256; key++) {
    table.push(named.filter(({ name }) => nameKey(name.length, name.charCodeAt(0)) === key));
  }
  return table;
}
