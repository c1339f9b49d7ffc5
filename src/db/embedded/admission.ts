import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedLocation, ownerUid } from './location.ts';
import { readIfThere } from './pid-file.ts';
import { accounts, isServerAccount } from './server-account.ts';

const header = '# Written by quota whenever the server starts; changes are lost.';

/**
 * Says who may connect: root and whoever owns the data, as the system knows them (peer authentication), as any role.
 * The closed directory of the socket keeps others away already; this does where somebody opens it.
 */
export function writeAdmission(location: EmbeddedLocation): void {
  const names = new Set([0, ownerUid(location) ?? 0].map(accountName).filter((name) => name !== undefined));
  const lines = [...names].map((name) => `owners "${name}" all`);
  replaceOwn(location, 'pg_hba.conf', [
    header,
    'local all all peer map=owners',
    'local replication all peer map=owners',
  ]);
  replaceOwn(location, 'pg_ident.conf', [header, ...lines]);
}

/** The name of an account; undefined: it has none, as the server's own. */
function accountName(uid: number): string | undefined {
  if (uid === process.getuid?.()) {
    return nameOfSelf();
  }
  if (isServerAccount(uid)) {
    return undefined;
  }
  return accounts().find((one) => one.uid === uid)?.name ?? nameInDirectory(uid);
}

function nameOfSelf(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // a container's number without an account
  }
}

/** Of accounts that a directory service keeps. */
function nameInDirectory(uid: number): string | undefined {
  try {
    const name = execFileSync('id', ['-nu', `${uid}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return name.trim().includes('"') ? undefined : name.trim();
  } catch {
    return undefined;
  }
}

/** Exclusively made and renamed: as root, the cluster may belong to somebody who would put a link in its place. */
function replaceOwn({ cluster, serverUser }: EmbeddedLocation, name: string, lines: readonly string[]): void {
  const file = join(cluster, name);
  const text = `${lines.join('\n')}\n`;
  if (readIfThere(file) === text) {
    return;
  }
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    if (serverUser) {
      chownSync(temporary, serverUser.uid, serverUser.gid);
    }
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
