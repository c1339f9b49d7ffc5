import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BinaryRows, copyBinary } from '../../src/db/copy-binary.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import fc from '../fast-check.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  client = new pg.Client(database.url);
  await client.connect();
  await client.query(`
    set timezone = 'UTC';
    create table taken (id integer, words text, amount numeric, at timestamptz, day date)`);
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const table = { table: 'taken', columns: ['id', 'words', 'amount', 'at', 'day'] };

interface Row {
  words: string | null;
  amount: string | null;
  at: string | null;
  day: string | null;
}

/** `perPiece` rows are sent at once. */
async function* encoded(rows: readonly Row[], perPiece: number): AsyncGenerator<Buffer> {
  const binary = new BinaryRows(64);
  for (const [id, { words, amount, at, day }] of rows.entries()) {
    binary.begin(table.columns.length);
    binary.integer(id);
    binary.text(words);
    binary.numeric(amount);
    binary.timestamp(at);
    binary.date(day);
    const piece = id % perPiece === 0 ? binary.take() : null;
    if (piece !== null) {
      yield piece;
    }
  }
  const last = binary.take();
  if (last !== null) {
    yield last;
  }
}

/** What the server has of them, and what it makes of the same values as text. */
async function taken(rows: readonly Row[], perPiece = 3) {
  await client.query('truncate taken');
  expect(await copyBinary(client, table, encoded(rows, perPiece))).toBe(rows.length);
  const stored = await client.query('select words, amount::text, at::text, day::text from taken order by id');
  const asText = await client.query(
    `select words, amount::numeric::text, at::timestamptz::text, day::date::text
     from json_to_recordset($1) as t(id integer, words text, amount text, at text, day text) order by id`,
    [
      JSON.stringify(
        rows.map((row, id) => ({ id, ...row, words: row.words?.replaceAll('\0', '\ufffd') ?? null })),
      ),
    ],
  );
  return { stored: stored.rows, asText: asText.rows };
}

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((all) => all.join(''));
const decimal = fc
  .tuple(fc.constantFrom('', '-'), fc.integer({ min: 0, max: 9 }), digits(0, 19), digits(0, 36))
  .map(([sign, first, further, fraction]) => {
    const whole = first === 0 ? '0' : `${first}${further}`;
    return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  });
const instant = fc
  .tuple(
    fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('2200-12-31T23:59:59Z'),
      noInvalidDate: true,
    }),
    digits(0, 6),
  )
  .map(([date, fraction]) => `${date.toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`);
const words = fc.oneof(
  fc.string({ maxLength: 90 }),
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc.string({ maxLength: 30 }).map((text) => text.repeat(50)),
);
const row = fc.record({
  words: fc.option(words),
  amount: fc.option(decimal),
  at: fc.option(instant),
  day: fc.option(instant.map((at) => at.slice(0, 10))),
});

test('values in binary are those that they would be as text, to the last digit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
      const { stored, asText } = await taken(rows);
      expect(stored).toEqual(asText);
    }),
    { numRuns: 60 },
  );
});

test('amounts keep the zeros of the bill, and zero has no sign', async () => {
  const amounts = [
    '0',
    '-0',
    '0.00',
    '-0.00',
    '1.10',
    '10000',
    '0.0001',
    '99999999.99990000',
    '-1234567890123456.5',
  ];
  const { stored, asText } = await taken(
    amounts.map((amount) => ({ words: null, amount, at: null, day: null })),
  );
  expect(stored).toEqual(asText);
  expect(stored.map(({ amount }) => amount)).toContain('99999999.99990000');
});

test('text has every character but zero, which no text of the server can have', async () => {
  const rows = ['a\0b', '\ufffd', 'tab\t line\n \\N \\.', '', 'é 陈 😀', 'x'.repeat(70_000)].map((text) => ({
    words: text,
    amount: null,
    at: null,
    day: null,
  }));
  const { stored } = await taken(rows, 1000);
  expect(stored.map((one) => one.words)).toEqual(rows.map((one) => one.words.replaceAll('\0', '\ufffd')));
});

test('a table that refuses a row takes none, and the connection goes on', async () => {
  await client.query('truncate taken; alter table taken add constraint small check (id < 2)');
  const rows = Array.from({ length: 3 }, () => ({ words: null, amount: null, at: null, day: null }));
  await expect(copyBinary(client, table, encoded(rows, 1))).rejects.toThrow('small');
  await client.query('alter table taken drop constraint small');
  expect((await client.query('select from taken')).rowCount).toBe(0);
});
