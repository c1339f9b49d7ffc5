import { statSync } from 'node:fs';
import { readSmallFile } from '../../small-file.ts';

/** Whom a password is for. */
export interface PasswordQuestion {
  host: string;
  port: number;
  database: string;
  user: string;
}

export interface PasswordAnswer {
  password?: string;
  /** Why a file that is there was not read. */
  refusal?: string;
}

/**
 * The password that a file of lines `host:port:database:user:password` has; `*` fits everything, a backslash stands
 * before a colon or a backslash. A file that others may read is not read.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export function findPassword(path: string, { host, port, database, user }: PasswordQuestion): PasswordAnswer {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) {
    return {};
  }
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    return { refusal: `the password file ${path} was not read, for others may read it: chmod 600` };
  }
  const wanted = [host.startsWith('/') ? 'localhost' : host, `${port}`, database, user];
  for (const line of readSmallFile(path).split(/\r?\n/)) {
    const fields = line.startsWith('#') ? [] : fieldsOf(line);
    const fits = wanted.every((value, place) => fields[place] === '*' || fields[place] === value);
    if (fits && fields[4] !== undefined) {
      return { password: fields[4] };
    }
  }
  return {};
}

const fieldsOf = (line: string): string[] =>
  [...line.matchAll(/(?:^|:)((?:[^:\\]|\\.)*)/g)].map(([, field = '']) => field.replaceAll(/\\(.)/g, '$1'));
