import type pg from 'pg';
import { type ConnectionSettings, keywords } from './keywords.ts';
import { parseConninfo } from './parse-conninfo.ts';
import { readTarget } from './target.ts';

/**
 * The environment of a program of PostgreSQL (psql, pg_dump) that is to speak to the server that answered, as the client
 * does. The password goes by the environment, not by the list of processes.
 * @param application what the server's list of sessions shows
 * @param options `-c name=value` for the session, besides those that were set
 */
export function libpqEnvironment(
  client: pg.Client,
  url: string,
  application: string,
  options: readonly string[] = [],
): Record<string, string | undefined> {
  const settings = parseConninfo(url);
  const all = [settings.options ?? process.env.PGOPTIONS, ...options];
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownVariables.has(name))),
    ...placeOf(client, url),
    PGUSER: client.user,
    PGDATABASE: client.database,
    PGAPPNAME: application,
    ...transportOf(settings),
    ...(typeof client.password === 'string' && { PGPASSWORD: client.password }),
    PGOPTIONS: all.filter((option) => option !== undefined && option !== '').join(' '),
  };
}

/** Said by the client that is connected, or by us; a service would have the last word over the variables. */
const ownVariables: ReadonlySet<string> = new Set([
  ...['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGPASSWORD'],
  ...['PGSERVICE', 'PGSERVICEFILE', 'PGAPPNAME', 'PGOPTIONS'],
]);

/** The server that answered, under the name that its certificate is for. */
function placeOf({ host, port }: pg.Client, url: string): Record<string, string> {
  const answered = readTarget(url).hosts.find((one) => one.address === host && one.port === port);
  const name = answered?.name ?? host;
  return { PGHOST: name, PGPORT: String(port), ...(name !== host && { PGHOSTADDR: host }) };
}

/** How the server is spoken to, as libpq wants it in the environment; where it is stands in `client`. */
function transportOf(settings: ConnectionSettings): Record<string, string> {
  const variables: Readonly<Record<string, string | undefined>> = keywords;
  return Object.fromEntries(
    Object.entries(settings).flatMap(([keyword, value]) => {
      const variable = variables[keyword];
      return variable === undefined || ownVariables.has(variable) ? [] : [[variable, value]];
    }),
  );
}
