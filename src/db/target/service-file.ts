import { join } from 'node:path';
import { readSmallFile } from '../../small-file.ts';
import { systemError } from '../../system-error.ts';
import { type ConnectionSettings, isKeyword } from './keywords.ts';
import { ConninfoFault } from './parse-conninfo.ts';

/**
 * The settings of a service, from the file that is named, else from `~/.pg_service.conf`, else from the one of the
 * system. https://www.postgresql.org/docs/current/libpq-pgservice.html
 * @throws ConninfoFault when none of them has the service
 */
export function readService(
  service: string,
  file: string | undefined,
  places: { home: string; systemFolder: string | undefined },
): ConnectionSettings {
  const ofUser = file ?? join(places.home, '.pg_service.conf');
  const systemFolders =
    places.systemFolder === undefined ? ['/etc/postgresql-common', '/etc'] : [places.systemFolder];
  const files = [ofUser, ...systemFolders.map((folder) => join(folder, 'pg_service.conf'))];
  for (const path of files) {
    const found = sectionOf(readIfThere(path, path === file), service);
    if (found !== undefined) {
      return found;
    }
  }
  throw new ConninfoFault(`names the service ${service}, which is in none of ${files.join(', ')}`);
}

function readIfThere(path: string, isNamed: boolean): string {
  try {
    return readSmallFile(path);
  } catch (error) {
    if (isNamed) {
      throw new ConninfoFault(systemError(error, `names the service file ${path}`)?.message ?? `${error}`);
    }
    return '';
  }
}

function sectionOf(text: string, service: string): ConnectionSettings | undefined {
  let found: ConnectionSettings | undefined;
  let isWanted = false;
  for (const line of text.split('\n').map((whole) => whole.trim())) {
    if (line.startsWith('[')) {
      isWanted = line === `[${service}]`;
      found = isWanted ? (found ?? {}) : found;
    } else if (isWanted && found !== undefined && line !== '' && !line.startsWith('#')) {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (isKeyword(name)) {
        found[name] ??= value;
      }
    }
  }
  return found;
}
