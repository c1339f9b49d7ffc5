import { fileFault } from '../../files/bad-lines.ts';
import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { anthropicCosts } from './anthropic-costs.ts';
import { anthropicCostsCsv } from './anthropic-costs-csv.ts';
import { heygenSessions, liveAvatarSessions } from './avatar-sessions.ts';
import { type ExportReader, exportFormats } from './export-reader.ts';
import { focus } from './focus.ts';
import { mapsToFocus } from './focus-columns.ts';
import { genericCsv } from './generic-csv.ts';
import { openAiCosts } from './openai-costs.ts';
import { openAiCostsCsv } from './openai-costs-csv.ts';
import { openAiUsageCsv } from './openai-usage.ts';
import { statesCall } from './require-columns.ts';
import { hasColumns, type Shape, shapeOf, statesMoney } from './shape.ts';
import { vapiCallLog } from './vapi-call-log.ts';
import { vapiCalls } from './vapi-calls.ts';
import { inList, listsIn, ofWrappedList, wrappedList } from './wrapped-list.ts';

/** In the order in which they are tried: the generic one takes what no other knows. */
export const exportReaders: readonly ExportReader[] = [
  vapiCalls,
  vapiCallLog,
  liveAvatarSessions,
  heygenSessions,
  openAiCosts,
  anthropicCosts,
  openAiCostsCsv,
  anthropicCostsCsv,
  openAiUsageCsv,
  focus,
  genericCsv,
];

export interface Expectations {
  /** Columns that are named by the caller: of FOCUS, or else of any CSV. */
  mapping?: readonly string[] | undefined;
  /** Whose bill it is said to be. */
  provider?: string | undefined;
}

/**
 * The reader for the content of a file.
 * @throws badInputError with the formats there are if none knows it
 */
export function recogniseExport(input: Input, expected: Expectations = {}): ExportReader {
  const shape = shapeOf(input);
  const reader = readerOf(shape, expected);
  refuseTokens(input, shape);
  if (reader !== undefined && isKnown(reader, shape, expected)) {
    return reader;
  }
  const found = readerOfList(input, shape, expected) ?? reader;
  if (found !== undefined) {
    return found;
  }
  throw notRecognised(input, shape);
}

/** The reader of a format that somebody has named; of a list in the file, where only that has what the format has. */
export function namedReader(input: Input, reader: ExportReader, expected: Expectations): ExportReader {
  const [path, ...others] = listsIn(input);
  const isKnownIn = (seen: Input) => isKnown(reader, shapeOf(seen), expected);
  const isList =
    path !== undefined && others.length === 0 && !isKnownIn(input) && isKnownIn(inList(input, path));
  return isList ? ofWrappedList(reader) : reader;
}

function readerOf(shape: Shape, { mapping = [], provider }: Expectations): ExportReader | undefined {
  if (mapsToFocus(mapping)) {
    return focus;
  }
  if (mapping.length > 0) {
    return genericCsv;
  }
  const isMoney = statesMoney(shape);
  return exportReaders.find(
    (candidate) => candidate.recognises(shape, provider ?? null) && (candidate.statesMoney || !isMoney),
  );
}

/** Whether a format has what the file shows, as it stands: the generic one takes it for calls where it could read them. */
function isKnown(reader: ExportReader, shape: Shape, { mapping = [], provider }: Expectations): boolean {
  if (shape.kind === 'csv' || shape.members.size === 0) {
    return true;
  }
  if (reader !== genericCsv) {
    return reader.recognises(shape, provider ?? null);
  }
  const isMapped = mapping.some((pair) => shape.members.has(pair.slice(0, pair.lastIndexOf('=')).trim()));
  return isMapped || statesCall(shape);
}

/** Of a list that stands in something else. */
function readerOfList(input: Input, shape: Shape, expected: Expectations): ExportReader | undefined {
  const path = wrappedList(input);
  const reader = path === null ? undefined : readerOf(shapeOf(inList(input, path)), expected);
  if (reader === undefined) {
    return undefined;
  }
  const failure = describeFailure(shape);
  if (failure !== null && shape.kind === 'json' && saysError(shape.members)) {
    throw fileFault({ file: input.name, line: 1, column: null, ...failure });
  }
  return ofWrappedList(reader);
}

/** A list beside a complaint is what was there when it broke off. */
const saysError = (members: ReadonlyMap<string, string>): boolean =>
  ['error', 'error.message', 'errors'].some(
    (name) => !['', 'false', '0', undefined].includes(members.get(name)),
  );

/** Anthropic's console has two downloads; the one of tokens says neither what they cost nor how many requests it were. */
function refuseTokens(input: Input, shape: Shape): void {
  if (hasColumns(shape, 'usage_date_utc', 'usage_output_tokens') && !statesMoney(shape)) {
    throw fileFault({
      file: input.name,
      line: 1,
      column: null,
      reason: "this is Anthropic's download of tokens, which does not say what they cost",
      suggestion: 'download Cost, not Usage, from the console',
    });
  }
}

function notRecognised(input: Input, shape: Shape) {
  const at = { file: input.name, line: 1, column: null };
  const failure = describeFailure(shape);
  if (failure !== null) {
    return fileFault({ ...at, ...failure });
  }
  const isEmpty = shape.kind === 'json' && shape.members.size === 0;
  return fileFault({
    ...at,
    reason: isEmpty
      ? 'there is nothing in it by which to recognise its format'
      : 'the format is not recognised',
    suggestion: isEmpty
      ? 'if nothing was billed, say by whom: --provider NAME'
      : (unpacking(shape) ?? `say what it is: --format ${exportFormats.join('|')}`),
  });
}

/** How a list of calls that is wrapped in something is read. */
function unpacking(shape: Shape): string | null {
  const paths = shape.kind === 'json' ? [...shape.members.keys()] : [];
  const list = paths
    .map((path) => /^(\w+)\.(?:id|call_?id|started_?at|created_?at)$/i.exec(path)?.[1])
    .find(Boolean);
  return list === undefined ? null : `if "${list}" lists calls: jq -c '.${list}[]' FILE | quota … -`;
}

const failureMembers = ['error.message', 'error', 'message', 'detail', 'title', 'errors'];

/** Of an answer that has none, too. */
const successCodes: readonly (string | undefined)[] = [
  undefined,
  '',
  '0',
  '100',
  '200',
  'OK',
  'ok',
  'success',
];

/** An answer of an API, or of the gateway before it, that holds no records but a complaint. */
function describeFailure(shape: Shape): { reason: string; suggestion: string } | null {
  if (shape.kind === 'csv') {
    return null;
  }
  const { members } = shape;
  const told = failureMembers.map((name) => members.get(name) ?? '').find((text) => text !== '');
  const isFailure =
    ['error', 'errors', 'statusCode', 'status'].some((name) => members.has(name)) ||
    !successCodes.includes(members.get('code')) ||
    // Nothing else is in it.
    [...members.keys()].every((path) => failureMembers.includes(path));
  return told === undefined || !isFailure
    ? null
    : {
        reason: `the file is no export but an answer that says: ${quoted(told)}`,
        suggestion: 'the download failed: fetch it again',
      };
}
