import { expectedError } from '../db/expected-error.ts';
import { type ExitCode, exitCodes, type QuotaError } from '../errors.ts';
import { printable } from '../printable.ts';
import { jsonLine } from './formats/json.ts';
import { logLine } from './log-line.ts';
import type { TerminalStream } from './process-like.ts';
import { wrappedFor } from './wrap-text.ts';

export interface ErrorReporting {
  stderr: Pick<TerminalStream, 'write' | 'isTTY' | 'columns'>;
  json: boolean;
  /** `--log-format json`: the error is the last line of the log, whatever the result would have been. */
  isLog?: boolean;
  redact: (text: string) => string;
  /** The code of the signal that has arrived, if one has. */
  interrupted: ExitCode | undefined;
}

/** The one place that turns an error into words on stderr and an exit code. */
export function reportError(error: unknown, reporting: ErrorReporting): ExitCode {
  const { stderr, redact, interrupted } = reporting;
  if (interrupted !== undefined) {
    stderr.write(told(reporting, interruption, `${interruption.message}\n`));
    return interrupted;
  }
  if (isPromptAbort(error)) {
    return exitCodes.interrupted;
  }
  const known = expectedError(error);
  stderr.write(redact(told(reporting, errorData(error, known), errorText(error, known))));
  return known?.exitCode ?? exitCodes.bug;
}

function told(
  { stderr, json, isLog = false }: ErrorReporting,
  data: { message: string },
  text: string,
): string {
  if (isLog) {
    return logLine('error', data.message, { error: data });
  }
  return json ? `${jsonLine({ error: data })}\n` : wrappedFor(stderr, text, 2);
}

const interruption = { code: 'interrupted', message: 'interrupted', detail: null, suggestion: null };

/** Ctrl-C at a prompt: the terminal is in raw mode, so no signal arrives. */
const isPromptAbort = (error: unknown) => error instanceof Error && error.name === 'ExitPromptError';

/** A line of an error repeats what was given; of what is endless, the beginning says enough. */
const lineMax = 2000;
const shortened = (line: string) => (line.length > lineMax ? `${line.slice(0, lineMax)}…` : line);

function errorData(error: unknown, known: QuotaError | undefined) {
  return known === undefined
    ? { code: 'bug', message: messageOf(error), detail: stackOf(error), suggestion: bugSuggestion }
    : {
        code: known.code,
        message: shortened(known.message),
        detail: known.detail === undefined ? null : known.detail.split('\n').map(shortened).join('\n'),
        suggestion: known.suggestion === undefined ? null : shortened(known.suggestion),
        ...(known.problems && { problems: known.problems }),
      };
}

const bugSuggestion = 'this is a bug of quota: please report it with the lines above';

function errorText(error: unknown, known: QuotaError | undefined): string {
  if (known === undefined) {
    return `error: ${stackOf(error)}\nhint: ${bugSuggestion}\n`;
  }
  const lines = [`error: ${printable(shortened(known.message))}`];
  for (const line of known.detail?.split('\n') ?? []) {
    lines.push(`  ${printable(shortened(line))}`);
  }
  if (known.suggestion !== undefined) {
    lines.push(`hint: ${printable(shortened(known.suggestion))}`);
  }
  return `${lines.join('\n')}\n`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
