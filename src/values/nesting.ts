/** Deeper than anything that people or providers write. */
export const nestingMax = 100;
/** Of YAML: so many lists or keys that begin on one line, each in the one before. */
const tooManyOnALine = new RegExp(`(?:[-?:][ \\t]+){${nestingMax + 1}}`);

/** Whether a value of JSON is nested so deeply that whoever walks it may run out of stack. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > nestingMax) {
      return true;
    }
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** The same of a text of YAML or JSON, before it is read: its readers take minutes over what is deep, or run out of stack. */
export function isTooDeepText(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '[' || char === '{') {
      depth += 1;
      if (depth > nestingMax) {
        return true;
      }
    } else if (char === ']' || char === '}') {
      depth = Math.max(0, depth - 1);
    }
  }
  return tooManyOnALine.test(text);
}
