import { badInputError, type QuotaError } from '../../errors.ts';
import { withInput } from '../../files/open-input.ts';
import { isTooDeepText, nestingMax } from '../../values/nesting.ts';

/** Far more than all plans of anybody. */
const sizeMax = 1_000_000;
/** An alias of aliases of aliases could grow without end. */
const aliasesMax = 100;
/** Parts of a file, with what aliases repeat: a large part may be repeated often. */
const partsMax = 200_000;
/** Errors that are shown; more are counted. */
const problemsShownMax = 50;

export type Path = readonly (string | number)[];

export interface PlanProblem {
  path: Path;
  message: string;
}

/** A file of YAML or JSON: its content, and where in the file each part of it stands. */
export interface PlanDocument {
  file: string;
  /** Plain data; numbers as the text they were written as, so that no digit is lost. */
  content: unknown;
  /** What stands at a path as plain JSON, numbers included. */
  json(path: Path): unknown;
  /** 1-based; of the nearest part that there is. */
  line(path: Path): number;
}

/** @throws badInputError when it is no file, or neither YAML nor JSON */
export async function readPlanDocument(
  path: string,
  stdin?: AsyncIterable<Uint8Array>,
): Promise<PlanDocument> {
  const file = path === '-' ? 'stdin' : path;
  const text = await withInput({ path, stdin }, async (input) => {
    let read = '';
    for await (const chunk of input.chunks()) {
      read += chunk;
      if (read.length > sizeMax) {
        throw badInputError(`${file} is too large for a file of plans`, {
          detail: `at most ${sizeMax} characters`,
        });
      }
    }
    return read;
  });
  return parsePlanText(file, text);
}

/**
 * The same of a text.
 * @throws badInputError when it is neither YAML nor JSON
 */
export async function parsePlanText(file: string, text: string): Promise<PlanDocument> {
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const tooDeep = () =>
    badInputError(`${file} is nested too deeply`, { detail: `at most ${nestingMax} levels` });
  const parse = () => {
    if (isTooDeepText(text)) {
      throw tooDeep();
    }
    try {
      return parseDocument(text, { lineCounter });
    } catch (error) {
      // Its reader goes down a level by calling itself.
      throw error instanceof RangeError ? tooDeep() : error;
    }
  };
  const document = parse();
  const [fault] = document.errors;
  if (fault !== undefined) {
    throw badInputError(`${file} is neither YAML nor JSON: ${fault.message.split('\n')[0]}`, {
      suggestion: `correct line ${lineCounter.linePos(fault.pos[0]).line}; nothing was applied`,
    });
  }
  let aliases = 0;
  let parts = 0;
  const plain = (node: unknown, depth: number): unknown => {
    parts += 1;
    if (depth > nestingMax) {
      throw tooDeep();
    }
    if (parts > partsMax) {
      throw badInputError(`${file} has too many parts for a file of plans`, {
        detail: `at most ${partsMax}, with what aliases repeat`,
      });
    }
    if (isAlias(node)) {
      aliases += 1;
      if (aliases > aliasesMax) {
        throw badInputError(`${file} repeats parts of itself too often`, {
          detail: `at most ${aliasesMax} aliases`,
        });
      }
      return plain(node.resolve(document), depth + 1);
    }
    if (isMap(node)) {
      return Object.fromEntries(
        node.items.map(({ key, value }) => [
          String(isScalar(key) ? key.value : key),
          plain(value, depth + 1),
        ]),
      );
    }
    if (isSeq(node)) {
      return node.items.map((item) => plain(item, depth + 1));
    }
    if (isScalar(node)) {
      return typeof node.value === 'number' ? (node.source ?? String(node.value)) : node.value;
    }
    return null;
  };
  const nodeAt = (path: Path) =>
    document.getIn(path, true) as { range?: [number, number, number]; toJSON?(): unknown };
  return {
    file,
    content: plain(document.contents, 0),
    json: (path) => nodeAt(path)?.toJSON?.() ?? null,
    line: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const range = nodeAt(path.slice(0, length))?.range;
        if (range) {
          return lineCounter.linePos(range[0]).line;
        }
      }
      return 1;
    },
  };
}

/** `plans.voice-free.limits[0].warn_at` */
const pathText = (path: Path): string =>
  path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');

/** All problems of a file in one error. */
export function planFileError(
  document: PlanDocument,
  problems: readonly PlanProblem[],
  suggestion = 'correct the file; quota plan show KEY prints a plan in the form that is taken',
): QuotaError {
  const placed = problems
    .map(({ path, message }) => ({ line: document.line(path), path: pathText(path), message }))
    .sort((a, b) => a.line - b.line)
    .slice(0, problemsShownMax);
  const lines = placed.map(
    ({ line, path, message }) => `line ${line}: ${path === '' ? 'the file' : path}: ${message}`,
  );
  const count = problems.length === 1 ? 'an error' : `${problems.length} errors`;
  return badInputError(`${document.file} has ${count}; nothing was applied`, {
    detail: lines.join('\n'),
    problems: placed,
    suggestion,
  });
}
