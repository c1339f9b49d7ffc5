/** A row that somebody else keeps locked for longer is reported as "try again". */
const lockTimeout = '30s';

/**
 * What the server hears nothing of for so long - neither a statement nor the sign of life of `watchOver` - is over: the
 * transaction of a process that stands still lets go of its locks, and so does the session of a job.
 */
export const silenceMax = '60s';

/** How values are written and read, whatever the server has set: pg reads timestamps under DateStyle ISO only. */
export const notation: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  // What the catalogue says of functions and views is held against what was installed.
  quote_all_identifiers: 'off',
};

/**
 * What the session relies on, whatever the server, the database or the role have set: the notation, where names are
 * looked for, and no bound on a statement that a hosted server sets for the requests of web pages.
 */
const reliedOn: Readonly<Record<string, string>> = {
  ...notation,
  search_path: 'pg_catalog, pg_temp',
  row_security: 'on',
  statement_timeout: '0',
  lock_timeout: lockTimeout,
  idle_in_transaction_session_timeout: silenceMax,
  idle_session_timeout: '0',
  // Functions that are inlined make expressions so large that compiling them takes longer than the queries do.
  jit: 'off',
};

/**
 * Where it can, the server notices a client that is gone while a statement runs, and a connection on which nothing
 * arrives any more: in half a minute, not in the hours of the system. Of the connection with us: not behind a pooler.
 */
const noticing: Readonly<Record<string, string>> = {
  client_connection_check_interval: '10s',
  tcp_keepalives_idle: '10s',
  tcp_keepalives_interval: '5s',
  tcp_keepalives_count: '4',
  tcp_user_timeout: '30s',
};

/**
 * The expressions that set all of it, as of an instant and for an actor.
 * @param isLocal an expression: whether only until the end of the transaction
 */
export function settingsOf(asOf: string, actor: string, isLocal: string): string {
  const set = (setting: string, value: string) => `set_config('${setting}', ${value}, ${isLocal})`;
  return [
    `${set('quota.as_of', asOf)}, ${set('quota.actor', actor)}`,
    ...Object.entries(reliedOn).map(([setting, value]) => set(setting, `'${value}'`)),
    `case when current_setting('server_version_num')::int >= 170000 then ${set('transaction_timeout', "'0'")} end`,
    // Left so by a load or a replication, a database counts nothing: no trigger is run. To set it takes a right of its own.
    `case when current_setting('session_replication_role') = 'replica' then ${set('session_replication_role', "'origin'")} end`,
  ].join(', ');
}

/** A pooler has a process number of its own for whoever is connected to it. */
export const isPooled = 'pg_backend_pid() <> $3';

/** The expressions that let the server notice, where it has such a setting. */
export const noticingSettings = Object.entries(noticing).map(
  ([setting, value]) =>
    `case when version() like '%linux%' and not (${isPooled}) and current_setting('${setting}', true) is not null
       then set_config('${setting}', '${value}', false) end`,
);
