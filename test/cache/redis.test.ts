import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCounters } from '../../src/cache/counters.ts';
import { withRedis } from '../../src/cache/redis.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { freePorts } from '../free-ports.ts';
import { runBin, runCli } from '../run-cli.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { type RedisServer, startServer } from './redis-server.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'quota-test-redis-'));
});
afterAll(async () => {
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const doctor = (redisUrl: string) =>
  runCli(['doctor', '--cache', '--json'], { env: { DATABASE_URL: database.url, REDIS_URL: redisUrl } });
const trouble = async (redisUrl: string) => {
  const { code, stderr } = await doctor(redisUrl);
  return { code, ...JSON.parse(stderr).error };
};

describe('a server with a password', () => {
  let server: Omit<RedisServer, 'url'>;
  let port = 0;
  beforeAll(async () => {
    [port = 0] = await freePorts(1);
    server = await startServer(
      { port: String(port), requirepass: 'a,b@c/d', user: 'ada on >sesame ~quota:* +@all -info' },
      new Redis({ port, password: 'a,b@c/d', lazyConnect: true }),
    );
    await server.use((redis) => redis.set('quota:usage:nobody:messages:1', '5'));
  });
  afterAll(() => server?.stop());

  test.each([
    ['of the server', ':a%2Cb%40c%2Fd@127.0.0.1'],
    ['of a login that may not ask what server it is', 'ada:sesame@localhost'],
    ['after a host that is away', ':a,b%40c%2Fd@127.0.0.1:9,127.0.0.1'],
  ])('%s', async (_, place) => {
    const { code, stdout } = await doctor(`redis://${place}:${port}/0`);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 3, counters: 1, orphaned: 1 });
  });

  test.each([
    ['a wrong one', ':open@127.0.0.1', '/0', 'WRONGPASS'],
    ['none', '127.0.0.1', '', 'NOAUTH'],
    ['a database that there is not', ':a%2Cb%40c%2Fd@127.0.0.1', '/99', 'DB index'],
  ])('%s is refused, in the words of the server', async (_, place, path, words) => {
    expect(await trouble(`redis://${place}:${port}${path}`)).toMatchObject({
      code: 'unavailable',
      message: 'Redis refused a command',
      detail: expect.stringContaining(words),
      suggestion: 'check REDIS_URL',
    });
  });

  test('that does not answer: told after a bounded time', async () => {
    server.signal('SIGSTOP');
    try {
      expect(await trouble(`redis://:a,b%40c%2Fd@127.0.0.1:${port}`)).toMatchObject({
        code: 'unavailable',
        detail: expect.stringContaining('does not answer'),
      });
    } finally {
      server.signal('SIGCONT');
    }
  });

  test('a connection that is cut is made anew, and what was asked is asked again', async () => {
    await withRedis(`redis://:a,b%40c%2Fd@127.0.0.1:${port}`, async (redis) => {
      for (let cut = 0; cut < 3; cut++) {
        const [killed, counters] = await Promise.all([
          server.use((own) => own.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
          readCounters(redis, ['quota:usage:nobody:messages:1']),
        ]);
        expect({ killed, counters }).toEqual({ killed: 1, counters: ['5'] });
      }
    });
  });
});

test.each([
  ['a port where nothing listens', 'redis://127.0.0.1:9', 'ECONNREFUSED'],
  ['a name with several addresses', 'redis://localhost:9', 'ECONNREFUSED'],
  ['a name that there is not', 'redis://redis.invalid', 'redis.invalid'],
  ['a socket that there is not', 'unix:///nowhere/redis.sock', 'ENOENT'],
])('%s is told', async (_, url, words) => {
  expect(await trouble(url)).toMatchObject({
    code: 'unavailable',
    message: 'Redis cannot be used',
    detail: expect.stringContaining(words),
  });
});

test('something else than Redis is told', async () => {
  const server: Server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  expect(await trouble(`redis://127.0.0.1:${port}`)).toMatchObject({
    code: 'unavailable',
    detail: expect.stringContaining('"H"'),
  });
  server.close();
});

describe('with TLS', () => {
  let certificate: Certificate;
  beforeAll(() => {
    certificate = makeCertificate(folder, 'DNS:localhost,IP:127.0.0.1');
  });
  const trusting = (redisUrl: string, file: string) =>
    runBin(['doctor', '--cache', '--json'], {
      env: { DATABASE_URL: database.url, REDIS_URL: redisUrl, NODE_EXTRA_CA_CERTS: file },
    });

  test.each(['localhost', '127.0.0.1'])(
    '%s: no warning; an authority that is not known is refused',
    async (host) => {
      const [port = 0] = await freePorts(1);
      const { certificateFile: file, keyFile } = certificate;
      const server = await startServer(
        {
          port: '0',
          'tls-port': String(port),
          'tls-cert-file': file,
          'tls-key-file': keyFile,
          'tls-ca-cert-file': file,
          'tls-auth-clients': 'no',
        },
        new Redis({ port, tls: { ca: certificate.certificate }, lazyConnect: true }),
      );
      try {
        expect(await trusting(`rediss://${host}:${port}`, file)).toMatchObject({ code: 0, stderr: '' });
        expect(await trouble(`rediss://${host}:${port}`)).toMatchObject({
          code: 'unavailable',
          detail: expect.stringContaining('certificate'),
        });
      } finally {
        await server.stop();
      }
    },
  );

  test('a cluster whose nodes go by address, with a certificate for its name', async () => {
    const named = makeCertificate(mkdtempSync(join(folder, 'named-')), 'DNS:localhost');
    const cluster = await startRedisCluster(named);
    try {
      const place = (host: string) => `rediss://${host}:${cluster.ports[0]}`;
      expect(await trusting(place('localhost'), named.certificateFile)).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect((await trusting(place('127.0.0.1'), named.certificateFile)).code).toBe(69);
    } finally {
      await cluster.stop();
    }
  });
});
