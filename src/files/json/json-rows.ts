import { BadLines } from '../bad-lines.ts';
import { CellFault } from '../cells.ts';
import type { Input } from '../input.ts';
import type { RowBatch } from '../row-batch.ts';
import type { JsonShape } from './json-shape.ts';
import { RecordSplitter } from './record-splitter.ts';

/**
 * The records of a JSON file in batches: one object per line (JSONL), a list, an envelope around a list, or one
 * of these per line (pages saved one after the other). In JSONL a line that cannot be read goes to `badLines`;
 * a fault inside a list makes the file unusable. What `csvRows` says about refusing holds here too.
 */
export async function* jsonRows(
  input: Input,
  shape: JsonShape,
  badLines: BadLines,
): AsyncGenerator<RowBatch, void, undefined> {
  const splitter = new RecordSplitter(input.name, withList(shape, input), badLines);
  for await (const chunk of input.chunks()) {
    yield splitter.push(chunk, false);
  }
  yield splitter.push('', true);
  badLines.refuseIfAny();
}

/** The list that an input has in something else is one more place of records. */
function withList(shape: JsonShape, { list }: Input): JsonShape {
  if (list === undefined) {
    return shape;
  }
  const { envelopes = [], envelopeFields = [], onEnvelope } = shape;
  return {
    ...shape,
    envelopes: [...envelopes, list.path],
    envelopeFields: [...envelopeFields, ...list.envelopeFields],
    onEnvelope: (values) => {
      onEnvelope?.(values);
      list.onEnvelope(values);
    },
    severalLists: list.severalLists,
  };
}

/**
 * The records of a JSON text that is held in memory, the value of `column`: of a list, or the one object, with their
 * original texts.
 * @throws CellFault if it holds something else
 */
export function batchIn(text: string, shape: JsonShape, column: string): RowBatch {
  const badLines = new BadLines();
  const batch = new RecordSplitter(column, shape, badLines).push(text, true);
  const [fault] = badLines.kept;
  if (fault !== undefined) {
    throw new CellFault(column, fault.reason);
  }
  return batch;
}

/**
 * The values alone. See `batchIn`.
 * @throws CellFault
 */
export const recordsIn = (text: string, shape: JsonShape, column: string): string[][] =>
  batchIn(text, shape, column).rows;
