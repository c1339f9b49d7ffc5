/**
 * The settings of a connection that libpq knows, each with the variable that sets it, too: those that quota heeds, and
 * those that it keeps for psql alone (from sslcrl on).
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
export const keywords = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  service: 'PGSERVICE',
  servicefile: 'PGSERVICEFILE',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  application_name: 'PGAPPNAME',
  options: 'PGOPTIONS',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  sslcertmode: 'PGSSLCERTMODE',
  sslcompression: 'PGSSLCOMPRESSION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  channel_binding: 'PGCHANNELBINDING',
  require_auth: 'PGREQUIREAUTH',
  requirepeer: 'PGREQUIREPEER',
  gssencmode: 'PGGSSENCMODE',
  gsslib: 'PGGSSLIB',
  gssdelegation: 'PGGSSDELEGATION',
  krbsrvname: 'PGKRBSRVNAME',
} as const;

export type Keyword = keyof typeof keywords;
export type ConnectionSettings = Partial<Record<Keyword, string>>;

export const isKeyword = (word: string): word is Keyword => Object.hasOwn(keywords, word);

/** Of these one alone says that a server is meant; the others say how it is spoken to. */
export const placeKeywords = ['host', 'hostaddr', 'dbname', 'service'] as const satisfies readonly Keyword[];

/**
 * What stands in the URLs that an app has for its own driver, and concerns us in nothing: other keywords of libpq, and
 * those of node-postgres, Prisma and JDBC.
 */
export const foreignKeywords: ReadonlySet<string> = new Set([
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
  ...['client_encoding', 'fallback_application_name', 'replication'],
  ...['load_balance_hosts', 'max_protocol_version', 'min_protocol_version', 'uselibpqcompat', 'encoding'],
  ...['pgbouncer', 'schema', 'connection_limit', 'pool_timeout', 'socket_timeout', 'statement_cache_size'],
  ...['pool_max_conns', 'pool_size', 'pool_mode', 'prepared_statements', 'workaround', 'supa'],
]);
