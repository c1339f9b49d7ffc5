/**
 * Text from users and providers can carry terminal escapes, bidirectional overrides and line breaks; none of
 * them may reach a terminal.
 */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const controls = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** One line of text without control characters. */
export function printable(text: string): string {
  return text
    .replace(escapes, '')
    .replace(/[\n\r\t]+/g, ' ')
    .replace(controls, '');
}

/** The same data with every string in it made printable. */
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
