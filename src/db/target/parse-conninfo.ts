import { distance } from 'fastest-levenshtein';
import { type ConnectionSettings, foreignKeywords, isKeyword, keywords } from './keywords.ts';

/** A text that says where a database is and cannot be read; the message holds nothing of the text but names. */
export class ConninfoFault extends Error {}

export const isDatabaseUrl = (text: string): boolean => /^postgres(?:ql)?:\/\//i.test(text);

/**
 * The settings of a connection as libpq reads them, from a URL (`postgres://user:password@host:5432/database`, several
 * hosts with commas between them, none for a socket) or from keywords (`host=db dbname='my app'`).
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 * @throws ConninfoFault
 */
export function parseConninfo(text: string): ConnectionSettings {
  return Object.fromEntries(isDatabaseUrl(text) ? pairsOfUrl(text) : pairsOfKeywords(text));
}

type Pair = [string, string];

function pairsOfUrl(url: string): Pair[] {
  const [, authority = '', path = '', query = ''] =
    /^\w+:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url) ?? [];
  const at = authority.lastIndexOf('@');
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  const hosts = authority
    .slice(at + 1)
    .split(',')
    .map(hostAndPort);
  const pairs: Pair[] = [
    ['user', decode(user)],
    ['password', decode(password ?? '')],
    ['host', hosts.map(([host]) => decode(host)).join(',')],
    ['port', hosts.map(([, port]) => port).join(',')],
    ['dbname', decode(path)],
  ];
  return [...pairs.filter(([, value]) => /[^,]/.test(value)), ...pairsOfQuery(query)];
}

function hostAndPort(text: string): Pair {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? [];
  if (bracketed === undefined && plain === undefined) {
    throw new ConninfoFault(
      'has a host that is not one: a password with @, /, ? or : is written as %40, %2F, %3F, %3A',
    );
  }
  return [bracketed ?? plain ?? '', port ?? ''];
}

function pairsOfQuery(query: string): Pair[] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
      if (value === undefined) {
        throw new ConninfoFault(`has a parameter without a value: ${name}`);
      }
      return known(decode(name), decode(value));
    });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConninfoFault('has a % that begins no code: write it as %25');
  }
}

/** `name = value`, the value bare or in single quotes, a backslash before what is to be taken as it is. */
function pairsOfKeywords(text: string): Pair[] {
  const pairs: Pair[] = [];
  const pattern = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;
  while (pattern.lastIndex < text.trimEnd().length) {
    const match = pattern.exec(text);
    if (match === null) {
      throw new ConninfoFault(
        text.includes('=')
          ? "cannot be read: pairs of keywords are written as host=db dbname='my app'"
          : 'is not a URL like postgres://user:password@host:5432/database',
      );
    }
    const [, name = '', quoted, bare = ''] = match;
    pairs.push(...known(name, (quoted ?? bare).replaceAll(/\\(.)/gs, '$1')));
  }
  return pairs;
}

/** What we heed of a setting; that of other drivers is left alone, a misspelt one is not. */
function known(name: string, value: string): Pair[] {
  if (name === 'ssl') {
    return [['sslmode', /^(?:0|false|disable)$/i.test(value) ? 'disable' : 'require']];
  }
  if (name === 'sslmode' && value === 'no-verify') {
    return [['sslmode', 'require']];
  }
  if (name === 'database') {
    return [['dbname', value]];
  }
  if (isKeyword(name)) {
    return [[name, value]];
  }
  if (foreignKeywords.has(name)) {
    return [];
  }
  const nearest = Object.keys(keywords).find((keyword) => distance(keyword, name) <= 2);
  throw new ConninfoFault(
    `has the unknown parameter ${name}${nearest === undefined ? '' : `: is ${nearest} meant?`}`,
  );
}
