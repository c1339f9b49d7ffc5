import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type pg from 'pg';
import { expect, test } from 'vitest';
import type { Database, DatabaseOptions } from '../../src/context.ts';
import { withAdvisoryLock } from '../../src/db/advisory-lock.ts';
import { withClient } from '../../src/db/client.ts';
import { withDatabase } from '../../src/db/connection.ts';
import { databaseError } from '../../src/db/database-error.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const empty = useDesk({ database: 'empty' });

interface Opening extends DatabaseOptions {
  url?: string;
  asOf?: string | null;
  signal?: AbortSignal;
}

function open<T>(use: (opened: Database) => Promise<T>, opening: Opening = {}): Promise<T> {
  const { url = desk.url, asOf = null, signal = new AbortController().signal, ...options } = opening;
  const settings = { databaseUrl: url, dataDir: '/nonexistent', actor: "o'hara" };
  return withDatabase({ settings, asOf, signal, ...options }, use);
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

test('the session has its clock, its actor and UTC, on every connection', async () => {
  const read = async (client: pg.Client) =>
    (
      await client.query(`select quota.now() as now, quota.actor() as actor, current_setting('TimeZone') as zone,
      current_setting('application_name') as application`)
    ).rows[0];
  const asOf = '2026-11-01T00:00:00.000Z';
  const expected = { now: new Date(asOf), actor: "o'hara", zone: 'UTC', application: 'quota' };
  await open(
    async ({ client, connect }) => {
      expect(await read(client)).toEqual(expected);
      expect(await connect(read)).toEqual(expected);
    },
    { asOf },
  );
  const before = new Date();
  const { now } = await open(({ client }) => read(client));
  expect(now >= before && now <= new Date(), `${now} after ${before}`).toBe(true);
});

test('numeric and bigint stay text', async () => {
  const { rows } = await open(({ client }) =>
    client.query('select 0.10::numeric as money, 9007199254740993 as big'),
  );
  expect(rows).toEqual([{ money: '0.10', big: '9007199254740993' }]);
});

test('a schema that does not fit is refused, unless any will do', async () => {
  const nothing = async () => 'opened';
  expect(await failure(open(nothing, { url: empty.url }))).toMatchObject({
    exitCode: 78,
    suggestion: expect.stringContaining('quota db migrate'),
  });
  expect(await open(nothing, { url: empty.url, schema: 'any' })).toBe('opened');
  await desk.query(`insert into quota.schema_migrations values (99, '9000_future', 9, now())`);
  try {
    expect(await failure(open(nothing))).toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('newer'),
    });
  } finally {
    await desk.query('delete from quota.schema_migrations where id = 99');
  }
});

test('connections are closed whatever happens', async () => {
  await failure(open(() => Promise.reject(new Error('boom')), { url: empty.url, schema: 'any' }));
  await failure(
    open(({ connect }) => connect(() => Promise.reject(new Error('boom'))), {
      url: empty.url,
      schema: 'any',
    }),
  );
  await expect.poll(() => empty.sessions()).toEqual([]);
});

test('a transaction is all or nothing, also when an error in it was swallowed', async () => {
  await withClient(empty.url, async (client) => {
    await client.query('create table entries (id int)');
    const insert = () => client.query('insert into entries values (1)');
    const insertAndFail = async () => {
      await insert();
      throw new Error('boom');
    };
    expect((await withTransaction(client, insert)).rowCount).toBe(1);
    expect(await failure(withTransaction(client, insertAndFail))).toEqual(new Error('boom'));
    const swallowed = withTransaction(client, async () => {
      await insert();
      await failure(client.query('select 1/0'));
    });
    expect(String(await failure(swallowed))).toContain('rolled back');
    expect((await client.query('select count(*)::int as n from entries')).rows).toEqual([{ n: 1 }]);
  });
});

test('an advisory lock excludes others, and is released', async () => {
  await withClient(empty.url, (first) =>
    withClient(empty.url, async (second) => {
      const take = (client: pg.Client, use: () => Promise<unknown>) =>
        withAdvisoryLock(client, 'the job', use, { mode: 'try', isSeeded: false });
      await take(first, async () => {
        expect(await failure(take(second, async () => 'taken'))).toMatchObject({ exitCode: 75 });
      });
      await failure(take(first, () => Promise.reject(new Error('boom'))));
      expect(await take(second, async () => 'taken')).toBe('taken');
    }),
  );
});

test('an interruption cancels the running statement', async () => {
  const controller = new AbortController();
  const sleeping = failure(
    open(({ client }) => client.query('select pg_sleep(600)'), { signal: controller.signal }),
  );
  await desk.untilRunning('pg_sleep(600)');
  controller.abort();
  expect(await sleeping).toMatchObject({ code: '57014' });
  expect((await desk.sessions()).filter(({ state }) => state === 'active')).toEqual([]);
});

test('with onAbort "finish" it is left to the command', async () => {
  const controller = new AbortController();
  await desk.session(async (other) => {
    await other.query('select pg_advisory_lock(1)');
    const finishing = open(({ client }) => client.query(`select 'done' as it from pg_advisory_lock(1)`), {
      signal: controller.signal,
      onAbort: 'finish',
    });
    await desk.untilLocked();
    controller.abort();
    await other.query('select pg_advisory_unlock(1)');
    expect((await finishing).rows).toEqual([{ it: 'done' }]);
  });
});

test('a server that goes away is "unavailable", and does not end the process', async () => {
  const error = await failure(
    open(async ({ client }) => {
      const { rows } = await client.query('select pg_backend_pid() as pid');
      const gone = new Promise((resolve) => client.once('end', resolve));
      await desk.query('select pg_terminate_backend($1)', [rows[0].pid]);
      await gone;
      return client.query('select 1');
    }),
  );
  expect(databaseError(error)).toMatchObject({
    exitCode: 69,
    message: expect.stringContaining('terminating connection due to administrator command'),
  });
});

test('what the server says is told by its SQLSTATE', async () => {
  const raised = (code: string) =>
    failure(
      empty.query(
        `do $$ begin raise exception 'no such user' using errcode = '${code}', hint = 'add it'; end $$`,
      ),
    );
  expect(databaseError(await raised('QT001'))).toMatchObject({
    exitCode: 4,
    message: 'no such user',
    suggestion: 'add it',
  });
  expect(databaseError(await raised('QT005'))).toMatchObject({ exitCode: 5 });
  expect(databaseError(await raised('QT999'))).toMatchObject({ exitCode: 65 });
  expect(databaseError(await raised('40P01'))).toMatchObject({ exitCode: 75 });
  for (const code of ['57P01', '08007', '53400', '57999', '58030', 'XX001']) {
    expect(databaseError(await raised(code)), code).toMatchObject({
      exitCode: 69,
      detail: expect.any(String),
    });
  }
  expect(databaseError(await raised('25006'))).toMatchObject({ exitCode: 78 });
  expect(databaseError(await raised('55006'))).toMatchObject({ exitCode: 75 });
  expect(databaseError(await raised('22012'))).toBeUndefined();
  expect(databaseError(new Error('boom'))).toBeUndefined();
});

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<{ server: Server; port: number }> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

test.each([
  ['nobody listens', 'postgres://ada:hunter22@127.0.0.1:1/app', '127.0.0.1:1/app', /ECONNREFUSED/],
  ['both addresses refuse', 'postgres://ada:hunter22@localhost:1/app', 'localhost:1/app', /ECONNREFUSED/],
  [
    'no such host',
    'postgres://ada:hunter22@db.invalid:5432/app',
    'db.invalid:5432/app',
    /ENOTFOUND|EAI_AGAIN/,
  ],
  ['no such socket', 'postgres://ada:hunter22@/app?host=/nonexistent', '/nonexistent:5432/app', /ENOENT/],
])('%s: unavailable, saying where, never the password', async (_, url, where, reason) => {
  const error = await failure(open(async () => {}, { url }));
  expect(error).toMatchObject({
    exitCode: 69,
    message: expect.stringContaining(where),
    detail: expect.stringMatching(reason),
  });
  expect(`${error.message} ${error.detail} ${error.suggestion}`).not.toContain('hunter22');
});

test('a database that does not exist, a role that does not exist: unavailable, saying why', async () => {
  const missing = empty.url.replace(/\/\w+\?/, '/nowhere?');
  expect(await failure(open(async () => {}, { url: missing }))).toMatchObject({
    exitCode: 69,
    detail: expect.stringContaining('"nowhere" does not exist'),
  });
});

test('a server that never answers is given up after 4 seconds, at once when interrupted', async () => {
  const { server, port } = await silentServer();
  const url = `postgres://ada:hunter22@127.0.0.1:${port}/app`;
  expect(await failure(open(async () => {}, { url }))).toMatchObject({
    exitCode: 69,
    detail: 'no answer within 4 seconds',
  });
  const controller = new AbortController();
  const interrupted = failure(open(async () => {}, { url, signal: controller.signal }));
  await once(server, 'connection');
  controller.abort();
  // What it would say if it had waited is that there was no answer.
  expect(await interrupted).toMatchObject({ name: 'AbortError' });
  server.close();
});
