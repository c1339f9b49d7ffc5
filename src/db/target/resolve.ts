import { homedir } from 'node:os';
import type { NamedBy } from '../../context.ts';
import { checkSettings } from './check-settings.ts';
import { type ConnectionSettings, type Keyword, keywords, placeKeywords } from './keywords.ts';
import { isDatabaseUrl, parseConninfo } from './parse-conninfo.ts';
import { readService } from './service-file.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Whether variables of libpq name a server: then that one is meant, not the embedded one. */
export const namesServer = (variables: Variables): boolean =>
  placeKeywords.some((keyword) => Boolean(variables[keywords[keyword]]));

/** Which of them do: the service, or where the server and the database are. */
export function namingVariables(variables: Variables): NamedBy {
  const { PGSERVICE: service } = variables;
  const names = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE'].filter((name) => Boolean(variables[name]));
  return service
    ? { text: `the service ${service} (PGSERVICE)`, by: 'url' }
    : { text: names.join(' and '), by: 'variables' };
}

/**
 * What is meant, as one URL that says everything: the text > the service that it or PGSERVICE names > the variables of
 * libpq. A URL that nothing is added to stays as it is written.
 * @param text a URL, or keywords; empty: only the variables
 * @throws ConninfoFault
 */
export function resolveDatabase(text: string, variables: Variables): string {
  const written = parseConninfo(text);
  const fromVariables = Object.fromEntries(
    (Object.keys(keywords) as Keyword[]).flatMap((keyword) => {
      const value = variables[keywords[keyword] ?? ''];
      return value ? [[keyword, value]] : [];
    }),
  ) as ConnectionSettings;
  const service = written.service ?? fromVariables.service;
  const served =
    service === undefined
      ? {}
      : readService(service, written.servicefile ?? fromVariables.servicefile, {
          home: variables.HOME || homedir(),
          systemFolder: variables.PGSYSCONFDIR || undefined,
        });
  const { service: _, servicefile: __, ...settings } = { ...fromVariables, ...served, ...written };
  checkSettings(settings);
  const isAsWritten = isDatabaseUrl(text) && Object.keys(settings).length === Object.keys(written).length;
  return isAsWritten ? text : databaseUrlOf(settings);
}

/** As a URL that libpq and quota read in the same way. */
function databaseUrlOf(settings: ConnectionSettings): string {
  const { user, password, host, port, dbname, ...others } = settings;
  const hosts = (host ?? '').split(',');
  const isPlain = hosts.every((name) => !name.startsWith('/'));
  const ports = (port ?? '').split(',');
  const portOf = (index: number) => ports[ports.length === 1 ? 0 : index] || '';
  const authority = isPlain
    ? hosts.map((name, index) => `${bracketed(name)}${portOf(index) && `:${portOf(index)}`}`).join(',')
    : '';
  const who = [user, password].filter((part) => part !== undefined).map((part) => encodeURIComponent(part));
  const placed: ConnectionSettings = isPlain ? others : { host: host ?? '', port: port ?? '', ...others };
  const query = Object.entries(placed)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const at =
    user === undefined
      ? password === undefined
        ? ''
        : `:${encodeURIComponent(password)}@`
      : `${who.join(':')}@`;
  const path = dbname === undefined ? '' : encodeURIComponent(dbname);
  return `postgresql://${at}${authority}/${path}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : encodeURIComponent(host));
