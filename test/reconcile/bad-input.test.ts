import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const bad = (name: string) => `${process.cwd()}/fixtures/exports/bad/${name}`;
const sample = (name: string) => `${process.cwd()}/fixtures/exports/${name}`;
const desk = perFile(new MonthDesk());

beforeAll(async () => {
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
});

const write = (name: string, text: string | Buffer) => desk.write(name, text);

const head = 'id,assistant_id,started_at,ended_at,cost\n';
const row = (id: string, cost = '0.10', started = '2026-10-03T10:00:00Z') =>
  `${id},a,${started},2026-10-03T10:01:00Z,${cost}\n`;

/** The refusal of a run that must leave no trace. */
async function refused(...args: string[]): Promise<{ message: string; detail: string; suggestion: string }> {
  const before = await desk.snapshot();
  const { error } = await desk.json(65, 'reconcile', '--month', '2026-10', ...args);
  expect(await desk.snapshot()).toEqual(before);
  expect(error.code).toBe('bad_input');
  return error;
}

describe('refused, and nothing stored', () => {
  test('one bad row among many, with its line and column', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => row(`call-${n}`, n === 12_344 ? '"0,31"' : '0.31'));
    const error = await refused('--provider', 'vapi', '--export', write('many.csv', head + rows.join('')));
    expect(error.detail).toContain('many.csv, line 12346, column cost: "0,31" has a decimal comma');
  });

  test.each([
    ['a list that is cut off', ['--export', bad('truncated-list.json')], /line \d+/],
    ['two formats in one file', ['--export', bad('mixed-formats.jsonl')], /line \d+/],
    ['an answer that is an error', ['--export', bad('heygen-unauthorized.json')], /./],
    [
      'currency signs and ambiguous dates',
      ['--provider', 'x', '--export', bad('spreadsheet-values.csv')],
      /line 3, column cost: .* has a currency sign\n.*line 4, .*thousands/,
    ],
    ['no such file', ['--export', '/nowhere/bill.csv'], /no such file/],
    [
      'another provider',
      ['--provider', 'heygen', '--export', sample('vapi-calls.jsonl')],
      /is an export of vapi, not of heygen/,
    ],
    [
      'a provider that is not in it',
      ['--provider', 'openai', '--export', sample('focus-1.2.csv')],
      /openai|vapi/,
    ],
    [
      'two providers',
      ['--export', sample('vapi-calls.jsonl'), '--export', sample('heygen-list.json')],
      /2026-10|provider/,
    ],
  ])('%s', async (_, args, expected) => {
    const { message, detail = '' } = await refused(...args);
    expect(`${message}\n${detail}`).toMatch(expected);
  });

  const whole = head + row('a');
  test.each([
    ['a folder', () => desk.path(''), /is a folder, not a file/],
    ['an empty file', () => write('empty.csv', ''), /the file is empty/],
    ['only a header', () => write('header.csv', head), /has no billing line/],
    [
      'a header that names a column twice',
      () => write('twice.csv', whole.replace('ended_at', 'id')),
      /names "id" twice/,
    ],
    ['UTF-16', () => write('utf16.csv', Buffer.from(`\ufeff${whole}`, 'utf16le')), /UTF-16, not UTF-8/],
    [
      'a gzip that is cut off',
      () => write('cut.gz', gzipSync(whole.repeat(50)).subarray(0, 60)),
      /gzip data ends too early/,
    ],
    [
      'a record that is cut off',
      () => write('cut.jsonl', '{"id":"a","orgId":"o","crea'),
      /ends inside this record/,
    ],
    [
      'a spreadsheet',
      () => write('bill.xlsx', Buffer.from('PK\u0003\u0004')),
      /zip archive or a spreadsheet/,
    ],
  ])('%s', async (_, file, expected) => {
    const provider = file().endsWith('jsonl') ? 'vapi' : 'acme';
    const { message, detail = '' } = await refused('--provider', provider, '--export', file());
    expect(`${message}\n${detail}`).toMatch(expected);
  });

  test('another month, with the one that it is of', async () => {
    const error = await refused(
      '--provider',
      'vapi',
      '--export',
      write('september.csv', head + row('a', '1', '2026-09-30T23:59:59.999Z')),
    );
    expect(error).toMatchObject({
      message: expect.stringContaining('has no line of 2026-10'),
      detail: 'its 1 line is of 2026-09-30 to 2026-09-30',
      suggestion: '--month 2026-09, or another file',
    });
  });

  test('costs in two currencies', async () => {
    const text = 'id,started_at,cost,currency\na,2026-10-03T10:00:00Z,1,USD\nb,2026-10-03T10:00:00Z,1,EUR\n';
    expect((await refused('--provider', 'vapi', '--export', write('two.csv', text))).message).toContain(
      'EUR and USD',
    );
  });

  test('the second of two files: the first is not stored either', async () => {
    const good = write('good.csv', head + row('a'));
    await refused(
      '--provider',
      'vapi',
      '--export',
      good,
      '--export',
      write('bad.csv', head + row('b', 'much')),
    );
  });
});

describe('put right', () => {
  test('--date-order reads dates of a spreadsheet, --skip-invalid leaves bad lines out and keeps them', async () => {
    const text = `${head}${row('a', '"$1,000.50"', '10/3/2026 9:00')}${row('b', '2')}${row('c', 'much')}`;
    const file = write('sheet.csv', text);
    const rejects = desk.path('rejects.ndjson');
    const { code, data, stderr } = await desk.answer(
      ...['reconcile', '--month', '2026-10', '--provider', 'sheets', '--export', file],
      ...['--date-order', 'mdy', '--skip-invalid', '--rejects', rejects],
    );
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: `warning: ${file}: 1 line cannot be read and was left out: without an amount that can be read\n`,
    });
    expect(data.totals.billed).toBe('1002.50');
    expect(JSON.parse(readFileSync(rejects, 'utf8'))).toMatchObject({ line: 4, column: 'cost' });
    expect(existsSync(`${file}.rejects.ndjson`)).toBe(false);
  });

  test('--map names columns, and can be saved', async () => {
    const file = write('theirs.csv', 'Call,Bot,When,Price\nx1,a,2026-10-05T00:00:00Z,0.5\n');
    const map = [
      '--map',
      'Call=id',
      '--map',
      'Bot=assistant_id',
      '--map',
      'When=started_at',
      '--map',
      'Price=cost',
    ];
    const first = await desk.json(
      3,
      'reconcile',
      '--month',
      '2026-10',
      '--provider',
      'acme',
      '--export',
      file,
      ...map,
      '--save-mapping',
      'acme',
    );
    expect(first.totals.billed).toBe('0.5');
    const next = write('next.csv', 'Call,Bot,When,Price\nx2,a,2026-11-05T00:00:00Z,0.7\n');
    const second = await desk.json(
      3,
      'reconcile',
      '--month',
      '2026-11',
      '--export',
      next,
      '--mapping',
      'acme',
    );
    expect(second).toMatchObject({ provider: 'acme', totals: { billed: '0.7' } });
    const { error } = await desk.json(
      4,
      'reconcile',
      '--month',
      '2026-11',
      '--export',
      next,
      '--mapping',
      'other',
    );
    expect(error.suggestion).toBe('one of acme');
  });
});

test('what comes from a file is harmless in a terminal and in a spreadsheet', async () => {
  const evil = '=cmd|\u0027 /C calc\u0027!A0';
  const lines = [
    {
      id: evil,
      assistantId: '\u001b[31mred',
      createdAt: '2026-10-07T00:00:00Z',
      startedAt: '2026-10-07T00:00:00Z',
      endedAt: '2026-10-07T00:01:00Z',
      cost: 1,
      status: 'ended',
      type: 'zero\u0000',
    },
  ];
  const file = write('evil\u001b[31m.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  const { stdout } = await desk.run(
    'reconcile',
    '--month',
    '2026-10',
    '--provider',
    'vapi',
    '--export',
    file,
  );
  expect(stdout).not.toContain('\u001b[31m');
  const table = await desk.run('reconcile', 'show', '--month', '2026-10', '--provider', 'vapi', '--open');
  expect(table.stdout).not.toContain('\u001b');
  const csv = await desk.run(
    'reconcile',
    'show',
    '--month',
    '2026-10',
    '--provider',
    'vapi',
    '--open',
    '--output',
    'csv',
  );
  expect(csv.stdout).toContain(`'${evil}`);
});
