import { type BadLines, fileFault } from '../bad-lines.ts';
import { quoted } from '../cells.ts';
import type { RowBatch } from '../row-batch.ts';
import { TextPosition } from '../text-position.ts';
import { beginsWithObject } from './json-lists.ts';
import { JsonFault, JsonIncomplete, JsonScanner } from './json-scan.ts';
import { type JsonShape, JsonShapeIndex } from './json-shape.ts';

/** Far above a call with its transcript; a hostile or broken file must not be collected in memory. */
const recordLengthMax = 4 * 1024 * 1024;

type Awaiting = 'first' | 'value' | 'separator';

interface List {
  kind: 'list';
  awaiting: Awaiting;
}

interface Envelope {
  kind: 'envelope';
  /** What its member names are prefixed with: `''`, `data.` */
  prefix: string;
  /** Shared with the envelopes inside it. */
  values: Map<string, string>;
  hasList: boolean;
  awaiting: Awaiting;
}

/** What stands between two values of a record, and the slot of the value that follows. */
interface Link {
  text: string;
  slot: number | undefined;
}

/** Objects with more members than this are read on, without remembering them. */
const linksMax = 200;

const cutOff = 'the file is cut off: download it again';
const nameExpected = 'the name of a member in quotes';

const quote = 34;
const comma = 44;
const closeBrace = 125;

/**
 * Cuts a JSON text that comes in chunks into records. It goes on from bracket to bracket; what is not complete
 * at the end of a chunk is read again with the next one, so that the scanner needs no state of its own.
 */
export class RecordSplitter {
  readonly #file: string;
  readonly #shape: JsonShape;
  readonly #index: JsonShapeIndex;
  readonly #badLines: BadLines;
  readonly #position = new TextPosition();
  /** The brackets around the present position, the outermost first. */
  readonly #enclosures: Array<List | Envelope> = [];
  #scanner = new JsonScanner('');
  /** Of the last record. */
  readonly #links: Link[] = [];
  /** Lines of JSONL and elements of lists are numbered differently, and must not be mixed. */
  #numbering: 'lines' | 'elements' | null = null;
  #numberLast = 0;
  #batch = emptyBatch('');

  constructor(file: string, shape: JsonShape, badLines: BadLines) {
    this.#file = file;
    this.#shape = shape;
    this.#index = new JsonShapeIndex(shape);
    this.#badLines = badLines;
  }

  /** All records that are complete once `chunk` is there. Throws exit 65 at a fault inside a list. */
  push(chunk: string, isLast: boolean): RowBatch {
    // join() makes one flat string; after + every character would be looked up through a rope.
    const text = [this.#scanner.text.slice(this.#position.at), chunk].join('');
    this.#position.continueIn(text);
    this.#scanner = new JsonScanner(text);
    this.#batch = emptyBatch(text);
    while (this.#readOn(isLast)) {}
    const { at } = this.#position;
    if (text.length - at > recordLengthMax) {
      throw this.#fault(at, `the record is longer than ${recordLengthMax / 1024 / 1024} MiB`, null);
    }
    if (isLast && this.#enclosures.length > 0) {
      throw this.#fault(at, `the file ends inside a list, after ${this.#numberLast} records`, cutOff);
    }
    return this.#batch;
  }

  /** Reads to the end of the text; true if it stopped before, at a bad line. */
  #readOn(isLast: boolean): boolean {
    try {
      while (this.#step()) {}
      return false;
    } catch (error) {
      if (error instanceof JsonFault) {
        return this.#recover(error.message, error.at, isLast);
      }
      if (!(error instanceof JsonIncomplete)) {
        throw error;
      }
      return isLast && this.#recover('the file ends inside this record', this.#scanner.text.length, true);
    }
  }

  /** Takes the next record or bracket; false at the end of the text. Moves only past what is complete. */
  #step(): boolean {
    this.#position.moveTo(this.#scanner.skipSpace(this.#position.at));
    if (this.#position.at >= this.#scanner.text.length) {
      return false;
    }
    const enclosure = this.#enclosures.at(-1);
    if (enclosure === undefined) {
      this.#takeValue();
    } else if (this.#atEndOrSeparator(enclosure)) {
      return true;
    } else if (enclosure.kind === 'envelope') {
      this.#takeMember(enclosure);
    } else {
      this.#takeValue();
      enclosure.awaiting = 'separator';
    }
    return true;
  }

  /** Takes the closing bracket or the comma, if one of them is next. */
  #atEndOrSeparator(enclosure: List | Envelope): boolean {
    const { at } = this.#position;
    const closing = enclosure.kind === 'list' ? ']' : '}';
    const sign = this.#scanner.text.charAt(at);
    if (sign === closing && enclosure.awaiting !== 'value') {
      this.#enclosures.pop();
      if (enclosure.kind === 'envelope') {
        this.#endEnvelope(enclosure);
      }
    } else if (enclosure.awaiting !== 'separator') {
      return false;
    } else if (sign === ',') {
      enclosure.awaiting = 'value';
    } else {
      throw this.#scanner.unexpected(at, `, or ${closing}`);
    }
    this.#position.moveTo(at + 1);
    return true;
  }

  #endEnvelope(envelope: Envelope): void {
    const outer = this.#enclosures.at(-1);
    if (envelope.prefix !== '' && outer?.kind === 'envelope') {
      outer.hasList ||= envelope.hasList;
      return;
    }
    this.#shape.onEnvelope?.(envelope.values);
    if (!envelope.hasList) {
      const reason = `the answer has no list of records (${(this.#shape.envelopes ?? []).join(' or ')})`;
      throw this.#fault(this.#position.at, reason, 'save the whole answer of the provider');
    }
  }

  #takeMember(envelope: Envelope): void {
    const scanner = this.#scanner;
    const { text } = scanner;
    const { at } = this.#position;
    if (text.charCodeAt(at) !== quote) {
      throw scanner.unexpected(at, nameExpected);
    }
    const nameEnd = scanner.stringEnd(at);
    const path = envelope.prefix + text.slice(at + 1, nameEnd);
    const value = scanner.skipColon(nameEnd + 1);
    const sign = text.charAt(value);
    if (sign === '[' && this.#index.isList(path)) {
      this.#enclosures.push({ kind: 'list', awaiting: 'first' });
      envelope.hasList = true;
      this.#position.moveTo(value + 1);
    } else if (sign === '{' && this.#index.isInner(path)) {
      this.#openEnvelope(`${path}.`, envelope.values, value);
    } else {
      this.#refuseOtherList(path, value);
      const end = scanner.skipValue(value);
      if (this.#index.isEnvelopeField(path)) {
        envelope.values.set(path, scanner.valueText(value, end));
      }
      this.#position.moveTo(end);
    }
    envelope.awaiting = 'separator';
  }

  #refuseOtherList(path: string, at: number): void {
    const { severalLists, envelopes = [] } = this.#shape;
    if (severalLists !== undefined && beginsWithObject(this.#scanner, at)) {
      throw severalLists([...envelopes.slice(-1), path]);
    }
  }

  #openEnvelope(prefix: string, values: Map<string, string>, at: number): void {
    this.#enclosures.push({ kind: 'envelope', prefix, values, hasList: false, awaiting: 'first' });
    this.#position.moveTo(at + 1);
  }

  /** A list, an envelope, or a record. */
  #takeValue(): void {
    const { at } = this.#position;
    const sign = this.#scanner.text.charAt(at);
    if (sign === '[') {
      this.#enclosures.push({ kind: 'list', awaiting: 'first' });
      this.#position.moveTo(at + 1);
    } else if (sign === '{') {
      this.#takeRecord();
    } else {
      throw this.#scanner.unexpected(at, 'a JSON object');
    }
  }

  /**
   * Takes the record that begins here. The objects of one file have nearly always the same members in the same
   * order, so what stood between two values of the last record (`, "cost": `) is compared as a whole first.
   */
  #takeRecord(): void {
    const scanner = this.#scanner;
    const { text } = scanner;
    const row = this.#index.emptyRow.slice();
    const start = this.#position.at;
    const links = this.#links;
    let at = start;
    for (let count = 0; ; count++) {
      let link = links[count];
      if (link === undefined || !text.startsWith(link.text, at)) {
        const fresh = this.#readLink(at, count === 0);
        if (fresh === 'end') {
          break;
        }
        if (fresh === 'envelope') {
          // Its members are read once more, one by one.
          scanner.goBack();
          this.#openEnvelope('', new Map(), start);
          return;
        }
        link = fresh;
        if (count < linksMax) {
          links[count] = link;
        }
      }
      const value = scanner.skipSpace(at + link.text.length);
      at = scanner.skipValue(value);
      if (link.slot !== undefined) {
        row[link.slot] = this.#fieldText(link.slot, value, at);
      }
    }
    this.#addRecord(row, start, text.indexOf('}', at) + 1);
  }

  /** What stands between two values of an object, or before its first: bracket or comma, name and colon. */
  #readLink(from: number, isFirst: boolean): Link | 'end' | 'envelope' {
    const scanner = this.#scanner;
    const { text } = scanner;
    let at = isFirst ? scanner.skipSpace(from + 1) : scanner.skipSpace(from);
    if (text.charCodeAt(at) === closeBrace) {
      return 'end';
    }
    if (!isFirst) {
      if (text.charCodeAt(at) !== comma) {
        throw scanner.unexpected(at, ', or }');
      }
      at = scanner.skipSpace(at + 1);
    }
    if (text.charCodeAt(at) !== quote) {
      throw scanner.unexpected(at, nameExpected);
    }
    const nameEnd = scanner.stringEnd(at);
    const name = text.slice(at + 1, nameEnd);
    // What is called so in a record is the record's own.
    if (this.#index.isEnvelopeName(name) && !this.#enclosures.some(({ kind }) => kind === 'envelope')) {
      return 'envelope';
    }
    const slot = this.#index.slotOf(name);
    if (slot === undefined) {
      this.#refuseUnknown(name, at);
    }
    return { text: text.slice(from, scanner.skipColon(nameEnd + 1)), slot };
  }

  #refuseUnknown(name: string, at: number): void {
    const advice = this.#shape.unknownAdvice?.(name) ?? null;
    if (advice !== null) {
      throw this.#fault(at, `${quoted(name)} is not a column that is known here`, advice);
    }
  }

  #fieldText(slot: number, start: number, end: number): string {
    const sign = this.#scanner.text.charAt(start);
    if ((sign === '{' || sign === '[') && !this.#index.mayNest(slot)) {
      const what = sign === '{' ? 'an object' : 'a list';
      throw new JsonFault(start, `${this.#shape.fields[slot]} is ${what} where a text or number is expected`);
    }
    return this.#scanner.valueText(start, end);
  }

  #addRecord(row: string[], start: number, end: number): void {
    const { line } = this.#position;
    const numbering = this.#enclosures.length === 0 ? 'lines' : 'elements';
    this.#numbering ??= numbering;
    if (this.#numbering !== numbering) {
      throw this.#fault(
        start,
        'the file mixes single records and lists of records',
        'pass them as separate files',
      );
    }
    if (numbering === 'lines' && this.#numberLast === line) {
      throw new JsonFault(start, 'a second record on the same line');
    }
    this.#numberLast = numbering === 'lines' ? line : this.#numberLast + 1;
    this.#batch.rows.push(row);
    this.#batch.lines.push(line);
    this.#batch.numbers.push(this.#numberLast);
    this.#batch.starts.push(start);
    this.#batch.ends.push(end);
    this.#position.moveTo(end);
  }

  /** Notes a bad line of JSONL and moves on to the next; throws if the fault is inside a list. False: wait for its end. */
  #recover(reason: string, at: number, isLast: boolean): boolean {
    const { text } = this.#scanner;
    const start = this.#position.at;
    if (this.#enclosures.length > 0) {
      throw this.#fault(at, reason, at >= text.length ? cutOff : null);
    }
    const lineEnd = this.#position.lineEnd(start);
    if (lineEnd === Number.POSITIVE_INFINITY && !isLast) {
      return false;
    }
    const end = Math.min(lineEnd, text.length);
    // A record that is cut off looks sound until the next one begins inside it.
    const isCutOff = at > end && /[[{]/.test(text.charAt(at));
    const problem = {
      ...this.#position.placeOf(isCutOff ? end : at),
      reason: isCutOff ? 'the line ends inside the record: is it cut off?' : reason,
      suggestion: null,
    };
    this.#badLines.add({ file: this.#file, ...problem }, text.slice(start, end).replace(/\r$/, ''));
    this.#position.moveTo(end);
    return true;
  }

  #fault(at: number, reason: string, suggestion: string | null) {
    return fileFault({ file: this.#file, ...this.#position.placeOf(at), reason, suggestion });
  }
}

function emptyBatch(text: string) {
  const starts: number[] = [];
  const ends: number[] = [];
  const originalText = (index: number) => text.slice(starts[index] ?? 0, ends[index] ?? 0);
  const batch = { rows: [], lines: [], numbers: [], originalText } satisfies RowBatch as RowBatch;
  return { ...batch, starts, ends };
}
