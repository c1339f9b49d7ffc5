import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../../src/db/client.ts';
import { useFolder } from '../../desk/folder.ts';
import { freePorts } from '../../free-ports.ts';
import { type CliOptions, runBin, runCli } from '../../run-cli.ts';
import { Authority } from './authority.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const folder = useFolder();
const authority = new Authority(folder.place, 'our-own');
const stranger = new Authority(folder.place, 'stranger');
const certificate = authority.sign('server', 'db.example', 'DNS:db.example,IP:127.0.0.1');
const ofCarla = authority.sign('carla', 'carla');

let server: PostgresServer;
let plain: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({
    settings: {
      ssl: 'on',
      ssl_cert_file: 'server.crt',
      ssl_key_file: 'server.key',
      ssl_ca_file: 'our-own.crt',
      max_connections: '8',
    },
    files: [certificate.certificateFile, certificate.keyFile, authority.certificateFile],
    doors: [
      'hostssl all ada 127.0.0.1/32 scram-sha-256',
      'hostnossl all plainly 127.0.0.1/32 trust',
      'hostssl all carla 127.0.0.1/32 cert',
      'host limited bob 127.0.0.1/32 trust',
    ],
  });
  await server.run(`create role ada login superuser password 'hunter2 &%'`);
  await server.run('create role plainly login superuser');
  await server.run('create role carla login');
  await server.run('create role bob login');
  await server.run('create database "what?now" owner ada');
  await server.run('create database limited connection limit 1');
  plain = await startPostgres({ settings: { default_transaction_read_only: 'on' } });
});
afterAll(async () => {
  await server.stop();
  await plain.stop();
});

const home = () => ({ HOME: folder.place });
const status = (databaseUrl: string, env: Record<string, string> = {}, options: CliOptions = {}) =>
  runCli(['db', 'status', '--json'], { env: { ...home(), DATABASE_URL: databaseUrl, ...env }, ...options });

/** By the name that the certificate is for, reached on this machine. */
const byName = (options: string, database = 'postgres') =>
  `postgres://ada:hunter2%20%26%25@db.example:${server.port}/${database}?hostaddr=127.0.0.1${options}`;

/** How the server is spoken to: the version of TLS, or nothing. */
const spokenTo = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query('select version from pg_stat_ssl where pid = pg_backend_pid()');
    return rows[0]?.version ?? 'plainly';
  });

test('sslmode is what libpq means by it, and nothing is printed about it', async () => {
  const ca = `&sslrootcert=${authority.certificateFile}`;
  const wrongCa = `&sslrootcert=${stranger.certificateFile}`;
  for (const options of [
    '',
    '&sslmode=allow',
    '&sslmode=prefer',
    '&sslmode=require',
    `&sslmode=require${ca}`,
    `&sslmode=verify-ca${ca}`,
    `&sslmode=verify-full${ca}`,
    `&sslmode=verify-full${ca}&sslnegotiation=postgres`,
    '&ssl=true',
  ]) {
    expect([options, await spokenTo(byName(options))]).toEqual([options, 'TLSv1.3']);
    const { code, stderr } = await status(byName(options));
    expect([options, code, stderr]).toEqual([options, 0, '']);
  }
  for (const [options, words] of [
    ['&sslmode=disable', 'lets ada in only with TLS'],
    ['&sslmode=verify-full', 'shows a certificate that is not trusted'],
    [`&sslmode=require${wrongCa}`, 'shows a certificate that is not trusted'],
    [`&sslmode=verify-ca${wrongCa}`, 'shows a certificate that is not trusted'],
  ] as const) {
    const { code, stderr } = await status(byName(options));
    expect([options, code, stderr]).toEqual([options, 69, expect.stringContaining(words)]);
    expect(stderr).not.toContain('hunter2');
  }
});

test('verify-full wants the name, verify-ca does not; an address is a name, too', async () => {
  const ca = `sslrootcert=${authority.certificateFile}`;
  const other = `postgres://ada:hunter2%20%26%25@other.example:${server.port}/postgres?hostaddr=127.0.0.1&${ca}`;
  expect(await spokenTo(`${other}&sslmode=verify-ca`)).toBe('TLSv1.3');
  expect((await status(`${other}&sslmode=verify-full`)).stderr).toContain(
    'shows a certificate for another name',
  );
  const address = `postgres://ada:hunter2%20%26%25@127.0.0.1:${server.port}/postgres?${ca}&sslmode=verify-full`;
  expect(await spokenTo(address)).toBe('TLSv1.3');
});

test('the driver has nothing to say on stderr of the bin, whatever the sslmode', async () => {
  for (const mode of ['prefer', 'require', 'verify-ca']) {
    const url = byName(`&sslmode=${mode}&sslrootcert=${authority.certificateFile}`);
    const { code, stderr } = await runBin(['db', 'status'], { env: { ...home(), DATABASE_URL: url } });
    expect([mode, code, stderr]).toEqual([mode, 0, '']);
  }
});

test('a client certificate lets in, and a file that is not there is named', async () => {
  const url = `postgres://carla@127.0.0.1:${server.port}/postgres?sslcert=${ofCarla.certificateFile}&sslkey=`;
  expect(await spokenTo(url + ofCarla.keyFile)).toBe('TLSv1.3');
  const { code, stderr } = await status(`${url}/nowhere.key`);
  expect([code, stderr]).toEqual([78, expect.stringContaining('the sslkey /nowhere.key cannot be read')]);
});

test('prefer and allow find the way that the server wants', async () => {
  const nossl = `postgres://plainly@127.0.0.1:${server.port}/postgres`;
  for (const options of ['', '?sslmode=prefer', '?sslmode=allow', '?sslmode=disable']) {
    expect([options, await spokenTo(nossl + options)]).toEqual([options, 'plainly']);
  }
  expect((await status(`${nossl}?sslmode=require`)).code).toBe(69);
  const withoutTls = plain.url().replace('sslmode=disable', 'sslmode=require');
  expect((await status(withoutTls)).stderr).toContain('speaks no TLS');
  expect(await spokenTo(withoutTls.replace('require', 'prefer'))).toBe('plainly');
});

test('plain text over a network is told of, unless the URL asks for it', async () => {
  const far = `postgres://postgres@db.example:${plain.port}/postgres?hostaddr=127.0.0.1`;
  expect((await status(far)).stderr).toContain(
    'warning: the database on db.example is spoken to unencrypted',
  );
  expect((await status(`${far}&sslmode=disable`)).stderr).toBe('');
  expect((await status(byName(''))).stderr).toBe('');
});

test.each([
  [
    'a wrong password',
    'postgres://ada:Wv9-wrong@127.0.0.1:PORT/postgres',
    'refuses the password of ada',
    'DATABASE_URL',
  ],
  [
    'no password',
    'postgres://ada@127.0.0.1:PORT/postgres',
    'asks for the password of ada, and none is given',
    'give it',
  ],
  [
    'a user whom nobody knows',
    'postgres://nobody@127.0.0.1:PORT/postgres',
    'does not let nobody in',
    'create role',
  ],
  [
    'a database that is not there',
    'postgres://postgres@127.0.0.1:PORT/nowhere',
    'has no database nowhere',
    'createdb',
  ],
])('%s has words of its own', async (_, url, words, advice) => {
  const { code, stderr } = await status(url.replace('PORT', `${server.port}`));
  expect([code, stderr]).toEqual([69, expect.stringContaining(words)]);
  expect(stderr).toContain(advice);
  expect(stderr).not.toContain('Wv9-wrong');
});

test('a server whose connections are used up says so', async () => {
  const url = `postgres://bob@127.0.0.1:${server.port}/limited`;
  await withClient(url, async () => {
    const { code, stderr } = await status(url);
    expect([code, stderr]).toEqual([69, expect.stringContaining('has no connection left')]);
    expect(stderr).not.toContain('start it');
  });
});

test('a database is named as it is called, by a URL and by keywords', async () => {
  for (const text of [
    byName('', 'what%3Fnow'),
    `host=127.0.0.1 port=${server.port} user=ada password='hunter2 &%' dbname='what?now'`,
  ]) {
    const { code, stdout } = await status(text);
    expect([code, stdout]).toEqual([0, expect.stringContaining('what%3Fnow')]);
    expect(stdout).not.toContain('hunter2');
  }
});

test('variables and services of libpq are heeded without a DATABASE_URL, the password from a file, quietly', async () => {
  const passwords = folder.write('passwords', `127.0.0.1:${server.port}:*:ada:hunter2 &%\n`);
  chmodSync(passwords, 0o600);
  const services = folder.write(
    'services',
    `[ours]\nhost=127.0.0.1\nport=${server.port}\nuser=ada\ndbname=postgres\n`,
  );
  const variables = {
    PGHOST: '127.0.0.1',
    PGPORT: `${server.port}`,
    PGUSER: 'ada',
    PGDATABASE: 'postgres',
    PGPASSFILE: passwords,
  };
  const service = { PGSERVICE: 'ours', PGSERVICEFILE: services, PGPASSFILE: passwords };
  for (const env of [variables, service, { ...variables, PGPASSFILE: '', PGPASSWORD: 'hunter2 &%' }]) {
    const { code, stdout, stderr } = await runBin(['db', 'status', '--json'], { env: { ...home(), ...env } });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ database: { kind: 'url' }, embedded: null });
    expect(stdout).not.toContain('hunter2');
  }
  chmodSync(passwords, 0o644);
  const refused = await status('service=ours', { PGSERVICEFILE: services, PGPASSFILE: passwords });
  expect([refused.code, refused.stderr]).toEqual([69, expect.stringContaining('chmod 600')]);
});

test('of several hosts the first that is what is asked for is taken', async () => {
  const [closed = 0] = await freePorts(1);
  const hosts = `127.0.0.1:${closed},127.0.0.1:${plain.port},127.0.0.1:${server.port}`;
  const port = (attributes: string) =>
    withClient(
      `postgres://postgres@${hosts}/postgres?target_session_attrs=${attributes}`,
      async (client) => client.port,
    );
  expect([await port('any'), await port('read-write'), await port('read-only')]).toEqual([
    plain.port,
    server.port,
    plain.port,
  ]);
  expect([await port('primary'), await port('prefer-standby')]).toEqual([plain.port, plain.port]);
  const { code, stderr } = await status(`postgres://postgres@${hosts}/postgres?target_session_attrs=standby`);
  expect(code).toBe(69);
  for (const words of [
    `127.0.0.1:${closed}: `,
    'ECONNREFUSED',
    'not what target_session_attrs=standby asks for',
  ]) {
    expect(stderr).toContain(words);
  }
});

test('tables are made over such a connection, too', async () => {
  const url = byName(`&sslmode=verify-full&sslrootcert=${authority.certificateFile}`, 'what%3Fnow');
  const { code, stdout } = await runCli(['db', 'migrate', '--json'], {
    env: { ...home(), DATABASE_URL: url },
  });
  expect([code, stdout]).toEqual([0, expect.stringContaining('"applied"')]);
  expect(JSON.parse((await status(url)).stdout)).toMatchObject({ schema: { state: 'current' } });
});
