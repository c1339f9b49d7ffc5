export interface InputSource {
  /** A path, or `-` for stdin. */
  path: string;
  /** What `-` reads from. */
  stdin?: AsyncIterable<Uint8Array> | undefined;
  /** For messages. Default: the path, or `stdin`. */
  name?: string;
}

export interface InputDigest {
  /** Of the bytes as they came, compressed or not: what `sha256sum FILE` prints. */
  sha256: string;
  /** Their number. */
  bytes: number;
}

/** A list of records that a JSON text has in something else. */
export interface WrappedList {
  /** Where it stands: `calls`, `data.calls`. */
  path: string;
  /** Members around it that are handed over, by their paths. */
  envelopeFields: readonly string[];
  /** Called at the end of what is around it. */
  onEnvelope: (values: ReadonlyMap<string, string>) => void;
  /** What to throw where there is another list of records. */
  severalLists: (paths: readonly string[]) => Error;
}

/** One opened file of text. Memory stays at a few chunks, whatever its size. */
export interface Input {
  /** For messages: the path as given, or `stdin`. */
  readonly name: string;
  /** The first text of the file, up to 64 KiB, without byte order mark; the whole file if it is shorter. */
  readonly sample: string;
  /** True if `sample` is all there is. */
  readonly sampleIsAll: boolean;
  /** What is read of a JSON text; all of it if absent. */
  readonly list?: WrappedList;
  /** The text in pieces, from the start (the sample included), decompressed and checked. Can be read once. */
  chunks(): AsyncGenerator<string, void, undefined>;
  /** Known once the chunks are read to the end; throws before. */
  digest(): InputDigest;
  close(): Promise<void>;
}
