import { JsonFault, JsonIncomplete, JsonScanner } from './json-scan.ts';

/** `data.calls`, not deeper. */
const depthMax = 2;

/**
 * The lists of objects that the first object of a JSON text has among its members, by their paths (`calls`, `data.calls`),
 * in the order of the text. The text may be cut off; what was seen until then is returned.
 */
export function listsOfObjects(text: string): string[] {
  const scanner = new JsonScanner(text);
  const found: string[] = [];
  try {
    const start = scanner.skipSpace(0);
    if (text.charAt(start) === '{') {
      collect(scanner, start, '', found);
    }
  } catch (error) {
    if (!(error instanceof JsonIncomplete || error instanceof JsonFault)) {
      throw error;
    }
  }
  return found;
}

function collect(scanner: JsonScanner, start: number, prefix: string, found: string[]): void {
  const { text } = scanner;
  for (let at = scanner.skipSpace(start + 1); text.charAt(at) === '"'; ) {
    const nameEnd = scanner.stringEnd(at);
    const path = prefix + text.slice(at + 1, nameEnd);
    const value = scanner.skipColon(nameEnd + 1);
    if (beginsWithObject(scanner, value)) {
      found.push(path);
    } else if (text.charAt(value) === '{' && path.split('.').length < depthMax) {
      collect(scanner, value, `${path}.`, found);
    }
    scanner.goBack(); // What stands inside has been looked at.
    const comma = scanner.skipSpace(scanner.skipValue(value));
    at = text.charAt(comma) === ',' ? scanner.skipSpace(comma + 1) : text.length;
  }
}

/** Whether a list begins here, with an object. */
export const beginsWithObject = (scanner: JsonScanner, at: number): boolean =>
  scanner.text.charAt(at) === '[' && scanner.text.charAt(scanner.skipSpace(at + 1)) === '{';
