import { printable } from '../printable.ts';

/** Data with every string in it made printable. */
export function printableData<T>(data: T): T {
  if (typeof data === 'string') {
    return printable(data) as T;
  }
  if (Array.isArray(data)) {
    return data.map(printableData) as T;
  }
  if (data !== null && typeof data === 'object' && Object.getPrototypeOf(data) === Object.prototype) {
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, printableData(value)])) as T;
  }
  return data;
}

/** Text that may have lines and tabs, and nothing else that a terminal acts upon. */
export const printableText = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((piece) => (piece === '\n' || piece === '\t' ? piece : printable(piece)))
    .join('');

/** The same, in the colours of the tool. */
export const drawnText = (text: string): string =>
  text
    .split(/(\u001b\[[0-9;]*m)/)
    .map((piece, at) => (at % 2 === 1 ? piece : printableText(piece)))
    .join('');

/** A value as one cell of a table or csv: null is empty, instants are ISO 8601, structures are JSON. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
