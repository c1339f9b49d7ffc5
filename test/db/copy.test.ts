import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRows, copyText } from '../../src/db/copy.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  client = new pg.Client(database.url);
  await client.connect();
  await client.query('create table copied (id integer primary key, words text, at timestamptz, facts jsonb)');
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const table = { table: 'copied', columns: ['id', 'words', 'at', 'facts'] };

test('every value comes out as it went in', async () => {
  const words = 'tab\t line\n return\r back\\slash \\N \\. é 陈 \u001b[31m';
  const at = new Date('2026-11-01T00:30:00.123Z');
  const facts = { quote: '"', path: 'a\\b\n', list: [1, null] };
  expect(
    await copyRows(client, table, [
      [1, words, at, facts],
      [2, '', null, null],
      [3, '\\.', null, []],
    ]),
  ).toBe(3);
  const { rows } = await client.query('select * from copied order by id');
  expect(rows).toEqual([
    { id: 1, words, at, facts },
    { id: 2, words: '', at: null, facts: null },
    { id: 3, words: '\\.', at: null, facts: [] },
  ]);
});

test('rows may be generated as they go, more of them than one piece holds', async () => {
  function* generated() {
    for (let id = 100; id < 50_100; id++) {
      yield [id, `row ${id}`, null, null];
    }
  }
  expect(await copyRows(client, table, generated())).toBe(50_000);
  let text = '';
  for await (const piece of copyText(client, 'select id from copied where id >= 100 order by id')) {
    text += piece.toString();
  }
  expect(text.split('\n')).toHaveLength(50_001);
  expect(text.startsWith('100\n101\n')).toBe(true);
});

test('a row that is refused loads none, and the connection goes on', async () => {
  await client.query('truncate copied');
  await expect(
    copyRows(client, table, [
      [1, 'a', null, null],
      [1, 'b', null, null],
    ]),
  ).rejects.toMatchObject({ code: '23505' });
  function* failing() {
    yield [2, 'a', null, null];
    throw new Error('the source broke');
  }
  await expect(copyRows(client, table, failing())).rejects.toThrow('the source broke');
  expect((await client.query('select count(*)::int as rows from copied')).rows).toEqual([{ rows: 0 }]);
});
