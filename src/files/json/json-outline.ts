import { JsonFault, JsonIncomplete, JsonScanner } from './json-scan.ts';

const depthMax = 4;

/** True if the text begins like a JSON object or list. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** Of a list so many elements are looked at: the first call of a month may lack what others have. */
const elementsMax = 5;

/**
 * The member paths at the beginning of a JSON text, by which a format is recognised, each with the text of the first
 * value that is no object, list or null: of objects their members, of lists those of the first elements, as `results`,
 * `results.id`. Of JSONL the first records. The text may be cut off; what was seen until then is returned.
 */
export function outlineJson(text: string): Map<string, string> {
  const scanner = new JsonScanner(text);
  const members = new Map<string, string>();
  try {
    let at = scanner.skipSpace(0);
    for (let record = 0; record < elementsMax && at < text.length; record++) {
      outline(scanner, at, '', 0, members);
      at = scanner.skipSpace(skipAgain(scanner, at));
    }
  } catch (error) {
    if (!(error instanceof JsonIncomplete || error instanceof JsonFault)) {
      throw error;
    }
  }
  return members;
}

function outline(
  scanner: JsonScanner,
  start: number,
  prefix: string,
  depth: number,
  members: Map<string, string>,
): void {
  const { text } = scanner;
  const opening = text.charAt(start);
  if (depth > depthMax) {
    return;
  }
  if (opening === '[') {
    outlineElements(scanner, start, prefix, depth, members);
  } else if (opening === '{') {
    outlineMembers(scanner, start, prefix, depth, members);
  }
}

function outlineElements(
  scanner: JsonScanner,
  start: number,
  prefix: string,
  depth: number,
  members: Map<string, string>,
): void {
  let at = scanner.skipSpace(start + 1);
  for (let count = 0; count < elementsMax && scanner.text.charAt(at) !== ']'; count++) {
    outline(scanner, at, prefix, depth + 1, members);
    const comma = scanner.skipSpace(skipAgain(scanner, at));
    if (scanner.text.charAt(comma) !== ',') {
      return;
    }
    at = scanner.skipSpace(comma + 1);
  }
}

function outlineMembers(
  scanner: JsonScanner,
  start: number,
  prefix: string,
  depth: number,
  members: Map<string, string>,
): void {
  const { text } = scanner;
  for (let at = scanner.skipSpace(start + 1); text.charAt(at) === '"'; ) {
    const nameEnd = scanner.stringEnd(at);
    const path = prefix + text.slice(at + 1, nameEnd);
    if (!members.has(path)) {
      members.set(path, '');
    }
    const value = scanner.skipColon(nameEnd + 1);
    outline(scanner, value, `${path}.`, depth + 1, members);
    const end = skipAgain(scanner, value);
    if (members.get(path) === '' && !/[[{]/.test(text.charAt(value))) {
      members.set(path, scanner.valueText(value, end));
    }
    const comma = scanner.skipSpace(end);
    at = text.charAt(comma) === ',' ? scanner.skipSpace(comma + 1) : text.length;
  }
}

/** The end of a value whose inside has been looked at. */
function skipAgain(scanner: JsonScanner, at: number): number {
  scanner.goBack();
  return scanner.skipValue(at);
}
