import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withClient } from '../../src/db/client.ts';
import { shareOut, withSessionsInSnapshot } from '../../src/db/side-by-side.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  await query(
    database.url,
    'create table seen (n integer); create schema quota; create table quota.usage_quotas ()',
  );
  await sayQuotas(1e6);
});

afterAll(() => database.drop());

/** As many as the server takes the table to have. */
const sayQuotas = (rows: number) =>
  query(database.url, `update pg_class set reltuples = ${rows} where oid = 'quota.usage_quotas'::regclass`);

const withSession = <T>(use: (client: pg.Client) => Promise<T>, url = database.url): Promise<T> =>
  withClient(url, use);

const count = async (client: pg.ClientBase): Promise<number> =>
  Number((await client.query('select count(*) from seen')).rows[0].count);

it('shows two sessions the same moment', async () => {
  const counts = await withSession((client) =>
    withSessionsInSnapshot({ client, connect: (use) => withSession(use) }, async (clients) => {
      await query(database.url, 'insert into seen values (1)');
      return [clients.length, ...(await Promise.all(clients.map(count)))];
    }),
  );
  expect(counts).toEqual([2, 0, 0]);
});

it.each([
  ['it leads to another server', () => database.url.replace(database.name, 'postgres')],
  ['nobody answers', () => database.url.replace(database.name, 'nowhere')],
])('works with one session where a second is of no use: %s', async (_why, urlOf) => {
  const sessions = await withSession((client) =>
    withSessionsInSnapshot({ client, connect: (use) => withSession(use, urlOf()) }, async (clients) => {
      await count(clients[0]);
      return clients.length;
    }),
  );
  expect(sessions).toBe(1);
});

it('works with one session where there is little to read', async () => {
  await sayQuotas(-1);
  const sessions = await withSession((client) =>
    withSessionsInSnapshot({ client, connect: (use) => withSession(use) }, async (clients) => clients.length),
  );
  await sayQuotas(1e6);
  expect(sessions).toBe(1);
});

it('gives each work to whoever is free, and the results in their order', async () => {
  const pids = await withSession((client) =>
    withSession((other) =>
      shareOut(
        [client, other],
        [0.3, 0, 0, 0].map(
          (seconds) => async (free: pg.Client) =>
            (
              await free.query(
                `select pg_backend_pid() as pid, ${seconds} as slept from pg_sleep(${seconds})`,
              )
            ).rows[0],
        ),
      ),
    ),
  );
  expect(pids.map(({ slept }) => Number(slept))).toEqual([0.3, 0, 0, 0]);
  expect(pids.filter(({ pid }) => pid === pids[0].pid)).toHaveLength(1);
});

it('tells the first error when nobody works any more, and begins nothing after it', async () => {
  const done: string[] = [];
  const work = (name: string, sql: string) => async (client: pg.Client) => {
    await client.query(sql);
    done.push(name);
  };
  await withSession((client) =>
    withSession((other) =>
      expect(
        shareOut(
          [client, other],
          [work('wrong', 'select 1 / 0'), work('slow', 'select pg_sleep(0.3)'), work('later', 'select 1')],
        ),
      ).rejects.toThrow('division by zero'),
    ),
  );
  expect(done).toEqual(['slow']);
});
