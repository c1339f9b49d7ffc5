import { fileFault } from '../../files/bad-lines.ts';
import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import type { JsonShape } from '../../files/json/json-shape.ts';
import type { RowBatch } from '../../files/row-batch.ts';
import type { ReaderSettings } from './export-reader.ts';

export interface PageSigns {
  /** Members of the envelope that are set, and not false, while further pages follow: `has_more`, `data.next`. */
  more: readonly string[];
  /** Members of the envelope that say how many records there are in all pages. */
  total?: readonly string[];
  /** The values of `code` that mean success; any if absent. */
  success?: readonly string[];
}

export interface PageWatch {
  /** To be spread into the shape of `jsonRows`. */
  shape: Pick<JsonShape, 'envelopeFields' | 'onEnvelope'>;
  /** Passes the batches on, and after the last one gives notice if pages are missing. */
  watch: (batches: AsyncIterable<RowBatch>) => AsyncGenerator<RowBatch, void, undefined>;
}

/**
 * Watches the envelopes around lists of records: refuses an answer that says it failed, and gives
 * notice if the last page that was saved is not the last there is.
 * @throws badInputError later, at an answer that says it failed
 */
export function watchPages(input: Input, settings: ReaderSettings, signs: PageSigns): PageWatch {
  let morePages = false;
  let total = 0;
  const onEnvelope = (values: ReadonlyMap<string, string>) => {
    refuseFailure(input, values, signs.success);
    morePages = signs.more.some((path) => !['', 'false', undefined].includes(values.get(path)));
    const told = (signs.total ?? [])
      .map((path) => values.get(path) ?? '')
      .filter((text) => /^\d+$/.test(text));
    total = Math.max(total, ...told.map(Number));
  };
  async function* watch(batches: AsyncIterable<RowBatch>) {
    let records = 0;
    for await (const batch of batches) {
      records += batch.rows.length;
      yield batch;
    }
    if (morePages) {
      settings.notice('the last page says that more pages follow: lines may be missing');
    } else if (records < total) {
      settings.notice(
        `the pages say that there are ${total} records, and have ${records}: lines may be missing`,
      );
    }
  }
  return {
    shape: { envelopeFields: ['code', 'message', ...signs.more, ...(signs.total ?? [])], onEnvelope },
    watch,
  };
}

function refuseFailure(input: Input, values: ReadonlyMap<string, string>, success?: readonly string[]): void {
  const code = values.get('code') ?? '';
  if (code === '' || success === undefined || success.includes(code)) {
    return;
  }
  const message = values.get('message') ?? '';
  throw fileFault({
    file: input.name,
    line: 1,
    column: 'code',
    reason: `the provider answered with code ${quoted(code)}${message === '' ? '' : `: ${quoted(message)}`}`,
    suggestion: 'fetch the list again',
  });
}
