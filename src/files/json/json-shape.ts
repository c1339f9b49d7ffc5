/** Which members of which objects are wanted from a JSON file. */
export interface JsonShape {
  /** Members of a record; a row has their values as text, in this order. Others are stepped over. */
  fields: readonly string[];
  /** Those of `fields` whose value may be an object or list: the row gets its JSON text. */
  nested?: readonly string[];
  /**
   * Asked about every member that is none of `fields`: what to do about it, or null to step over it. An answer
   * makes the file unusable.
   */
  unknownAdvice?: (name: string) => string | null;
  /** Where an envelope has its list of records: `results`, `data.results`. An object with the first name of such a path is an envelope. */
  envelopes?: readonly string[];
  /** Members of an envelope that are handed over, as paths: `code`, `metadata.hasNextPage`. */
  envelopeFields?: readonly string[];
  /** Called at the end of each envelope with the text of those that it has. May throw. */
  onEnvelope?: (values: ReadonlyMap<string, string>) => void;
  /** What to throw for a further list of records in an envelope; if absent it is stepped over. */
  severalLists?: ((paths: readonly string[]) => Error) | undefined;
}

/** A shape made ready for the questions that are asked for every member of every record. */
export class JsonShapeIndex {
  readonly emptyRow: readonly string[];
  readonly #nested: boolean[];
  readonly #slots: Map<string, number>;
  readonly #envelopeNames: Set<string>;
  readonly #lists: Set<string>;
  readonly #inner = new Set<string>();
  readonly #envelopeFields: Set<string>;

  constructor({ fields, nested = [], envelopes = [], envelopeFields = [] }: JsonShape) {
    this.emptyRow = fields.map(() => '');
    this.#nested = fields.map((name) => nested.includes(name));
    this.#lists = new Set(envelopes);
    this.#envelopeFields = new Set(envelopeFields);
    for (const path of [...envelopes, ...envelopeFields]) {
      for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
        this.#inner.add(path.slice(0, dot));
      }
    }
    this.#slots = new Map(fields.map((name, slot) => [name, slot]));
    this.#envelopeNames = new Set(envelopes.map((path) => path.split('.')[0] ?? path));
  }

  /** True if a member of this name makes an object that is no record of a list an envelope. */
  isEnvelopeName(name: string): boolean {
    return this.#envelopeNames.has(name);
  }

  /** The slot of the wanted member of this name. */
  slotOf(name: string): number | undefined {
    return this.#slots.get(name);
  }

  /** True if the field in this slot may be an object or a list. */
  mayNest(slot: number): boolean {
    return this.#nested[slot] === true;
  }

  /** True if the member of an envelope at this path is a list of records. */
  isList(path: string): boolean {
    return this.#lists.has(path);
  }

  /** True if the object at this path of an envelope has something wanted inside. */
  isInner(path: string): boolean {
    return this.#inner.has(path);
  }

  /** True if the member of an envelope at this path is to be handed over. */
  isEnvelopeField(path: string): boolean {
    return this.#envelopeFields.has(path);
  }
}
