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

const calls = (more = '', columns = '') =>
  `product: p\ncalls:\n  table: talks\n${more}  columns:\n    service: { value: voice }\n    user: person\n    started_at: began\n${columns}`;
const source = (name: string, where: string) =>
  `  - { source: ${name}, table: talks, where: "${where}", columns: { service: { value: voice }, user: person, started_at: began } }\n`;
const mirror = (columns: string) =>
  `mirror: { table: counters, meter: voice_seconds, user: person, columns: ${columns} }\n`;
const figure = (meter: string, used: string) =>
  `figures: { table: counters, meter: ${meter}, user: person, used: ${used} }\n`;

test.each<[string, string, string, string]>([
  [
    'a condition with a side effect',
    calls('  where: "pg_advisory_lock(1) is null"\n'),
    'calls.where',
    'side effect',
  ],
  [
    'a condition that is none',
    calls('  where: r.person\n'),
    'calls.where',
    'is text: a condition is true or false',
  ],
  [
    'a condition of many rows',
    calls('  where: "(select t.id > 0 from public.talks t)"\n'),
    'calls.where',
    'more than one row returned',
  ],
  ['a key that has a column twice', calls('  key: [id, id]\n'), 'calls.key', 'each once'],
  ['no key', calls('  key: []\n'), 'calls.key', 'must be a column, or a list'],
  [
    'a column that the server makes',
    calls() + mirror('{ doubled: q.used }'),
    'mirror.columns.doubled',
    'made by the server',
  ],
  [
    'a number that the server gives',
    calls() + mirror('{ serial: q.used }'),
    'mirror.columns.serial',
    'made by the server',
  ],
  [
    'a column of the primary key',
    calls() + mirror('{ month: "q.used::text" }'),
    'mirror.columns.month',
    'of the primary key',
  ],
  ['a sum of figures', calls() + mirror('{ used: count(*) }'), 'mirror.columns.used', 'GROUP BY'],
  [
    'a figure of another type',
    calls() + mirror(`{ used: "'a lot'" }`),
    'mirror.columns.used',
    'invalid input syntax',
  ],
  [
    'a column that follows two figures',
    `${calls()}mirror:\n${['voice_seconds', 'messages'].map((meter) => `  - { table: counters, meter: ${meter}, user: person, columns: { used: q.used } }\n`).join('')}`,
    'mirror[1].columns.used',
    'follows another figure already',
  ],
  ['nothing that follows', calls() + mirror('{}'), 'mirror.columns', 'must be columns by key'],
  [
    'rows of two sources',
    `product: p\ncalls:\n${source('a', 'r.id > 0')}${source('b', 'r.id < 2')}`,
    'calls[1].where',
    '1 of its rows are the calls of "a", too',
  ],
  [
    'two values in one',
    calls('', '    cost: { sql: "1), (2" }\n'),
    'calls.columns.cost',
    'pseudo-type record',
  ],
  [
    'rows beside the row',
    calls('', '    cost: { sql: "row_number() over ()" }\n'),
    'calls.columns.cost',
    'several rows at once',
  ],
  [
    'an end of the statement',
    calls('', '    cost: { sql: "1) from public.talks r; drop table public.talks; --" }\n'),
    'calls.columns.cost',
    'syntax error',
  ],
  [
    'the clock',
    calls('', '    cost: { sql: "extract(epoch from clock_timestamp())" }\n'),
    'calls.columns.cost',
    'clock_timestamp',
  ],
  [
    'a function of the app without its schema',
    calls('', '    cost: { sql: "price(r.id)" }\n'),
    'calls.columns.cost',
    'does not exist',
  ],
  [
    'a table of ours',
    'product: p\ncalls: { table: quota.call_logs, columns: { service: { value: voice }, user: provider, started_at: started_at } }\n',
    'calls.table',
    'is of quota',
  ],
  [
    'a table of the server',
    'product: p\ncalls: { table: pg_catalog.pg_class, key: oid, columns: { service: { value: voice }, user: relname, started_at: { sql: "now()" } } }\n',
    'calls.table',
    'is of the server',
  ],
  [
    'a view',
    'product: p\ncalls: { table: talk_view, columns: { service: { value: voice }, user: person, started_at: began } }\n',
    'calls.table',
    'is no table: triggers need one',
  ],
  [
    'a counter of another service',
    calls() + figure('messages', 'used'),
    'figures.meter',
    'of the service "chat", of which no calls are mapped',
  ],
  [
    'a counter that is no number',
    calls() + figure('voice_seconds', '{ sql: "r.month::numeric" }'),
    'figures.used',
    'invalid input syntax for type numeric: "2026-11"',
  ],
  ['a counter of nothing', calls() + figure('null', 'used'), 'figures', 'needs "meter"'],
  [
    'a limit that is no number',
    `${calls()}limits: { table: counters, meter: voice_seconds, columns: { user: person, limit: { sql: "r.month::numeric" } } }\n`,
    'limits.columns.limit',
    'invalid input syntax for type numeric: "2026-11"',
  ],
  ['a name that is none', calls().replace('product: p', 'product: My Shop!'), 'product', 'must be a key'],
  ['another way to delete', calls('  on_delete: drop\n'), 'calls.on_delete', 'must be one of ignore, remove'],
  ['neither yes nor no', calls('  make_users: maybe\n'), 'calls.make_users', 'must be true or false'],
  ['a look of no time', calls('  look_back_minutes: 0\n'), 'calls.look_back_minutes', 'from 1 to 1440'],
  ['a part that there is not', `${calls()}songs: {}\n`, 'songs', 'there is no such field'],
  [
    'users without a name',
    `${calls()}users: { table: people, columns: { email: mail } }\n`,
    'users.columns',
    'needs "user"',
  ],
  ['no table', calls().replace('table: talks', 'table: null'), 'calls', 'needs a "table"'],
  [
    'a name twice',
    `${calls()}jobs: { table: talks, columns: { user: person, service: { value: voice }, started_at: began } }\n`,
    'jobs',
    'another source is called "talks"',
  ],
])('%s is refused where it stands', async (_name, text, path, message) => {
  await desk.query(`create table if not exists counters (person text, month text, used int,
      doubled int generated always as (used * 2) stored, serial int generated always as identity, primary key (person, month));
    insert into counters (person, month, used) values ('a', '2026-11', 4) on conflict do nothing;
    create or replace function price(bigint) returns numeric language sql immutable as 'select 1.0';
    create or replace view talk_view as select * from talks;
    insert into talks (person, began, note) select 'b', now(), '60' where not exists (select from talks offset 1)`);
  const { error } = await desk.json(65, 'adopt', 'attach', desk.write('bad.yaml', text), '--yes');
  expect(error.problems).toContainEqual(
    expect.objectContaining({ path, line: expect.any(Number), message: expect.stringContaining(message) }),
  );
  expect(await desk.query(`select from pg_trigger where tgname like 'quota_adopt%'`)).toEqual([]);
});
