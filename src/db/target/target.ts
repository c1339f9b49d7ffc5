import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { configurationError } from '../../errors.ts';
import { checkSettings } from './check-settings.ts';
import type { ConnectionSettings } from './keywords.ts';
import { ConninfoFault, parseConninfo } from './parse-conninfo.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
export type SessionAttributes = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';

/** One server of a target. */
export interface TargetHost {
  /** What its certificate is for: a name, an address, or the folder of a socket. */
  name: string;
  /** Where it is reached: `hostaddr`, else the name. */
  address: string;
  port: number;
}

/** Where a database is and how it is spoken to. Holds the password: never print it. */
export interface Target {
  /** Tried in this order. */
  hosts: readonly TargetHost[];
  database: string;
  user: string;
  password: string | undefined;
  passwordFile: string;
  sslMode: SslMode;
  /** Nobody has said how: then whoever is answered in plain text is told. */
  isSslModeAssumed: boolean;
  sslNegotiation: 'postgres' | 'direct';
  /** Files, where they are named. */
  rootCertificateFile: string | undefined;
  certificateFile: string | undefined;
  keyFile: string | undefined;
  keyPassword: string | undefined;
  sessionAttributes: SessionAttributes;
  /** Of one server. */
  connectTimeoutMs: number;
  applicationName: string;
  options: string | undefined;
}

/** A server that does not answer is reported within 5 seconds, start of the process included. */
const connectTimeoutMs = 4000;
const portDefault = 5432;

/** @throws configurationError for a URL that cannot be used */
export function readTarget(url: string): Target {
  let settings: ConnectionSettings;
  try {
    settings = parseConninfo(url);
    checkSettings(settings);
  } catch (error) {
    if (error instanceof ConninfoFault) {
      throw configurationError('the database URL cannot be used', { detail: `it ${error.message}` });
    }
    throw error;
  }
  const user = settings.user ?? userInfo().username;
  return {
    hosts: hostsOf(settings),
    database: settings.dbname ?? user,
    user,
    password: settings.password,
    passwordFile: settings.passfile ?? join(homedir(), '.pgpass'),
    ...tlsSettingsOf(settings),
    sessionAttributes: (settings.target_session_attrs ?? 'any') as SessionAttributes,
    connectTimeoutMs: Number(settings.connect_timeout ?? 0) * 1000 || connectTimeoutMs,
    applicationName: settings.application_name ?? 'quota',
    options: settings.options,
  };
}

function tlsSettingsOf(settings: ConnectionSettings) {
  const { sslrootcert, sslmode } = settings;
  return {
    sslMode: (sslmode ?? (sslrootcert === 'system' ? 'verify-full' : 'prefer')) as SslMode,
    isSslModeAssumed: sslmode === undefined,
    sslNegotiation: settings.sslnegotiation === 'direct' ? ('direct' as const) : ('postgres' as const),
    rootCertificateFile: sslrootcert,
    certificateFile: settings.sslcert,
    keyFile: settings.sslkey,
    keyPassword: settings.sslpassword,
  };
}

function hostsOf({ host, hostaddr, port }: ConnectionSettings): TargetHost[] {
  const ports = (port ?? '').split(',');
  const names = (host ?? hostaddr)?.split(',') ?? [''];
  const addresses = hostaddr?.split(',') ?? [];
  return names.map((name, index) => {
    const portNumber = Number(ports[ports.length === 1 ? 0 : index] || portDefault);
    const known = name || addresses[index] || defaultHost(portNumber);
    return { name: known, address: addresses[index] || known, port: portNumber };
  });
}

/** libpq has the folder of the socket compiled in; the drivers of Node go to localhost. */
const defaultHost = (port: number): string =>
  ['/var/run/postgresql', '/tmp'].find((folder) => existsSync(join(folder, `.s.PGSQL.${port}`))) ??
  'localhost';

/** `host:port/database` of each server, or the path of the socket. */
export const describeTarget = ({ hosts, database }: Pick<Target, 'hosts' | 'database'>): string =>
  `${hosts.map(({ name, port }) => `${name}:${port}`).join(', ')}/${database}`;
