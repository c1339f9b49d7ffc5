import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';
import type { OutputFormat, Report, Row } from '../../src/context.ts';

async function printed(format: OutputFormat, report: Report, color = false): Promise<string> {
  const stdout = new PassThrough();
  await createOutput({ format, stdout, color }).write(report);
  return stdout.read()?.toString() ?? '';
}

async function streamed(format: OutputFormat, rows: Row[]): Promise<string> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write: (chunk, _, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  const source = (async function* () {
    yield* rows;
  })();
  await createOutput({ format, stdout, color: false }).stream([{ key: 'id' }, { key: 'name' }], source);
  return chunks.join('');
}

const people = [
  { id: 1, name: 'Ada', used: '12.500' },
  { id: 2, name: 'Grace, "the"\nadmiral', used: null },
];
const columns = [
  { key: 'id', align: 'right' as const },
  { key: 'name', title: 'Name' },
];

test('table: headings and aligned cells, one line per row', async () => {
  expect(await printed('table', { data: people, columns })).toBe(
    'id  Name\n 1  Ada\n 2  Grace, "the" admiral\n',
  );
  expect(await printed('table', { data: [], columns })).toBe('nothing to list\n');
});

test('table: text in place of a table, colours only where wanted', async () => {
  const report: Report = {
    data: { name: 'Ada' },
    text: (data, style) => style.green((data as { name: string }).name),
  };
  expect(await printed('table', report)).toBe('Ada\n');
  expect(await printed('table', report, true)).toBe('\u001b[32mAda\u001b[39m\n');
});

test('table: no control character of the data reaches the terminal', async () => {
  const evil = { name: 'a\u001b[2Jb\u001b]0;title\u0007c\u009b1md\u202ee\rf\u0000' };
  expect(await printed('table', { data: [evil] })).toBe('name\nabc1mde f\n');
  expect(await printed('table', { data: { deep: [evil] }, text: (data) => JSON.stringify(data) })).toBe(
    '{"deep":[{"name":"abc1mde f"}]}\n',
  );
});

test('json: the data itself, indented; control characters escaped', async () => {
  expect(await printed('json', { data: people, columns, rows: [] })).toBe(
    `${JSON.stringify(people, null, 2)}\n`,
  );
  const text = await printed('json', { data: { name: '\u009b\u007f\u001b' } });
  expect(text).toBe('{\n  "name": "\\u009b\\u007f\\u001b"\n}\n');
  expect(JSON.parse(text)).toEqual({ name: '\u009b\u007f\u001b' });
});

test('ndjson: one value per line', async () => {
  const lines = (await printed('ndjson', { data: people })).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(people);
  expect(await printed('ndjson', { data: { a: 1 } })).toBe('{"a":1}\n');
  expect(await printed('ndjson', { data: [] })).toBe('');
});

test('csv: quoted where needed, formulas neutralised, numbers left alone', async () => {
  expect(await printed('csv', { data: people })).toBe(
    'id,name,used\n1,Ada,12.500\n2,"Grace, ""the""\nadmiral",\n',
  );
  const cells = ['=1+1', '+49 30', '@sum', '-2.50', '-x', '\tx', '\rx', '2026-11-01', '-1+cmd'];
  const text = await printed('csv', { data: cells.map((cell) => ({ cell })) });
  expect(text).toBe(`cell\n'=1+1\n'+49 30\n'@sum\n-2.50\n'-x\n'\tx\n' x\n2026-11-01\n'-1+cmd\n`);
  const hostile = ['\u001b[2J=1+1', 'a\u202eb', '\u009b31m-', 'two\nlines', '\u001b]0;title\u0007x'];
  expect(await printed('csv', { data: hostile.map((cell) => ({ cell })) })).toBe(
    `cell\n'=1+1\nab\n31m-\n"two\nlines"\nx\n`,
  );
  expect(await printed('csv', { data: { at: new Date(0), list: [1] } })).toBe(
    'at,list\n1970-01-01T00:00:00.000Z,[1]\n',
  );
});

test.each([0, 1, 1000, 2500])('a stream of %i rows is complete in every format', async (count) => {
  const rows = Array.from({ length: count }, (_, id) => ({ id, name: `user ${id}` }));
  expect(JSON.parse(await streamed('json', rows))).toEqual(rows);
  expect(
    (await streamed('ndjson', rows))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toEqual(rows);
  expect((await streamed('csv', rows)).split('\n').length).toBe(count + 2);
  const names = (await streamed('table', rows)).match(/user \d+/g) ?? [];
  expect(names).toEqual(rows.map(({ name }) => name));
});

test.each(['csv', 'ndjson', 'json'] as const)(
  'the first rows of a stream as %s are written while the others are still read',
  async (format) => {
    let written = '';
    const stdout = new Writable({
      write: (chunk, _, done) => {
        written += String(chunk);
        done();
      },
    });
    const atRow: string[] = [];
    const source = (async function* () {
      for (let id = 0; id < 200; id++) {
        atRow.push(written);
        yield { id };
      }
    })();
    await createOutput({ format, stdout, color: false }).stream([{ key: 'id' }], source);
    expect(atRow.at(-1)).toMatch(/\b24\b/);
    expect(written.startsWith(atRow.at(-1) as string)).toBe(true);
  },
);

test('a reader that has gone ends the output quietly; a full disk does not', async () => {
  const failing = (code: string) =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
  const output = (code: string) => createOutput({ format: 'json', stdout: failing(code), color: false });
  await output('EPIPE').write({ data: 1 });
  await expect(output('ENOSPC').write({ data: 1 })).rejects.toMatchObject({ exitCode: 69 });
  let asked = 0;
  const endless = (async function* () {
    for (;;) {
      asked += 1;
      yield { id: asked };
    }
  })();
  await output('EPIPE').stream([{ key: 'id' }], endless);
  expect(asked).toBeLessThanOrEqual(1000);
});
