import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findPassword } from '../../src/db/target/password-file.ts';
import { adviseOn, unreachableError } from '../../src/db/target/refusal.ts';
import { namesServer, namingVariables, resolveDatabase } from '../../src/db/target/resolve.ts';
import { describeTarget, readTarget } from '../../src/db/target/target.ts';
import { Folder } from '../desk/folder.ts';
import { runCli } from '../run-cli.ts';

const target = (text: string, variables: Record<string, string> = {}) =>
  readTarget(resolveDatabase(text, variables));

test.each([
  ['postgres://ada@db.example:6543/app', 'db.example:6543/app'],
  ['postgresql://ada@db.example/app', 'db.example:5432/app'],
  ['postgres://ada@[fd00::7]:6000/app', 'fd00::7:6000/app'],
  ['postgres://ada@one:5433,two,three:5435/app', 'one:5433, two:5432, three:5435/app'],
  ['postgres://ada@%2Frun%2Fpg:6000/app', '/run/pg:6000/app'],
  ['postgres://ada@/app?host=/run/pg&port=6000', '/run/pg:6000/app'],
  ['postgres://ada@db/what%3Fnow', 'db:5432/what?now'],
  ['postgres://ada@db/a%2Fb%20%23c%25', 'db:5432/a/b #c%'],
  ['postgres://ada@db', 'db:5432/ada'],
  ['host=db user=ada', 'db:5432/ada'],
  ["host=db port=6000 dbname='it''s' user=ada".replace("''", "\\'"), "db:6000/it's"],
  ['host = one,two port = 6000 user=ada dbname=a\\ b', 'one:6000, two:6000/a b'],
  ['postgres://ada@db/app?pgbouncer=true&connection_limit=1&schema=public', 'db:5432/app'],
])('%s is %s', (text, where) => expect(describeTarget(target(text))).toBe(where));

test('odd passwords come through a URL and through keywords', () => {
  const password = `p@:/?#%&='\\ ä"`;
  const quoted = password.replaceAll(/['\\]/g, '\\$&');
  expect(target(`postgres://u:${encodeURIComponent(password)}@db/app`).password).toBe(password);
  expect(target(`host=db user=u password='${quoted}'`).password).toBe(password);
  expect(target('host=db user=u', { PGPASSWORD: password }).password).toBe(password);
  expect(target('postgres://u:pa@ss@db/app')).toMatchObject({ password: 'pa@ss', hosts: [{ name: 'db' }] });
});

test.each([
  ['postgres://u:s3cr/et@db/app', 'has a host that is not one'],
  ['postgres://db/app?sslmod=require', 'unknown parameter sslmod: is sslmode meant?'],
  ['postgres://db/app?sslmode=strict', 'sslmode strict'],
  ['postgres://db/app?target_session_attrs=writable', 'target_session_attrs writable'],
  ['postgres://db:0/app', 'port'],
  ['postgres://one,two,three/app?port=1,2', '2 ports for 3 hosts'],
  ['postgres://db/app?sslmode', 'parameter without a value: sslmode'],
  ['postgres://db/100%', 'write it as %25'],
  ['host=db dbname', 'cannot be read'],
  ["host='db", 'cannot be read'],
  ['nonsense', 'is not a URL'],
])('%s is refused', (text, words) => {
  expect(() => resolveDatabase(text, {})).toThrow(words);
  expect(() => resolveDatabase(text, {})).not.toThrow('s3cr');
});

test('variables of libpq add what the text leaves open, and name a server alone', () => {
  const variables = {
    PGHOST: 'db',
    PGPORT: '6000',
    PGUSER: 'ada',
    PGDATABASE: 'app',
    PGSSLMODE: 'verify-full',
  };
  expect(resolveDatabase('', variables)).toBe('postgresql://ada@db:6000/app?sslmode=verify-full');
  expect(target('postgres://eve@other/shop', variables)).toMatchObject({
    hosts: [{ name: 'other', port: 6000 }],
    user: 'eve',
    database: 'shop',
    sslMode: 'verify-full',
  });
  expect(namesServer(variables)).toBe(true);
  expect(namesServer({ PGUSER: 'ada', PGSSLMODE: 'require', PGHOST: '' })).toBe(false);
  const url = 'postgres://ada@db/app?sslmode=require';
  expect(resolveDatabase(url, {})).toBe(url);
});

test('what is resolved is one URL that says it all, read back as it was', () => {
  const text = `hostaddr=10.0.0.7,10.0.0.8 host=one,two port=1,2 user='a b' password='x y@' dbname='q?' options='-c geqo=off'`;
  const first = target(text);
  expect(first).toMatchObject({
    hosts: [
      { name: 'one', address: '10.0.0.7', port: 1 },
      { name: 'two', address: '10.0.0.8', port: 2 },
    ],
    user: 'a b',
    password: 'x y@',
    database: 'q?',
    options: '-c geqo=off',
  });
  expect(target(resolveDatabase(text, {}))).toEqual(first);
  const socket = 'host=/run/my\\ pg,/run/two port=1,2 user=u dbname=d';
  expect(target(resolveDatabase(socket, {}))).toEqual(target(socket));
});

test('a service stands between the text and the variables, from the file that is named or found', () => {
  const folder = new Folder();
  try {
    const services =
      '# ours\n[billing]\nhost=db.billing\nuser=fin\nsslmode=require\n\n[other]\nhost=nowhere\n';
    const file = folder.write('.pg_service.conf', services);
    const variables = { PGUSER: 'ada', PGDATABASE: 'app' };
    const expected = { hosts: [{ name: 'db.billing' }], user: 'fin', database: 'app', sslMode: 'require' };
    expect(target('service=billing', { ...variables, PGSERVICEFILE: file })).toMatchObject(expected);
    expect(target('', { ...variables, PGSERVICE: 'billing', HOME: folder.path('.') })).toMatchObject(
      expected,
    );
    expect(target('postgres:///shop?service=billing', { PGSERVICEFILE: file })).toMatchObject({
      database: 'shop',
    });
    folder.write('pg_service.conf', '[billing]\nuser=sys\n');
    const ofSystem = { PGSERVICE: 'billing', PGSYSCONFDIR: folder.path('.'), HOME: '/nowhere' };
    expect(target('', ofSystem).user).toBe('sys');
  } finally {
    folder.remove();
  }
  expect(() => resolveDatabase('service=shop', { HOME: '/nowhere' })).toThrow(
    'names the service shop, which is in none',
  );
  expect(() => resolveDatabase('service=shop', { PGSERVICEFILE: '/nowhere' })).toThrow(
    'service file /nowhere',
  );
});

test('a password file answers whom it knows, and is not read where others may read it', () => {
  const folder = new Folder();
  const lines = ['# ours', 'db:5432:app:ada:first', 'db:*:*:eve:with\\:colon\\\\', '*:*:*:*:last', ''];
  const file = folder.write('pgpass', lines.join('\n'));
  chmodSync(file, 0o600);
  const ask = (host: string, user: string, port = 5432) =>
    findPassword(file, { host, port, database: 'app', user }).password;
  expect([ask('db', 'ada'), ask('db', 'eve', 6000), ask('db', 'ada', 6000), ask('/run', 'bob')]).toEqual([
    'first',
    'with:colon\\',
    'last',
    'last',
  ]);
  chmodSync(file, 0o640);
  expect(findPassword(file, { host: 'db', port: 5432, database: 'app', user: 'ada' })).toEqual({
    refusal: expect.stringContaining('chmod 600'),
  });
  expect(findPassword('/nowhere', { host: 'db', port: 5432, database: 'app', user: 'ada' })).toEqual({});
  folder.remove();
});

const closed = '127.0.0.1';
test.each([
  ['--database-url', ['--database-url', `postgres://ada@${closed}:1/app`], {}],
  ['DATABASE_URL', [], { DATABASE_URL: `postgres://ada@${closed}:1/app` }],
  ['DATABASE_URL_FILE', [], { DATABASE_URL_FILE: 'FOLDER/url' }],
  ['DATABASE_URL in FOLDER/env', ['--env-file', 'FOLDER/env'], {}],
  ['PGHOST and PGPORT', [], { PGHOST: closed, PGPORT: '1' }],
  ['the service ours (PGSERVICE)', [], { PGSERVICE: 'ours', PGSERVICEFILE: 'FOLDER/services' }],
  ['the URL of the shard a', ['--shard', 'a'], { QUOTA_SHARDS: 'FOLDER/shards.yaml' }],
])('what to correct is what has named the server: %s', async (named, words, env) => {
  const folder = new Folder();
  try {
    const url = `postgres://ada@${closed}:1/app`;
    chmodSync(folder.write('url', url), 0o600);
    folder.write('env', `DATABASE_URL=${url}\n`);
    folder.write('services', `[ours]\nhost=${closed}\nport=1\n`);
    folder.write('shards.yaml', `shards: [{ name: a, number: 1, url: "${url}", buckets: 0-1023 }]\n`);
    const placed = (text: string) => text.replace('FOLDER', folder.place);
    const { code, stderr } = await runCli(['user', 'list', ...words.map(placed)], {
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, placed(value)])),
    });
    expect([code, stderr]).toEqual([
      69,
      expect.stringContaining(`hint: start it, or correct ${placed(named)}`),
    ]);
    expect(stderr.includes(`without ${placed(named)} an embedded server`)).toBe(!/--|shard/.test(named));
  } finally {
    folder.remove();
  }
});

test.each([
  ['28P01', 'correct the user or the password in PGUSER, the password file or PGPASSWORD'],
  ['28000', 'correct the user in PGUSER, or let it in: create role … login, pg_hba.conf'],
  ['3D000', 'correct its name in PGDATABASE, or make it: createdb app'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'name the certificate of its authority: PGSSLROOTCERT: docs/hosts.md'],
])('of a server that variables name, the one is named that says it: %s', (code, suggestion) => {
  const placed = target('', { PGHOST: 'db', PGUSER: 'ada', PGDATABASE: 'app' });
  const error = Object.assign(new Error(''), { code });
  const refused = unreachableError(
    placed,
    placed.hosts.map((host) => ({ host, error })),
  );
  expect(adviseOn(refused, namingVariables({ PGHOST: 'db' }))).toMatchObject({ suggestion });
});
