import { type Jq, loadJq } from 'jq-wasm';
import { usageError } from '../../errors.ts';
import { printableText } from '../printable.ts';

let loading: Promise<Jq> | undefined;

function load(): Promise<Jq> {
  loading ??= loadJq();
  return loading;
}

/** What jq ends with when it does not understand its program. */
const compileErrorCode = 3;

/** @throws usageError where this is no expression of jq; nothing is evaluated */
export async function checkJq(expression: string): Promise<void> {
  const jq = await load();
  if (jq.raw(null, `empty | (${expression}\n)`).exitCode === compileErrorCode) {
    throw usageError(`--jq: ${reasonOf(jq.raw(null, expression).stderr)}`, {
      detail: expression,
      suggestion: "write it like --jq '.users[].externalId': https://jqlang.org/manual",
    });
  }
}

/**
 * The lines that jq makes of data: texts as they are, without control characters, anything else as JSON on one line.
 * @throws usageError where the expression does not fit the data
 */
export async function jqText(data: unknown, expression: string): Promise<string> {
  const { stdout, stderr, exitCode } = (await load()).raw(JSON.stringify(data ?? null), expression, [
    '-r',
    '-c',
  ]);
  if (exitCode !== 0) {
    throw usageError(`--jq: ${reasonOf(stderr)}`, {
      detail: expression,
      suggestion: 'the command itself has run; --json alone shows what the expression is given',
    });
  }
  return stdout === '' ? '' : `${printableText(stdout)}\n`;
}

/** Without where jq read its input from. */
const reasonOf = (stderr: string): string =>
  (stderr.split('\n')[0] ?? '')
    .replace(/^jq: error(?: \(at [^)]*\))?:? */, '')
    .replace(/ at <top-level>.*$/, '') || 'it failed';
