import { badInputError } from '../errors.ts';
import { BadLines, place } from '../files/bad-lines.ts';
import { jsonRows } from '../files/json/json-rows.ts';
import { withInput } from '../files/open-input.ts';
import { type Fields, limitedAlready } from './assistant-state.ts';

/** The configuration of an assistant as a call used it, and when. */
export interface ReportedAssistant {
  assistant: Fields;
  atMs: number;
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
 * call used, which makes the reports before the first limit the one place where a lost original survives.
 * @throws badInputError (exit 65) with every line that cannot be read.
 */
export async function readOriginalsFile(
  source: { path: string; stdin?: AsyncIterable<Uint8Array> | undefined },
  limited: Fields,
): Promise<Map<string, ReportedAssistant>> {
  const newest = new Map<string, ReportedAssistant>();
  await withInput(source, async (input) => {
    // In skip mode, so that the refusal is worded here: nothing of this file is ever loaded.
    const badLines = new BadLines({ skip: true });
    for await (const batch of jsonRows(input, { fields: ['message'], nested: ['message'] }, badLines)) {
      batch.rows.forEach(([text = ''], index) => {
        const reason = text === '' ? 'there is no message' : noteReport(newest, text, limited);
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
  return newest;
}

/** Notes a report's assistant, if it is newer than the one known and not limited; returns what is wrong with it. */
function noteReport(
  newest: Map<string, ReportedAssistant>,
  text: string,
  limited: Fields,
): string | undefined {
  let report: EndOfCallReport;
  try {
    report = JSON.parse(text) as EndOfCallReport;
  } catch (error) {
    return (error as Error).message;
  }
  if (typeof report !== 'object' || report === null) {
    return 'the message is not an object';
  }
  const assistant = report.assistant ?? report.call?.assistant;
  if (report.type !== 'end-of-call-report' || typeof assistant !== 'object' || assistant === null) {
    return undefined; // Other messages are stored in the same file, and a squad has no single assistant.
  }
  const id = report.call?.assistantId ?? (assistant as Fields).id;
  const atMs = instantOf(report.timestamp) ?? instantOf(report.endedAt) ?? instantOf(report.startedAt);
  if (typeof id !== 'string') {
    return undefined; // A transient assistant: there is nothing to restore.
  }
  if (atMs === undefined) {
    return 'the report has neither timestamp nor endedAt, so that its age is not known';
  }
  const isNewer = atMs > (newest.get(id)?.atMs ?? Number.NEGATIVE_INFINITY);
  if (isNewer && limitedAlready(assistant as Fields, limited) === undefined) {
    newest.set(id, { assistant: assistant as Fields, atMs });
  }
  return undefined;
}

/** VAPI's timestamp is in milliseconds since the epoch, its other instants are ISO 8601. */
function instantOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
}
