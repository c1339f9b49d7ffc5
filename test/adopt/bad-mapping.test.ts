import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-20T12:00:00Z' });

const mapping = `product: shop
timezone: Europe/Atlantis
users:
  table: people
  key: mail
  columns:
    user: name
    plan: { value: no-such-plan }
calls:
  - table: talks
    columns:
      service: { value: voice }
      user: person
      started_at: begann
      duration_seconds: note
      cost: { sql: "nextval('public.talks_id_seq')" }
  - source: again
    table: talks
    columns: { service: { value: chat }, user: { sql: "generate_series(1, 3)::text" }, started_at: { sql: "r.began +" } }
  - source: gone
    table: no_such_table
    columns: { service: { value: singing }, user: person, started_at: began }
figures:
  table: talks
  meter: songs
  user: person
  used: { sql: "count(*)" }
`;

test('everything that does not fit is said at once, by line, and nothing is attached', async () => {
  await desk.query(`create table people (id bigint primary key, name text, mail text);
    create table talks (id bigserial primary key, person text, began timestamptz, note text);
    insert into talks (person, began, note) values ('a', now(), 'long')`);
  const before = await desk.snapshot({ sequences: false });
  const { error } = await desk.json(65, 'adopt', 'attach', desk.write('bad.yaml', mapping), '--yes');
  expect(
    error.problems.map(({ line, path, message }: Record<string, unknown>) => `${line} ${path}: ${message}`),
  ).toEqual([
    '2 timezone: the server knows no time zone "Europe/Atlantis"',
    '5 users.key: mail does not tell rows apart: there is no primary key or unique index without nulls on it',
    '8 users.columns.plan: there is no plan "no-such-plan"; quota plan list names them',
    '14 calls[0].columns.started_at: there is no column "begann" in public.talks; did you mean "began"?',
    '16 calls[0].columns.cost: nextval has a side effect, or answers otherwise each time',
    '19 calls[1].columns.user: answers with several rows',
    '19 calls[1].columns.started_at: syntax error at or near ")"',
    '21 calls[2].table: there is no table "no_such_table" in the schema "public"',
    '22 calls[2].columns.service: there is no service "singing"; quota meter list names them',
    '25 figures.meter: there is no meter "songs"; quota meter list names them',
    expect.stringContaining('27 figures.used: column "r.tableoid" must appear in the GROUP BY clause'),
  ]);
  expect(await desk.snapshot({ sequences: false })).toEqual(before);
  expect(await desk.query(`select from pg_trigger where tgname like 'quota_adopt%'`)).toEqual([]);
});

test('text that is no number is found in the rows, before anything is made', async () => {
  const file = desk.write(
    'number.yaml',
    'product: shop\ncalls:\n  table: talks\n  columns: { service: { value: voice }, user: person, started_at: began, duration_seconds: note }\n',
  );
  const { error } = await desk.json(65, 'adopt', 'check', file);
  expect(error.problems).toEqual([
    {
      line: 4,
      path: 'calls.columns.duration_seconds',
      message: 'invalid input syntax for type numeric: "long"',
    },
  ]);
});

test.each([
  ['no tables', 'product: shop\n', 'needs "calls"'],
  [
    'no product',
    'calls: { table: talks, columns: { service: { value: voice }, user: person, started_at: began } }\n',
    'needs a "product"',
  ],
  [
    'a field that there is not',
    'product: p\ncalls: { table: talks, columns: { service: { value: voice }, user: person, started_at: began, mood: note } }\n',
    'there is no such field',
  ],
  [
    'a row that is counted twice',
    'product: p\ncalls:\n  - { source: a, table: talks, columns: { service: { value: voice }, user: person, started_at: began } }\n  - { source: b, table: talks, columns: { service: { value: voice }, user: person, started_at: began } }\n',
    'would be counted twice',
  ],
  [
    'a service per row',
    'product: p\ncalls: { table: talks, columns: { service: note, user: person, started_at: began } }\n',
    'must be one service',
  ],
  [
    'two ways to a value',
    'product: p\ncalls: { table: talks, columns: { service: { value: voice }, user: { column: person, sql: "r.person" }, started_at: began } }\n',
    'needs one of "column", "sql" and "value"',
  ],
  ['a list', '[1, 2]\n', 'must have a "product"'],
])('%s is refused', async (_name, text, message) => {
  const { error } = await desk.json(65, 'adopt', 'check', desk.write('bad.yaml', text));
  expect(error.detail).toContain(message);
});
