import { badInputError } from '../errors.ts';
import { BadLines, place } from '../files/bad-lines.ts';
import { jsonRows } from '../files/json/json-rows.ts';
import { withInput } from '../files/open-input.ts';
import { isTooDeep } from '../values/nesting.ts';
import { type Fields, limitedAlready } from './assistant-state.ts';

/** The configuration of an assistant as a call used it, and when. */
export interface ReportedAssistant {
  assistant: Fields;
  atMs: number;
}

/** What a file says, by the provider's ids. */
export interface ReportedOriginals {
  newest: Map<string, ReportedAssistant>;
  /** Assistants that were limited already whenever they are told of. */
  onlyLimited: Set<string>;
}

/** What is read of an end-of-call report; VAPI sends more. */
interface EndOfCallReport {
  type?: unknown;
  timestamp?: unknown;
  endedAt?: unknown;
  startedAt?: unknown;
  assistant?: unknown;
  call?: { assistantId?: unknown; assistant?: unknown };
}

/**
 * The newest configuration of each assistant in a file of stored end-of-call reports (one `{message: {…}}` per line,
 * a list of them, gzip or not) in which it was not limited yet. A report carries the whole configuration that its
 * call used, which makes the reports before the first limit the one place where a lost original survives. A line
 * `{assistant: {id, …}}` is taken as well: an original that another application has stored.
 * @throws badInputError (exit 65) with every line that cannot be read.
 */
export async function readOriginalsFile(
  source: { path: string; stdin?: AsyncIterable<Uint8Array> | undefined },
  limited: Fields,
): Promise<ReportedOriginals> {
  const reported: ReportedOriginals = { newest: new Map(), onlyLimited: new Set() };
  await withInput(source, async (input) => {
    // In skip mode, so that the refusal is worded here: nothing of this file is ever loaded.
    const badLines = new BadLines({ skip: true });
    for await (const batch of jsonRows(input, shape, badLines)) {
      batch.rows.forEach(([message = '', assistant = ''], index) => {
        const reason = noteLine(reported, { message, assistant }, limited);
        if (reason !== undefined) {
          const line = batch.lines[index] ?? 0;
          badLines.add({ file: input.name, line, column: 'message', reason, suggestion: null }, '');
        }
      });
    }
    if (badLines.total > 0) {
      throw badInputError(`${input.name} is not a file of end-of-call reports`, {
        detail: badLines.kept.map((bad) => `${place(bad)}: ${bad.reason}`).join('\n'),
        suggestion: 'each line is a body as VAPI posts it: {"message":{"type":"end-of-call-report",…}}',
      });
    }
  });
  for (const id of reported.newest.keys()) {
    reported.onlyLimited.delete(id);
  }
  return reported;
}

const shape = { fields: ['message', 'assistant'], nested: ['message', 'assistant'] };

/** Notes what a line says of an assistant; returns what is wrong with it. */
function noteLine(
  reported: ReportedOriginals,
  { message, assistant }: { message: string; assistant: string },
  limited: Fields,
): string | undefined {
  const text = message === '' ? assistant : message;
  if (text === '') {
    return 'there is neither a message nor an assistant';
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  if (isTooDeep(value)) {
    return 'it is nested too deeply';
  }
  if (typeof value !== 'object' || value === null) {
    return `the ${message === '' ? 'assistant' : 'message'} is not an object`;
  }
  const found = message === '' ? ofAssistant(value as Fields) : ofReport(value as EndOfCallReport);
  if (found === undefined || typeof found === 'string') {
    return found;
  }
  const isNewer = found.atMs > (reported.newest.get(found.id)?.atMs ?? Number.NEGATIVE_INFINITY);
  if (limitedAlready(found.assistant, limited) !== undefined) {
    reported.onlyLimited.add(found.id);
  } else if (isNewer) {
    reported.newest.set(found.id, found);
  }
  return undefined;
}

type Found = ReportedAssistant & { id: string };

/** Without an instant it is older than every report. */
function ofAssistant(assistant: Fields): Found | string {
  const { id, updatedAt } = assistant;
  return typeof id === 'string' && id !== ''
    ? { id, assistant, atMs: instantOf(updatedAt) ?? Number.MIN_SAFE_INTEGER }
    : 'the assistant has no id';
}

/** Undefined for what says nothing of an assistant that can be restored. */
function ofReport(report: EndOfCallReport): Found | string | undefined {
  const assistant = report.assistant ?? report.call?.assistant;
  if (report.type !== 'end-of-call-report' || typeof assistant !== 'object' || assistant === null) {
    return undefined; // Other messages are stored in the same file, and a squad has no single assistant.
  }
  const id = report.call?.assistantId ?? (assistant as Fields).id;
  const atMs = instantOf(report.timestamp) ?? instantOf(report.endedAt) ?? instantOf(report.startedAt);
  if (typeof id !== 'string') {
    return undefined; // A transient assistant: there is nothing to restore.
  }
  return atMs === undefined
    ? 'the report has neither timestamp nor endedAt, so that its age is not known'
    : { id, assistant: assistant as Fields, atMs };
}

/** VAPI's timestamp is in milliseconds since the epoch, its other instants are ISO 8601. */
function instantOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
}
