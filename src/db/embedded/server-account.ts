import { createHash } from 'node:crypto';
import { readIfThere } from './pid-file.ts';

/** The user and group that run the server, or make its cluster, when quota itself runs as root. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** "nobody": 65534 on Linux, -2 as an unsigned number on macOS. */
export const nobodyId = process.platform === 'darwin' ? 4_294_967_294 : 65_534;

/**
 * Ids that nobody gives to anybody: above those of containers (https://systemd.io/UIDS-GIDS) and of directory services
 * (sssd: to 2000200000); and those left in a container whose ids end at 65535.
 */
const unusedIds = [
  { first: 0x7800_0000, count: 0x07fe_0000 },
  { first: 65_520, count: 14 },
];

/**
 * The account of the server of a data directory, which PostgreSQL refuses to run as root: a number of its own, without
 * an entry in the user database, so that no other process runs under it. The same every time, so that processes that
 * make the cluster at once agree.
 */
export function serverAccount(dataDir: string): ServerUser {
  const number = Number.parseInt(createHash('sha256').update(dataDir).digest('hex').slice(0, 12), 16);
  const candidates = unusedIds.map(({ first, count }) => first + (number % count));
  const id = candidates.find((one) => isMapped('uid', one) && isMapped('gid', one)) ?? nobodyId;
  return { uid: id, gid: id };
}

/** Whether a number is one that `serverAccount` gives. */
export const isServerAccount = (uid: number) =>
  unusedIds.some(({ first, count }) => uid >= first && uid < first + count);

/**
 * Who runs initdb, which insists on an account that the user database knows. The group keeps others who run under that
 * account away: only it may pass to the directory that is filled, and Linux lets no other group look into the process.
 */
export function clusterMaker({ gid }: ServerUser): ServerUser {
  const uids = accounts().map(({ uid }) => uid);
  return { uid: uids.includes(nobodyId) ? nobodyId : (uids.find((uid) => uid > 0) ?? nobodyId), gid };
}

/** The entries of the machine's own user database; those of a directory service are not among them. */
export function accounts(): { name: string; uid: number }[] {
  const lines = (readIfThere('/etc/passwd') ?? '').split('\n');
  return lines.flatMap((line) => {
    const [name, , uid = ''] = line.split(':');
    return name && /^\d+$/.test(uid) ? [{ name, uid: Number(uid) }] : [];
  });
}

/** As spawn takes it: ids over 2³¹, such as macOS' nobody, are negative there. */
export const spawnIdentity = (user: ServerUser | undefined) =>
  user ? { uid: user.uid | 0, gid: user.gid | 0 } : {};

/** Whether a container's user namespace has the id. Lines of `first, first outside, count`. */
function isMapped(kind: 'uid' | 'gid', id: number): boolean {
  const map = readIfThere(`/proc/self/${kind}_map`);
  if (map === undefined) {
    return true;
  }
  return map.split('\n').some((line) => {
    const [first = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return id >= first && id < first + count;
  });
}
