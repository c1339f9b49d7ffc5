/** What a counter is called in an app's own Redis, and holds. */
export interface CacheTemplate {
  key: string;
  /** Of the hash that the key names; null: the key is a plain string. */
  field: string | null;
  /** `used`, `remaining`, `limit`, or a number less what remains: `100 - remaining`. */
  value: string;
  /** What becomes of the key when what it holds has changed. */
  onChange: 'write' | 'delete';
}

/** How the name of a counter in an app's Redis is made: literals, and what stands in braces. */
export interface KeyTemplate {
  /** Of one user and any period, as the pattern of SCAN: it may fit more keys than the template. */
  glob: string;
  /** The user whom a key is of; null: it is none of the template. */
  userOf(key: string): string | null;
  /** Characters that every such key has in common. */
  literalLength: number;
}

const pieces = /\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g;
const datePattern = /^\{(?:YYYY|MM|DD)(?:[-_./:]?(?:YYYY|MM|DD))*\}$/;
const keyLengthMax = 200;
/** Where counters under our own names are. */
const ownPrefix = 'quota:usage:';

const placeholders = '{user}, {meter}, {start} and dates like {YYYY-MM}';

/**
 * Reads a template, `{meter}` put in already or not.
 * @returns what is wrong with it, as text, where something is
 */
export function readKeyTemplate(text: string): KeyTemplate | string {
  const problem = problemOf(text);
  if (problem !== null) {
    return problem;
  }
  const parts: readonly string[] = text.match(pieces) ?? [];
  const expression = new RegExp(`^${parts.map(expressionOf).join('')}$`, 's');
  return {
    glob: parts.map(globOf).join(''),
    userOf: (key) => expression.exec(key)?.[1] ?? null,
    literalLength: parts.map(literalOf).join('').length,
  };
}

function problemOf(text: string): string | null {
  const parts: readonly string[] = text.match(pieces) ?? [];
  const inBraces = parts.filter((part) => part.startsWith('{') && part !== '{{');
  const unknown = inBraces.find((part) => !isPlaceholder(part)) ?? parts.find((part) => part === '}');
  if (text.length > keyLengthMax || text === '') {
    return `a key has 1 to ${keyLengthMax} characters, not ${text.length}`;
  }
  if (/\p{Cc}/u.test(text)) {
    return 'a key has no control characters';
  }
  if (unknown !== undefined) {
    return `there is no placeholder ${unknown.slice(0, 60)}; known are ${placeholders}; {{ and }} stand for braces`;
  }
  if (inBraces.filter((part) => part === '{user}').length !== 1) {
    return 'a key has {user} in it, once: one key is of one user';
  }
  if (text.startsWith(ownPrefix)) {
    return `"${ownPrefix}" is where counters under quota's own names are`;
  }
  const place = parts.indexOf('{user}');
  const neighbours = [parts[place - 1], parts[place + 1]];
  return neighbours.some((part) => part !== undefined && isPlaceholder(part))
    ? 'between {user} and what stands beside it there is a character that tells them apart'
    : null;
}

const isPlaceholder = (part: string) =>
  part === '{user}' || part === '{meter}' || part === '{start}' || datePattern.test(part);

function expressionOf(part: string): string {
  if (part === '{user}') {
    return '(.+)';
  }
  if (part === '{meter}') {
    return '[a-z0-9][a-z0-9._-]*';
  }
  if (part === '{start}') {
    return '(?:-?\\d{1,12}|lifetime)';
  }
  return isPlaceholder(part)
    ? escaped(part.slice(1, -1)).replace(/YYYY|MM|DD/g, (name) => `\\d{${name.length}}`)
    : escaped(literalOf(part));
}

const globOf = (part: string) =>
  part === '{user}' || part === '{meter}' || part === '{start}'
    ? '*'
    : isPlaceholder(part)
      ? '?'.repeat(part.length - 2)
      : literalOf(part).replace(/[[\]*?\\^-]/g, '\\$&');

const literalOf = (part: string) =>
  part === '{{' ? '{' : part === '}}' ? '}' : isPlaceholder(part) ? '' : part;

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
