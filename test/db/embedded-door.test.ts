import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { accounts } from '../../src/db/embedded/server-account.ts';
import { openEmbedded } from '../../src/db/embedded/session.ts';
import { migrate } from '../../src/db/migrations.ts';
import { needs } from '../desk/needs.ts';
import {
  asRoot,
  bundle,
  cluster,
  install,
  type Model,
  makeModel,
  makePassableDirectory,
  removeDataDir,
  runChild,
  startChild,
} from './embedded-processes.ts';

let model: Model;
let programs: string;
let stranger: string;
let place: string;
let dataDir: string;

beforeAll(async () => {
  model = await makeModel();
  programs = makePassableDirectory();
  stranger = await bundle(programs, 'embedded-stranger.ts');
});

afterAll(async () => {
  await model.remove();
  rmSync(programs, { recursive: true, force: true });
});

beforeEach(() => {
  place = makePassableDirectory();
  dataDir = join(place, 'data');
});

afterEach(async () => {
  await removeDataDir(dataDir);
  rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

/** On a cluster that is there already. */
function openCopy() {
  model.copyTo(dataDir);
  return openEmbedded({ dataDir });
}

/** What a process of a uid (with the group of that number) is told that tries the socket. */
const tryAs = async (uid: number | undefined, role = 'quota') =>
  (await runChild(stranger, [cluster(dataDir), role], uid === undefined ? {} : { uid })).printed;

/** Opens every way to the socket: what is left is what the server itself refuses. */
function openTheWay(): void {
  chmodSync(dataDir, 0o755);
  chmodSync(cluster(dataDir), 0o755);
  chmodSync(join(cluster(dataDir), '.s.PGSQL.5432'), 0o777);
}

const uidOf = (name: string) => accounts().find((one) => one.name === name)?.uid ?? Number.NaN;

test('the owner gets in, as any role', async () => {
  const session = await openCopy();
  await session.client.query('create role app login');
  expect([await tryAs(undefined), await tryAs(undefined, 'app')]).toEqual(['in', 'in']);
  await session.close();
});

test('whatever pg_hba.conf says, the next start admits the owner and root alone', async () => {
  const session = await openCopy();
  const { rows } = await session.client.query(
    'select type, user_name, address, auth_method, options from pg_hba_file_rules',
  );
  expect(rows).toEqual([
    { type: 'local', user_name: ['all'], address: null, auth_method: 'peer', options: ['map=owners'] },
    { type: 'local', user_name: ['all'], address: null, auth_method: 'peer', options: ['map=owners'] },
  ]);
  const { rows: names } = await session.client.query(
    'select sys_name, pg_username from pg_ident_file_mappings',
  );
  const admitted = [...new Set(['root', userInfo().username])];
  expect(names).toEqual(admitted.map((name) => ({ sys_name: name, pg_username: 'all' })));
  await session.close();
});

describe.runIf(needs(asRoot, 'to be run as root'))(
  'nobody else gets in (tried as other users, which only root can)',
  () => {
    const strangers = () => [
      uidOf('nobody'),
      uidOf('daemon'),
      54_321, // without an account
    ];

    test.each(['their way is closed', 'their way is open'])("to root's server, when %s", async (way) => {
      const session = await openCopy();
      const server = statSync(cluster(dataDir)).uid;
      if (way === 'their way is open') {
        openTheWay();
        // The account of the server is nobody's: whoever takes its number is not let in either.
        expect(await tryAs(server)).toBe('28000');
      }
      const refusal = way === 'their way is open' ? '28000' : 'EACCES';
      for (const uid of strangers()) {
        expect(await tryAs(uid), `uid ${uid}`).toBe(refusal);
        expect(await tryAs(uid, 'postgres'), `uid ${uid}`).toBe(refusal);
      }
      expect(await tryAs(undefined)).toBe('in');
      await session.close();
    });

    test("to an ordinary user's server, but root", async () => {
      const user = uidOf('nobody');
      const home = join(place, 'home');
      mkdirSync(home, { mode: 0o700 });
      chownSync(home, user, user);
      dataDir = join(home, 'data');
      const child = startChild(await install(place, { links: true }), ['open', dataDir], {
        uid: user,
        env: { HOME: home },
      });
      await child.line();
      const others = [uidOf('daemon'), 54_321];
      for (const uid of others) {
        expect(await tryAs(uid), `uid ${uid}`).toBe('EACCES');
      }
      chmodSync(home, 0o755);
      openTheWay();
      for (const uid of others) {
        expect(await tryAs(uid), `uid ${uid}`).toBe('28000');
      }
      expect([await tryAs(user), await tryAs(undefined)]).toEqual(['in', 'in']);
      expect(await child.leave()).toEqual({ printed: { alive: true }, exitCode: 0 });
    });

    test('while the cluster is made', async () => {
      const opening = openEmbedded({ dataDir });
      const isOpen = opening.then(() => true);
      const nobody = uidOf('nobody');
      const answers = new Set<string>();
      const notYet = () => new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
      while (!(await Promise.race([isOpen, notYet()]))) {
        const temporaries = existsSync(dataDir)
          ? readdirSync(dataDir).filter((name) => name.includes('.new-'))
          : [];
        for (const name of temporaries) {
          const inside = join(dataDir, name, 'postgres-18', 'PG_VERSION');
          const { stdout, stderr } = spawnSync('cat', [inside], {
            uid: nobody,
            gid: nobody,
            encoding: 'utf8',
          });
          answers.add(stdout || stderr.replace(/.*: /, '').trim());
        }
      }
      answers.delete('No such file or directory'); // it had been moved to its place meanwhile
      expect([...answers]).toEqual(['Permission denied']);
      await (await opening).close();
    });
  },
);

describe('the schema quota', () => {
  const path = async (client: pg.Client) =>
    (await client.query('select current_schemas(false)::text as path')).rows[0].path;

  test("is not where an app's tables land", async () => {
    const session = await openCopy();
    await session.client.query('create schema quota');
    await session.client.query('create table quota.call_logs ()');
    const app = new pg.Client(session.url);
    await app.connect();
    expect(await path(app)).toBe('{public}');
    await app.query('create table if not exists user_usage ()');
    await app.query('create table if not exists call_logs ()');
    const { rows } = await app.query(
      `select schemaname, tablename from pg_tables where schemaname in ('quota', 'public') order by 1, 2`,
    );
    expect(rows).toEqual([
      { schemaname: 'public', tablename: 'call_logs' },
      { schemaname: 'public', tablename: 'user_usage' },
      { schemaname: 'quota', tablename: 'call_logs' },
    ]);
    await app.end();
    await session.close();
  });

  test('is taken out of the path of a cluster that an earlier version made; a chosen path stays', async () => {
    const first = await openCopy();
    await first.client.query('create schema quota');
    await first.client.query('alter role quota reset search_path');
    await first.close();
    const openFresh = async () => {
      await expect.poll(() => existsSync(join(cluster(dataDir), 'postmaster.pid'))).toBe(false);
      const session = await openEmbedded({ dataDir });
      const app = new pg.Client(session.url);
      await app.connect();
      const found = await path(app);
      await app.query('alter role quota set search_path = quota, public');
      await app.end();
      await session.close();
      return found;
    };
    expect(await openFresh()).toBe('{public}');
    expect(await openFresh()).toBe('{quota,public}');
  });

  test('is taken out by a migration, too, in that database alone', async () => {
    const session = await openCopy();
    await session.client.query('create database elsewhere');
    await session.client.query('alter role quota reset search_path');
    const url = session.url.replace('/quota?', '/elsewhere?');
    await migrate(url, { talk: { info: () => {}, verbose: () => {} } });
    const paths = await Promise.all(
      [url, session.url].map(async (one) => {
        const app = new pg.Client(one);
        await app.connect();
        const { rows } = await app.query('show search_path');
        await app.end();
        return rows[0].search_path;
      }),
    );
    expect(paths).toEqual(['public', '"$user", public']);
    await session.close();
  });
});
