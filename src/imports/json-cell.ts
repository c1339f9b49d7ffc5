import { CellFault } from '../files/cells.ts';
import type { ImportColumn } from './import-kind.ts';

/** Beyond this PostgreSQL's parser may run out of stack. */
const depthMax = 100;
const lengthMax = 64 * 1024;

/**
 * A JSON object that `jsonb` takes, as its text.
 * @throws CellFault
 */
export const readJsonObject: ImportColumn['read'] = (text, title) => {
  const trimmed = text.trim();
  if (trimmed === '') {
    return null;
  }
  if (trimmed.length > lengthMax) {
    throw new CellFault(title, `has more than ${lengthMax / 1024} KiB`);
  }
  const value = parse(trimmed, title);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CellFault(title, 'is not a JSON object', 'write it like {"campaign": "spring"}');
  }
  const problem = problemOf(value, 0);
  if (problem !== null) {
    throw new CellFault(title, problem);
  }
  return trimmed;
};

function parse(text: string, title: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CellFault(title, `is not JSON: ${(error as Error).message}`);
  }
}

/** What JSON allows and jsonb does not. https://www.postgresql.org/docs/current/datatype-json.html */
function problemOf(value: unknown, depth: number): string | null {
  if (depth > depthMax) {
    return `is nested deeper than ${depthMax}`;
  }
  if (typeof value === 'string') {
    return /\u0000|\p{Surrogate}/u.test(value) ? 'has a character that cannot be stored' : null;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : 'has a number that is too large';
  }
  for (const [name, member] of typeof value === 'object' && value !== null ? Object.entries(value) : []) {
    const problem = problemOf(name, depth) ?? problemOf(member, depth + 1);
    if (problem !== null) {
      return problem;
    }
  }
  return null;
}
