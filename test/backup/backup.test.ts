import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCopyBlocks } from '../../src/backup/copy-script.ts';
import { makeBackup } from '../../src/backup/make-backup.ts';
import { withClient } from '../../src/db/client.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { type PostgresServer, startPostgres } from '../db/servers/postgres-server.ts';
import { useDesk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { runBin, runCli, startBin } from '../run-cli.ts';
import { snapshot } from '../snapshot.ts';

const desk = useDesk({ asOf: '2026-10-15T12:00:00Z' });
const made: TestDatabase[] = [];
/** Of everything that is arranged. */
let copied = '';
afterAll(async () => {
  for (const database of made) {
    await database.drop();
  }
});

/** Names that every way of writing rows could stumble over. */
const odd = 'tab\tnew\nline \\. \\N "quote" \u{1f600} 漢字';

beforeAll(async () => {
  const [ada] = [
    await desk.addUser({ externalId: 'ada', assistants: ['a1', 'a2'] }),
    await desk.addUser({ externalId: '\\.', assistants: ['b1'] }),
  ];
  await desk.query(`update quota.users set name = $1 where external_id = 'ada'`, [odd]);
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from quota.users`,
  );
  await desk.addCalls({ userId: ada ?? '', at: '2026-10-10T10:00:00Z', seconds: '120' });
  await desk.json('user', 'grant', 'ada', 'voice_seconds', '60', '--reason', odd, '--yes');
  await desk.json('login', 'allow', 'quota_readonly', '--reason', 'app', '--yes');
  await desk.json('audit', 'verify', '--seal');
  copied = await backup('--method', 'copy');
});

async function newDatabase(kind: 'empty' | 'migrated' = 'empty') {
  const database = await createTestDatabase(kind);
  made.push(database);
  return database;
}

let number = 0;
async function backup(...words: string[]): Promise<string> {
  number += 1;
  const folder = desk.path(`backup-${number}`);
  const { code, stderr } = await desk.run('db', 'backup', folder, ...words);
  expect(code, stderr).toBe(0);
  return folder;
}

const restore = (url: string, folder: string, ...words: string[]) =>
  runCli(['db', 'restore', folder, '--reason', 'try', ...words], { env: { DATABASE_URL: url } });

/** What a restore adds, and what says how the database was made. */
const isOwn = /^(audit_log|audit_reasons|audit_log_id_seq|schema_\w+)$/;
const rest = (tables: Record<string, string>) =>
  Object.fromEntries(Object.entries(tables).filter(([name]) => !isOwn.test(name)));

const contents = async (url: string) =>
  Object.fromEntries(
    await Promise.all(
      ['users', 'call_logs', 'grants', 'usage_quotas', 'assistants', 'logins', 'plans', 'settings'].map(
        async (table) => [
          table,
          await query(url, `select to_jsonb(t) as row from quota.${table} t order by 1`),
        ],
      ),
    ),
  );

test('what was saved is there again in a new database, whose history holds and goes on', async () => {
  const folder = copied;
  expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'quota.sql.gz']);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder).map((file) => statSync(join(folder, file)).mode & 0o777)).toEqual([
    0o600, 0o600,
  ]);
  const { url } = await newDatabase();
  const { code, stderr, stdout } = await restore(url, folder, '--yes', '--json');
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ dryRun: false, from: desk.name, method: 'copy', replaced: [] });
  expect(await contents(url)).toEqual(await contents(desk.url));
  const env = { DATABASE_URL: url };
  expect((await runCli(['audit', 'verify', '--json'], { env })).code).toBe(0);
  const status = JSON.parse((await runCli(['db', 'status', '--json'], { env })).stdout);
  expect(status).toMatchObject({ schema: { state: 'current', changed: [] } });
  // Numbers go on behind those that are taken, and triggers act: a call counts.
  const [before] = await query<{ used: string }>(url, 'select used from quota.usage_quotas limit 1');
  await query(
    url,
    `insert into quota.call_logs (user_id, service, started_at, duration_seconds, assistant_id)
     select id, 'voice', '2026-10-11T10:00Z', 30, 'a1' from quota.users where external_id = 'ada'`,
  );
  const [after] = await query<{ used: string }>(url, 'select used from quota.usage_quotas limit 1');
  expect(Number(after?.used) - Number(before?.used)).toBe(30);
  const [row] = await query(
    url,
    `select action, reason from quota.audit_log where action = 'database.restored'`,
  );
  expect(row).toMatchObject({ action: 'database.restored' });
});

test('a backup of a restored database is the same', async () => {
  const folder = copied;
  const { url } = await newDatabase('migrated');
  expect((await restore(url, folder, '--yes')).code).toBe(0);
  const again = desk.path('again');
  expect((await runCli(['db', 'backup', again], { env: { DATABASE_URL: url } })).code).toBe(0);
  const sums = (place: string) =>
    JSON.parse(readFileSync(join(place, 'manifest.json'), 'utf8')).tables.filter(
      ({ table }: { table: string }) => !isOwn.test(table),
    );
  expect(sums(again)).toEqual(sums(folder));
});

test('a dry run writes nothing, and says how it would be done', async () => {
  const folder = desk.path('never');
  const { code, data } = await desk.answer('db', 'backup', folder, '--dry-run');
  expect([code, data.dryRun, data.folder, existsSync(folder)]).toEqual([0, true, folder, false]);
  const { url } = await newDatabase('migrated');
  const before = await snapshot(url);
  const dry = await restore(url, copied, '--dry-run', '--json');
  expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, auditId: null });
  expect(await snapshot(url)).toEqual(before);
});

test('a folder that is there gets a new one, by the name of the database and the moment', async () => {
  const nights = desk.path('nights');
  execFileSync('mkdir', [nights]);
  const first = await desk.json('db', 'backup', nights);
  expect(first.folder).toBe(join(nights, `${desk.name}-20261015T120000Z`));
  const second = await desk.run('db', 'backup', nights);
  expect([second.code, second.stderr]).toEqual([5, expect.stringContaining('exists already')]);
  expect(readdirSync(nights)).toHaveLength(1);
  expect((await desk.run('db', 'backup', desk.write('file', ''))).code).toBe(5);
  expect((await desk.run('db', 'backup', desk.path('no/folder'))).code).toBe(2);
});

test('a database with rows is refused, and replaced where that is wanted', async () => {
  const folder = copied;
  const { url } = await newDatabase('migrated');
  await query(url, `insert into quota.users (external_id) values ('zoe')`);
  const before = await snapshot(url);
  const refused = await restore(url, folder, '--yes');
  expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('users 1')]);
  expect((await restore(url, folder, '--dry-run')).code).toBe(5);
  expect(await snapshot(url)).toEqual(before);
  const { code, stderr } = await restore(url, folder, '--replace', '--yes');
  expect(code, stderr).toBe(0);
  expect(await contents(url)).toEqual(await contents(desk.url));
});

test('one of older tables is brought to this version, in whatever order its migrations came', async () => {
  const older = await newDatabase();
  expect((await restore(older.url, copied, '--yes')).code).toBe(0);
  // As a rollback, but the functions stay, as those of the older version would be there.
  for (const name of readdirSync('migrations').sort().reverse()) {
    if (name.endsWith('.down.sql') && name > '0048') {
      await query(older.url, readFileSync(join('migrations', name), 'utf8'));
      await query(older.url, 'delete from quota.schema_migrations where name = $1', [
        name.replace('.down.sql', ''),
      ]);
    }
  }
  await query(older.url, `update quota.schema_migrations set id = 10000 + id where name like '0002%'`);
  const folder = desk.path('older');
  mkdirSync(folder);
  const work = { talk: { verbose: () => {} }, signal: new AbortController().signal } as never;
  await withClient(older.url, (client) =>
    makeBackup(work, { client, url: older.url } as never, folder, 'copy'),
  );
  const filled = await restore((await newDatabase('migrated')).url, folder, '--dry-run');
  expect([filled.code, filled.stderr]).toEqual([78, expect.stringContaining('it is older')]);
  const { url } = await newDatabase();
  const { code, stderr } = await restore(url, folder, '--yes');
  expect(code, stderr).toBe(0);
  expect(await contents(url)).toEqual(await contents(desk.url));
  const { stdout } = await runCli(['db', 'status', '--json'], { env: { DATABASE_URL: url } });
  expect(JSON.parse(stdout)).toMatchObject({ schema: { state: 'current', changed: [] } });
});

describe('a restore that cannot be whole leaves everything as it was', () => {
  const spoil = (
    folder: string,
    change: (manifest: ReturnType<typeof JSON.parse>, script: string) => string,
  ) => {
    const spoiled = `${folder}-spoiled-${readdirSync(desk.path('.')).length}`;
    cpSync(folder, spoiled, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(spoiled, 'manifest.json'), 'utf8'));
    const script = change(manifest, gunzipSync(readFileSync(join(spoiled, 'quota.sql.gz'))).toString());
    const bytes = gzipSync(script);
    writeFileSync(join(spoiled, 'quota.sql.gz'), bytes);
    if (manifest.file.sha256 === 'anew') {
      manifest.file.sha256 = createHash('sha256').update(bytes).digest('hex');
    }
    writeFileSync(join(spoiled, 'manifest.json'), JSON.stringify(manifest));
    return spoiled;
  };
  type Spoil = Parameters<typeof spoil>[1];
  const anew =
    (change: Spoil): Spoil =>
    (manifest, script) => {
      manifest.file.sha256 = 'anew';
      return change(manifest, script);
    };

  test.each<[string, number, string, Spoil]>([
    ['another file', 65, 'not the file that was saved', (_manifest, script) => `${script}\n`],
    [
      'a row missing',
      65,
      'users has 1 row of 2',
      anew((_m, script) => script.replace(/\n[^\n]*ada\t[^\n]*\n/, '\n')),
    ],
    [
      'another value',
      65,
      'users has other values',
      anew((_m, script) => script.replace('\tada\t', '\teve\t')),
    ],
    [
      'the end missing',
      65,
      'ends in the middle',
      anew((_m, script) => script.slice(0, script.lastIndexOf('\n\\.\n'))),
    ],
    [
      'numbers that would be given again',
      65,
      'would give again',
      anew((manifest, script) => {
        manifest.sequences.find(
          ({ sequence }: { sequence: string }) => sequence === 'call_logs_id_seq',
        ).lastValue = null;
        return script;
      }),
    ],
    [
      'a history that was rewritten',
      65,
      'the history has',
      anew((manifest, script) => {
        manifest.audit.head = '0'.repeat(64);
        return script;
      }),
    ],
    [
      'other tables',
      78,
      'other tables',
      anew((manifest, script) => {
        manifest.migrations.pop();
        return script;
      }),
    ],
    [
      'another format',
      65,
      'not that of a backup',
      anew((manifest, script) => {
        manifest.format = 2;
        return script;
      }),
    ],
  ])('%s', async (_name, wanted, words, change) => {
    const folder = spoil(copied, change);
    const { url } = await newDatabase('migrated');
    const before = await snapshot(url);
    const { code, stderr } = await restore(url, folder, '--yes');
    expect([code, stderr]).toEqual([wanted, expect.stringContaining(words)]);
    expect(rest(await snapshot(url))).toEqual(rest(before));
  });

  test('no folder', async () => {
    const { code, stderr } = await restore(desk.url, desk.path('nowhere'), '--yes');
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no backup')]);
  });

  test('tables of an app that point at users', async () => {
    const folder = copied;
    const { url } = await newDatabase('migrated');
    await query(url, 'create table public.profiles (user_id uuid references quota.users)');
    const { code, stderr } = await restore(url, folder, '--yes');
    expect([code, stderr]).toEqual([5, expect.stringContaining('profiles (quota.users)')]);
  });
});

test('what is interrupted leaves no half backup', async () => {
  const nights = desk.path('interrupted');
  execFileSync('mkdir', [nights]);
  await desk.session(async (client) => {
    await client.query('begin; lock table quota.users in access exclusive mode');
    const run = startBin(['db', 'backup', nights, '--method', 'copy'], { env: desk.env });
    await desk.untilLocked();
    expect(readdirSync(nights)).toHaveLength(1);
    run.kill('SIGTERM');
    expect((await run.result).code).toBe(143);
  });
  expect(readdirSync(nights)).toEqual([]);
});

test('a login that sees half of it is refused', async () => {
  const url = desk.url.replace('?', '?options=-c%20role%3Dquota_readonly&');
  const { code, stderr } = await runCli(['db', 'backup', desk.path('half')], {
    env: { DATABASE_URL: url },
  });
  expect([code, stderr]).toEqual([78, expect.stringContaining('permission denied to read every row')]);
  expect(existsSync(desk.path('half'))).toBe(false);
});

test('blocks are found wherever the pieces of a script end', async () => {
  const script =
    '-- x\ncopy quota.a (b, "c, d") from stdin;\n1\t\\\\.\n2\t\\N\n\\.\n\nCOPY quota."e" (f) FROM stdin;\n\\.\nselect 1;\n';
  for (let size = 1; size < script.length; size += 1) {
    const pieces = (async function* () {
      for (let at = 0; at < script.length; at += size) {
        yield Buffer.from(script.slice(at, at + size));
      }
    })();
    const found = [];
    for await (const { table, columns, data } of readCopyBlocks(pieces)) {
      let text = '';
      for await (const piece of data) {
        text += piece;
      }
      found.push([table, columns, text]);
    }
    expect(found).toEqual([
      ['a', ['b', 'c, d'], '1\t\\\\.\n2\t\\N\n'],
      ['e', ['f'], ''],
    ]);
  }
});

const dumpMajor = Number(
  / (\d+)/.exec(spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0,
);

describe.runIf(needs(dumpMajor >= 15, 'pg_dump'))('with pg_dump', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ major: 15 });
    await server.run('create database app');
    await server.run('create database other');
  });
  afterAll(() => server.stop());

  test('an archive of a server that it is new enough for, restored into another database', async () => {
    const env = { DATABASE_URL: server.url('app') };
    // From a newer server to an older one.
    expect((await restore(env.DATABASE_URL, copied, '--yes')).code).toBe(0);
    const folder = desk.path('archive');
    const { code, stdout, stderr } = await runBin(['db', 'backup', folder, '--json'], { env });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ method: 'pg_dump' });
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'quota.dump']);
    expect(statSync(join(folder, 'quota.dump')).mode & 0o777).toBe(0o600);
    const restored = await restore(server.url('other'), folder, '--yes');
    expect(restored.code, restored.stderr).toBe(0);
    expect(await contents(server.url('other'))).toEqual(await contents(env.DATABASE_URL));
    const without = await runBin(['db', 'restore', folder, '--replace', '--yes', '--reason', 'x'], {
      env: { DATABASE_URL: server.url('other'), PATH: '/nowhere' },
    });
    expect([without.code, without.stderr]).toEqual([78, expect.stringContaining('there is no pg_restore')]);
    chmodSync(folder, 0o700);
  });

  test('is passed over where it is older than the server, and refused where it was asked for', async () => {
    if (dumpMajor < 18) {
      const { code, stderr } = await desk.run('db', 'backup', desk.path('new'), '--method', 'pg_dump');
      expect([code, stderr]).toEqual([78, expect.stringContaining('older than the server')]);
    }
    const nothing = await desk.with({ env: { PATH: '/nowhere' } }).bin('db', 'backup', desk.path('none'));
    expect([nothing.code, nothing.stderr]).toEqual([0, expect.stringContaining('no pg_dump')]);
  });
});

test('the lines of docs/backup.md run', async () => {
  const lines = [...readFileSync('docs/backup.md', 'utf8').matchAll(/^quota (.+)$/gm)].map(([, words = '']) =>
    [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
  expect(lines).toHaveLength(6);
  const cwd = desk.path('docs');
  execFileSync('mkdir', ['-p', `${cwd}/nights`]);
  const { url } = await newDatabase('migrated');
  const [saving, loading] = [lines.slice(0, 2), lines.slice(2)];
  for (const words of saving) {
    const { code, stderr } = await desk.with({ cwd }).bin(...words);
    expect(code, stderr).toBe(0);
  }
  for (const words of loading) {
    const { code, stderr } = await runBin(words, { env: { DATABASE_URL: url }, cwd });
    expect([words, code, stderr]).toEqual([words, 0, expect.not.stringContaining('error')]);
  }
});
