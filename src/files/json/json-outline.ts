import { JsonFault, JsonIncomplete, JsonScanner } from './json-scan.ts';

const depthMax = 4;

/** True if the text begins like a JSON object or list. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/**
 * The member paths at the beginning of a JSON text, by which a format is recognised: of objects their members,
 * of lists those of the first element, as `results`, `results.id`. The text may be cut off; what was seen
 * until then is returned.
 */
export function outlineJson(text: string): Set<string> {
  const scanner = new JsonScanner(text);
  const paths = new Set<string>();
  try {
    outline(scanner, scanner.skipSpace(0), '', 0, paths);
  } catch (error) {
    if (!(error instanceof JsonIncomplete || error instanceof JsonFault)) {
      throw error;
    }
  }
  return paths;
}

function outline(
  scanner: JsonScanner,
  start: number,
  prefix: string,
  depth: number,
  paths: Set<string>,
): void {
  const { text } = scanner;
  const opening = text.charAt(start);
  if (depth > depthMax || (opening !== '[' && opening !== '{')) {
    return;
  }
  const first = scanner.skipSpace(start + 1);
  if (opening === '[') {
    outline(scanner, first, prefix, depth + 1, paths);
    return;
  }
  for (let at = first; text.charAt(at) === '"'; ) {
    const nameEnd = scanner.stringEnd(at);
    const path = prefix + text.slice(at + 1, nameEnd);
    paths.add(path);
    const value = scanner.skipColon(nameEnd + 1);
    outline(scanner, value, `${path}.`, depth + 1, paths);
    const comma = scanner.skipSpace(scanner.skipValue(value));
    at = text.charAt(comma) === ',' ? scanner.skipSpace(comma + 1) : text.length;
  }
}
