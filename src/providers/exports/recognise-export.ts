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
import { hasColumns, type Shape, shapeOf, statesMoney } from './shape.ts';
import { vapiCallLog } from './vapi-call-log.ts';
import { vapiCalls } from './vapi-calls.ts';

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
export function recogniseExport(input: Input, { mapping = [], provider }: Expectations = {}): ExportReader {
  const shape = shapeOf(input);
  if (mapsToFocus(mapping)) {
    return focus;
  }
  if (mapping.length > 0) {
    return genericCsv;
  }
  const isMoney = statesMoney(shape);
  const reader = exportReaders.find(
    (candidate) => candidate.recognises(shape, provider ?? null) && (candidate.statesMoney || !isMoney),
  );
  refuseTokens(input, shape);
  if (reader !== undefined) {
    return reader;
  }
  throw notRecognised(input, shape);
}

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

/** An answer of an API, or of the gateway before it, that holds no records but a complaint. */
function describeFailure(shape: Shape): { reason: string; suggestion: string } | null {
  if (shape.kind === 'csv') {
    return null;
  }
  const { members } = shape;
  const told = failureMembers.map((name) => members.get(name) ?? '').find((text) => text !== '');
  const isFailure =
    ['error', 'errors', 'statusCode', 'status'].some((name) => members.has(name)) ||
    // Nothing else is in it.
    [...members.keys()].every((path) => failureMembers.includes(path));
  return told === undefined || !isFailure
    ? null
    : {
        reason: `the file is no export but an answer that says: ${quoted(told)}`,
        suggestion: 'the download failed: fetch it again',
      };
}
