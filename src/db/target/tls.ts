import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { configurationError } from '../../errors.ts';
import { readSmallFile } from '../../small-file.ts';
import { systemError } from '../../system-error.ts';
import type { Target, TargetHost } from './target.ts';

/** How one attempt speaks to a server; null: in plain text. */
export type Transport = ConnectionOptions | null;

/**
 * The ways to speak to a server that its sslmode allows, in the order in which they are tried. `require` verifies no
 * certificate unless a root certificate is named, or lies where libpq looks for one; `verify-ca` and `verify-full`
 * without one take the authorities that Node knows.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 * @throws configurationError for a file that cannot be read
 */
export function transportsOf(target: Target, host: TargetHost): Transport[] {
  if (host.address.startsWith('/') || target.sslMode === 'disable') {
    return [null];
  }
  const tls = tlsOf(target, host);
  switch (target.sslMode) {
    case 'allow':
      return [null, tls];
    case 'prefer':
      return [tls, null];
    default:
      return [tls];
  }
}

function tlsOf(target: Target, { name }: TargetHost): ConnectionOptions {
  const { sslMode, keyPassword } = target;
  const root = fileOf(target.rootCertificateFile, 'root.crt');
  const certificate = fileOf(target.certificateFile, 'postgresql.crt');
  const key = certificate && fileOf(target.keyFile, 'postgresql.key');
  const isSystemRoot = target.rootCertificateFile === 'system';
  const isVerified =
    sslMode.startsWith('verify') || (sslMode === 'require' && (isSystemRoot || root !== undefined));
  const isNameVerified = sslMode === 'verify-full' || (isVerified && isSystemRoot);
  return {
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: isVerified,
    checkServerIdentity: (_, peer) => (isNameVerified ? checkServerIdentity(name, peer) : undefined),
    ...(root !== undefined && !isSystemRoot && { ca: read(root, 'sslrootcert') }),
    ...(certificate !== undefined && { cert: read(certificate, 'sslcert') }),
    ...(key !== undefined && { key: read(key, 'sslkey') }),
    ...(keyPassword !== undefined && { passphrase: keyPassword }),
  };
}

/** The file that is named, else that of the user, if there is one. */
function fileOf(named: string | undefined, nameOfDefault: string): string | undefined {
  const file = join(homedir(), '.postgresql', nameOfDefault);
  return named ?? (existsSync(file) ? file : undefined);
}

function read(path: string, keyword: string): string {
  try {
    return readSmallFile(path);
  } catch (error) {
    throw configurationError(
      systemError(error, `the ${keyword} ${path} cannot be read`)?.message ?? `${error}`,
      {
        suggestion: `correct ${keyword} in what names the server, or in the environment`,
        cause: error,
      },
    );
  }
}
