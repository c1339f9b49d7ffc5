import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { callHeader, ImportDesk } from './import-desk.ts';

const desk = perFile(new ImportDesk());
let before: Record<string, string>;
beforeEach(async () => {
  before = await desk.snapshot();
});
afterEach(async () => {
  expect(await desk.snapshot()).toEqual(before);
});

const good = 'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,2026-10-03T10:01:00Z,60,0.10,completed';
const csv = (...lines: string[]) => `${[callHeader, ...lines].join('\n')}\n`;
const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);

describe('files that cannot be used at all', () => {
  const whole = csv(good);
  const packed = gzipSync(whole);
  const cases: [string, string | Uint8Array, RegExp, RegExp][] = [
    ['empty', '', /line 1: the file is empty/, /./],
    ['blank', '\n \n', /line 1: the file is empty/, /./],
    [
      'binary',
      Buffer.from([0x50, 0x4b, 3, 4, 0, 1, 2]),
      /line 1: the file is a zip archive or a spreadsheet/,
      /CSV/,
    ],
    [
      'with NUL bytes',
      whole.replace('0.10', '0\u000010'),
      /line 2, column 7\d: a NUL byte/,
      /export it again/,
    ],
    ['UTF-16', utf16(whole), /line 1: the text is UTF-16/, /iconv/],
    [
      'in another encoding',
      Buffer.from(whole.replace('ada', 'ad\u00e9'), 'latin1'),
      /line 2, column \d+: not valid UTF-8/,
      /iconv/,
    ],
    ['a truncated gzip', packed.subarray(0, packed.length - 20), /gzip data ends too early/, /again/],
    ['a damaged gzip', Buffer.concat([packed.subarray(0, 20), Buffer.alloc(20, 7)]), /gzip data/, /again/],
    ['another delimiter', whole.replaceAll(',', ':'), /line 1: there is no column "started_at"/, /--map/],
    ['without a header', `${good}\n`, /line 1: there is no column "started_at"/, /--map/],
    [
      'a duplicate header',
      csv(good).replace('cost,', 'Started_At,'),
      /line 1, column 7: the header names "Started_At" twice/,
      /rename/,
    ],
    [
      'an unknown column',
      csv(`${good},x`).replace('status', 'status,duration_second'),
      /line 1, column 9: "duration_second" is not a column/,
      /did you mean --map "duration_second=duration_seconds"\?/,
    ],
    [
      'an unknown member',
      '{"started_at":"2026-10-03T10:00:00Z","whom":1}',
      /line 1, column 38: "whom" is not a column/,
      /--map "whom="/,
    ],
    [
      'a JSON list that is cut off',
      '[{"started_at":"2026-10-03T10:00:00Z"},',
      /line 1.*: the file ends inside a list/,
      /./,
    ],
  ];

  test.each(cases)('%s', async (name, content, message, suggestion) => {
    const file = desk.write(`${name}.csv`, content);
    const failure = await desk.failure('call-logs', file, '--skip-invalid');
    expect(failure).toMatchObject({ exit: 65, code: 'bad_input', message: expect.stringMatching(message) });
    expect(failure.message).toContain(file);
    expect(failure.suggestion).toMatch(suggestion);
  });

  test('missing, or a folder', async () => {
    const missing = desk.path('none.csv');
    expect(await desk.failure('call-logs', missing)).toMatchObject({
      exit: 65,
      message: `${missing}: there is no such file`,
    });
    expect(await desk.failure('call-logs', desk.path(''))).toMatchObject({
      exit: 65,
      message: expect.stringContaining('folder'),
    });
  });

  test('such a file needs no database', async () => {
    const file = desk.write('dup.csv', 'external_id,external_id\n');
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    expect((await desk.with({ env }).run('import', 'users', file)).code).toBe(65);
    expect(
      (await desk.with({ env }).run('import', 'users', desk.write('fine.csv', 'external_id\nx\n'))).code,
    ).toBe(69);
  });

  test.each(['first', 'second'])('a line of 100 MB, the %s of the file', async (which) => {
    const file = desk.path(`long-${which}.csv`);
    const stream = createWriteStream(file);
    stream.write(which === 'first' ? 'x' : csv(good));
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let index = 0; index < 100; index++) {
      if (!stream.write(piece)) {
        await once(stream, 'drain');
      }
    }
    stream.end();
    await once(stream, 'close');
    const failure = await desk.failure('call-logs', file);
    expect(failure).toMatchObject({
      exit: 65,
      message: expect.stringMatching(which === 'first' ? /line 1: .*64 KiB/ : /line 3: .*1 MiB/),
    });
  });

  test('a fault in the middle of a large file leaves nothing of what was before it', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => good.replace(/^a/, `id-${index}`));
    lines[15_000] = `\u0000${lines[15_000]}`;
    const failure = await desk.failure('call-logs', desk.write('late.csv', csv(...lines)));
    expect(failure).toMatchObject({
      exit: 65,
      message: expect.stringContaining('line 15002, column 1: a NUL byte'),
    });
  });
});

describe('lines that cannot be used', () => {
  const started = (instant: string) => `a,assistant-of-ada,ada,${instant},,60,0.10,completed`;
  const cells: [string, string, string | null, string][] = [
    [
      'negative duration',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,-0.001,0.10,',
      'duration_seconds',
      '"-0.001" is negative',
    ],
    [
      'absurd duration',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,604800.001,0.10,',
      'duration_seconds',
      '"604800.001" is more than 7 days: seconds are wanted',
    ],
    [
      'duration in words',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,100 sec,0.10,',
      'duration_seconds',
      '"100 sec" is not a length of time',
    ],
    ['negative cost', 'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,60,-1,', 'cost', '"-1" is negative'],
    [
      'cost with a sign',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,60,$1,',
      'cost',
      '"$1" has a currency sign',
    ],
    [
      'end before start',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,2026-10-03T09:59:59.999Z,60,1,',
      'ended_at',
      'is before started_at',
    ],
    [
      'end before start by a fraction',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00.5Z,2026-10-03T10:00:00Z,60,1,',
      'ended_at',
      'is before started_at',
    ],
    [
      'year 1',
      started('0001-01-01T00:00:00Z'),
      'started_at',
      '"0001-01-01T00:00:00Z" is not a date between 1970 and 2200',
    ],
    [
      'year 9999',
      started('9999-12-31T23:59:59Z'),
      'started_at',
      '"9999-12-31T23:59:59Z" is not a date between 1970 and 2200',
    ],
    [
      'year 1999',
      started('1999-12-31T23:59:59Z'),
      'started_at',
      '"1999-12-31T23:59:59Z" is not between 2000 and 2200',
    ],
    [
      '31 February',
      started('2026-02-31T00:00:00Z'),
      'started_at',
      '"2026-02-31T00:00:00Z" is not a date between 1970 and 2200',
    ],
    [
      'a start to come',
      started('2199-11-30T00:00:00Z'),
      'started_at',
      '2199-11-30T00:00:00Z lies in the future',
    ],
    [
      'an end to come',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,2199-10-03T10:01:00Z,60,1,',
      'ended_at',
      '2199-10-03T10:01:00Z lies in the future',
    ],
    ['no zone', started('2026-10-03 10:00:00'), 'started_at', '"2026-10-03 10:00:00" has no time zone'],
    ['no start', started(''), 'started_at', 'is empty'],
    [
      'status',
      'a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,60,1,ended',
      'status',
      '"ended" is none of completed, active, error',
    ],
    [
      'nobody',
      'a,,,2026-10-03T10:00:00Z,,60,1,',
      'user_external_id',
      'is empty, and so is provider_assistant_id: whose call was it?',
    ],
    [
      'unknown user',
      'a,assistant-of-ada,Ada,2026-10-03T10:00:00Z,,60,1,',
      'user_external_id',
      'there is no user "Ada"',
    ],
    [
      'unknown assistant',
      'a,other,ada,2026-10-03T10:00:00Z,,60,1,',
      'provider_assistant_id',
      'there is no assistant "other"',
    ],
    [
      'unknown assistant of nobody',
      'a,other,,2026-10-03T10:00:00Z,,60,1,',
      'provider_assistant_id',
      'there is no assistant "other"',
    ],
    ['too few fields', 'a,b', '2', 'the row has 2 fields, the header has 8'],
    ['an open quote', '"a,b', '1', 'the quote that opens here is never closed'],
    [
      'a long id',
      `${'x'.repeat(256)},,ada,2026-10-03T10:00:00Z,,60,1,`,
      'provider_call_id',
      `"${'x'.repeat(60)}…" has more than 255 characters`,
    ],
  ];

  test.each(cells)('%s', async (name, line, column, reason) => {
    const file = desk.write(`${name}.csv`, csv(good.replace(/^a/, 'fine'), line));
    expect(await desk.failure('call-logs', file)).toMatchObject({
      exit: 65,
      message: `${file} was not loaded: 1 of 2 lines cannot be used`,
      detail: `line 3, column ${column}: ${reason}`,
      suggestion: expect.stringContaining('--skip-invalid'),
      problems: [{ line: 3, column, reason }],
    });
  });

  const members: [Record<string, unknown>, string, string][] = [
    [{ messages: -1 }, 'messages', '"-1" is not a whole number from 0 to 2147483647'],
    [{ messages: 1.5 }, 'messages', '"1.5" is not a whole number'],
    [{ words_spoken: 3e9 }, 'words_spoken', '"3000000000" is not a whole number from 0 to 2147483647'],
    [{ file_size_bytes: 'big' }, 'file_size_bytes', '"big" is not a size'],
    [{ service: 'fax' }, 'provider', 'of a call of the service fax is missing'],
    [{ service: 'fax', provider: 'x' }, 'service', 'there is no service "fax"'],
    [{ metadata: [1] }, 'metadata', 'is not a JSON object'],
    [{ metadata: '{"a":' }, 'metadata', 'is not JSON: '],
    [{ metadata: { a: ['\u0000'] } }, 'metadata', 'has a character that cannot be stored'],
    [{ metadata: { a: '\ud800' } }, 'metadata', 'has a character that cannot be stored'],
    [{ metadata: { a: 'x'.repeat(70_000) } }, 'metadata', 'has more than 64 KiB'],
  ];

  test.each(members)('%j', async (member, column, reason) => {
    const call = { user_external_id: 'ada', started_at: '2026-10-03T10:00:00Z', ...member };
    const failure = await desk.failure('call-logs', desk.write('calls.jsonl', JSON.stringify(call)));
    expect(failure.problems).toEqual([{ line: 1, column, reason: expect.stringContaining(reason) }]);
  });

  test('deep and large JSON is refused before the database chokes on it', async () => {
    const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const lines = [deep, '{"a":1e999999}'].map((metadata) => `ada;2026-10-03T10:00:00Z;${metadata}`);
    const file = desk.write('deep.csv', ['user_external_id;started_at;metadata', ...lines].join('\n'));
    const { problems } = await desk.failure('call-logs', file);
    expect(problems).toEqual([
      { line: 2, column: 'metadata', reason: 'is nested deeper than 100' },
      { line: 3, column: 'metadata', reason: 'has a number that is too large' },
    ]);
  });

  test('of users: zone, plan, email, and two lines that differ', async () => {
    const file = desk.write(
      'users.csv',
      'external_id,email,timezone,plan\n' +
        'u1,,Mars/Olympus,\nu2,,FOO+3,\nu3,,,gold\nu4,,,voice-free;gold\nu5,,,chat-free;chat-anonymous\n' +
        'u6,not an address,,\nu7,a@example.com,,\nu7,b@example.com,,\nu7,a@example.com,,\n,,,\n',
    );
    expect((await desk.failure('users', file)).problems).toEqual([
      { line: 2, column: 'timezone', reason: '"Mars/Olympus" is not a time zone' },
      { line: 3, column: 'timezone', reason: '"FOO+3" is not a time zone' },
      { line: 4, column: 'plan', reason: 'there is no plan "gold"' },
      { line: 5, column: 'plan', reason: 'there is no plan "gold"' },
      { line: 6, column: 'plan', reason: 'chat-free and chat-anonymous are plans of one service' },
      { line: 7, column: 'email', reason: '"not an address" is not an email address' },
      { line: 9, column: 'external_id', reason: 'the same as in line 8, but the rest of the line differs' },
    ]);
  });

  test('of assistants: an unknown user', async () => {
    const file = desk.write('a.csv', 'provider_assistant_id,user_external_id\nx,carl\n,ada\n');
    expect((await desk.failure('assistants', file)).problems).toEqual([
      { line: 2, column: 'user_external_id', reason: 'there is no user "carl"' },
      { line: 3, column: 'provider_assistant_id', reason: 'is empty' },
    ]);
  });

  test('calls with one id that differ', async () => {
    const file = desk.write(
      'calls.csv',
      csv(good, good.replace(',60,', ',61,'), good.replace(',60,', ',60.0,')),
    );
    expect((await desk.failure('call-logs', file)).problems).toEqual([
      {
        line: 3,
        column: 'provider_call_id',
        reason: 'the same as in line 2, but the rest of the line differs',
      },
    ]);
  });

  test('a mapped column is named as the file names it', async () => {
    const file = desk.write(
      'calls.csv',
      'who,started_at,Seconds\ncarl,2026-10-03T10:00:00Z,1\nada,2026-10-03T10:00:00Z,-1\n',
    );
    const map = ['--map', 'who=user_external_id', '--map', 'Seconds=duration_seconds'];
    expect((await desk.failure('call-logs', file, ...map)).problems).toMatchObject([
      { line: 2, column: 'who' },
      { line: 3, column: 'Seconds' },
    ]);
  });

  test('all are counted, the first thousand listed', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) =>
      index % 2 === 0 ? 'too,few' : good.replace('60', '-1'),
    );
    const { code, stderr } = await desk.run(
      'import',
      'call-logs',
      desk.write('many.csv', csv(good, ...lines)),
    );
    expect(code).toBe(65);
    const printed = stderr.split('\n');
    expect(printed[0]).toMatch(/^error: .*many\.csv was not loaded: 5000 of 5001 lines cannot be used$/);
    expect(printed[1]).toBe('  line 3, column 2: the row has 2 fields, the header has 8');
    expect(printed[1000]).toBe('  line 1002, column duration_seconds: "-1" is negative');
    expect(printed[1001]).toBe('  and 4000 more');
    expect(printed).toHaveLength(1004);
  });
});

describe('options that cannot be used', () => {
  test.each([
    [['--map', 'x'], '"x" is not a column mapping'],
    [['--map', 'x=y'], '"y" is not a column that can be mapped to'],
    [['--rejects', 'x'], '--rejects needs --skip-invalid'],
    [['--date-order', 'dym'], '--date-order: "dym" is not one of mdy, dmy, ymd'],
  ])('%j', async (options, message) => {
    const file = desk.write('calls.csv', csv(good));
    expect(await desk.failure('call-logs', file, ...options)).toMatchObject({ exit: 2, message });
  });

  test('stdin has no place for rejects', async () => {
    const { code, stderr } = await desk
      .with({ input: csv(good) })
      .run('import', 'call-logs', '-', '--skip-invalid');
    expect(code).toBe(2);
    expect(stderr).toContain('--rejects FILE');
  });

  test('a place for rejects that cannot be written', async () => {
    const file = desk.write('calls.csv', csv('x'));
    const failure = await desk.failure(
      'call-logs',
      file,
      '--skip-invalid',
      '--rejects',
      desk.path('no/such/folder'),
    );
    expect(failure).toMatchObject({ exit: 2, message: expect.stringContaining('cannot be written') });
  });
});
