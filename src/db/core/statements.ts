/** Text that a semicolon does not end a statement in: comments, quoted strings and names, bodies of functions. */
const opaque = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[\s\S]*?\$\1\$/y;

/** The statements of a file, each with the comments before it, trimmed, without the semicolon that ends it. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let at = 0;
  while (at < text.length) {
    opaque.lastIndex = at;
    const skipped = opaque.exec(text);
    if (skipped !== null) {
      at = opaque.lastIndex;
      continue;
    }
    if (text[at] === ';') {
      statements.push(text.slice(start, at));
      start = at + 1;
    }
    at += 1;
  }
  return [...statements, text.slice(start)].map((statement) => statement.trim()).filter(hasCode);
}

/** A statement without the comments before it. */
export const withoutLeadingComments = (statement: string): string =>
  statement.replace(/^(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/, '');

const hasCode = (statement: string) => withoutLeadingComments(statement) !== '';

/** Splits at commas that are in no parentheses and no quotes. */
export function splitArguments(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    opaque.lastIndex = at;
    const piece = opaque.exec(text)?.[0] ?? text.charAt(at);
    at += piece.length - 1;
    depth += piece === '(' ? 1 : piece === ')' ? -1 : 0;
    if (piece === ',' && depth === 0) {
      parts.push('');
    } else {
      parts[parts.length - 1] += piece;
    }
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** What is between the first parenthesis of a text and the one that closes it. */
export function insideParentheses(text: string): string {
  const start = text.indexOf('(');
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    opaque.lastIndex = at;
    const piece = opaque.exec(text)?.[0] ?? text.charAt(at);
    at += piece.length - 1;
    depth += piece === '(' ? 1 : piece === ')' ? -1 : 0;
    if (depth === 0) {
      return text.slice(start + 1, at);
    }
  }
  return '';
}
