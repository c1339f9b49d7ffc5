import { fileFault } from '../../files/bad-lines.ts';
import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { listsOfObjects } from '../../files/json/json-lists.ts';
import { looksLikeJson } from '../../files/json/json-outline.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';

/** What says that there are further pages, beside a list that anybody wraps: set, and not false. */
const moreSigns = ['', 'metadata.', 'meta.', 'pagination.', 'paging.', 'page_info.', 'pageInfo.'].flatMap(
  (prefix) =>
    ['has_more', 'hasMore', 'hasNextPage', 'has_next', 'hasNext', 'next', 'next_page', 'nextPage']
      .concat(['next_page_token', 'nextPageToken', 'next_cursor', 'nextCursor'])
      .map((name) => prefix + name),
);

/** The lists of records that a JSON text has in something else: `calls` of `{"calls": […], "metadata": …}`. */
export function listsIn({ sample }: Input): string[] {
  const lists = looksLikeJson(sample) ? listsOfObjects(sample) : [];
  const outer = lists.filter((path) => !path.includes('.'));
  return outer.length > 0 ? outer : lists;
}

/**
 * The one of them; null where there is none.
 * @throws badInputError where there are several
 */
export function wrappedList(input: Input): string | null {
  const [path = null, ...others] = listsIn(input);
  if (path !== null && others.length > 0) {
    throw severalLists(input.name, [path, ...others]);
  }
  return path;
}

const severalLists = (file: string, paths: readonly string[]) =>
  fileFault({
    file,
    line: 1,
    column: null,
    reason: `there are several lists of records in it: ${paths.map(quoted).join(', ')}`,
    suggestion: `say which is the bill: jq -c '.${paths[0]}[]' FILE | quota … -`,
  });

/** An input of which only this list is seen. */
export const inList = (input: Input, path: string, onEnvelope: ListWatch = () => {}): Input => ({
  name: input.name,
  sample: input.sample,
  sampleIsAll: input.sampleIsAll,
  list: {
    path,
    envelopeFields: moreSigns,
    onEnvelope,
    severalLists: (paths) => severalLists(input.name, paths),
  },
  chunks: () => input.chunks(),
  digest: () => input.digest(),
  close: () => input.close(),
});

type ListWatch = (values: ReadonlyMap<string, string>) => void;

/** The same reader for what a file has in something else. It says which list it reads, and whether pages are missing. */
export const ofWrappedList = (reader: ExportReader): ExportReader => ({
  ...reader,
  lines: (input, settings) => readList(reader, input, settings),
});

async function* readList(reader: ExportReader, input: Input, settings: ReaderSettings) {
  const path = wrappedList(input);
  if (path === null) {
    yield* reader.lines(input, settings);
    return;
  }
  settings.notice(`the list ${quoted(path)} in it is read`);
  let morePages = false;
  const wrapped = inList(input, path, (values) => {
    morePages = moreSigns.some((sign) => !['', 'false', '0', undefined].includes(values.get(sign)));
  });
  yield* reader.lines(wrapped, settings);
  if (morePages) {
    settings.notice('the last page says that more pages follow: lines may be missing');
  }
}
