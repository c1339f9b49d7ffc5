import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { BadLines } from '../../src/files/bad-lines.ts';
import { readCsvHeader } from '../../src/files/csv/csv-header.ts';
import { csvRows } from '../../src/files/csv/csv-rows.ts';
import fc from '../fast-check.ts';
import { collectRows, refusal, skipping, withText } from './input.ts';

function read(csv: string, badLines = new BadLines(), pieceBytes?: number) {
  return withText(
    csv,
    async (input) => {
      const header = readCsvHeader(input);
      return { header, ...(await collectRows(csvRows(input, header, badLines))) };
    },
    pieceBytes,
  );
}

describe('csvRows', () => {
  it('reads rows with their lines', async () => {
    const { header, rows, lines } = await read('a,b,c\n1,2,3\n\n4,"5,5",6\r\n7,"8\n8",9\n10,"1""1",');
    expect(header.names).toEqual(['a', 'b', 'c']);
    expect(rows).toEqual([
      ['1', '2', '3'],
      ['4', '5,5', '6'],
      ['7', '8\n8', '9'],
      ['10', '1"1', ''],
    ]);
    expect(lines).toEqual([2, 4, 5, 7]);
  });

  it('keeps the original text of each row', async () => {
    const { originals } = await read('a,b\r\n1,"x ""y"""\r\n"2\n2",z\r\n3,4');
    expect(originals).toEqual(['1,"x ""y"""', '"2\n2",z', '3,4']);
  });

  it.each([
    ['a;b\n1;2,5\n', ';'],
    ['a\tb\n1\t2\n', '\t'],
    ['a|b\n1|2\n', '|'],
    ['"a;x;y",b\n1,2\n', ','],
    ['a\n1\n', ','],
  ])('finds the delimiter of %j', async (csv, delimiter) => {
    expect((await read(csv)).header.delimiter).toBe(delimiter);
  });

  it('reads what papaparse writes, in pieces of any size', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => !text.includes('\u0000')),
      fc.constantFrom('a"b', '"', '""', 'x\ny', 'x\r\ny', ',', '', 'plain', 'ä€😀'),
    );
    const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 12 });
    const newline = fc.constantFrom('\n', '\r\n');
    await fc.assert(
      fc.asyncProperty(table, newline, fc.integer({ min: 1, max: 40 }), async (body, lineEnd, pieceBytes) => {
        const wellFormed = body.map((row) => row.map((text) => Buffer.from(text).toString()));
        const csv = Papa.unparse([['first', 'second', 'third'], ...wellFormed], { newline: lineEnd });
        const { rows } = await read(csv, new BadLines(), pieceBytes);
        expect(rows).toEqual(wellFormed.filter((row) => row.some((text) => text.trim() !== '')));
      }),
      { numRuns: 300 },
    );
  });

  it('reads a file larger than a chunk the same as papaparse', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) =>
      i % 7 === 0 ? `${i},"q ""${i}"", x",end` : `${i},plain ${i},end`,
    );
    const csv = `id,text,last\n${lines.join('\n')}\n`;
    const expected = Papa.parse<string[]>(csv, { skipEmptyLines: true }).data.slice(1);
    const { rows, numbers } = await read(csv);
    expect(rows).toEqual(expected);
    expect(numbers).toEqual(expected.map((_, i) => i + 2));
  });
});

describe('bad rows', () => {
  const csv = ['id,cost', '1,2', '3', '4,5,6', '"7,8', '9,"x"y', '10,11'].join('\n');

  it('refuses the file with every bad line', async () => {
    const error = await refusal(read(csv));
    expect(error.exitCode).toBe(65);
    expect(error.message).toBe('stdin was not loaded: 4 lines cannot be read');
    expect(error.detail?.split('\n')).toEqual([
      'stdin, line 3, column 1: the row has 1 field, the header has 2',
      'stdin, line 4, column 3: the row has 3 fields, the header has 2',
      'stdin, line 5, column 1: the quote that opens here is never closed',
      'stdin, line 6, column 6: text after the closing quote of a field',
    ]);
    expect(error.suggestion).toContain('--skip-invalid');
  });

  it('skips them on request, and hands over their text', async () => {
    for (const pieceBytes of [1, 7, 100]) {
      const { badLines, rejects } = skipping();
      const { rows } = await read(csv, badLines, pieceBytes);
      expect(rows).toEqual([
        ['1', '2'],
        ['10', '11'],
      ]);
      expect(rejects.map(({ text }) => text)).toEqual(['3', '4,5,6', '"7,8', '9,"x"y']);
    }
  });

  it('finds one bad row among many, and keeps only the first of many bad ones', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `${i},1`);
    rows[77_777] = '77777';
    expect((await refusal(read(`id,cost\n${rows.join('\n')}`))).detail).toContain('line 77779, column 1');
    const many = `id,cost\n${'x\n'.repeat(50_000)}`;
    const error = await refusal(read(many));
    expect(error.message).toContain('50000 lines');
    expect(error.detail?.split('\n')).toHaveLength(21);
    expect(error.detail).toContain('… and 49980 more');
  });

  it('says that files were joined when the header comes again', async () => {
    expect((await refusal(read('id,cost\n1,2\nid,cost\n3,4\n'))).detail).toContain(
      'line 3, column 1: the header is repeated',
    );
  });
});

describe('what cannot be read at all', () => {
  it.each([
    [
      'a duplicate column',
      'id,cost, ID\n',
      'line 1, column 3: the header names "ID" twice, in columns 1 and 3',
    ],
    ['a header without line end', `id,${'x'.repeat(70_000)}`, 'the header line is longer than 64 KiB'],
    ['bare carriage returns', 'id,cost\r1,2\r', 'bare carriage return'],
    [
      'an open quote in the header',
      'id,"cost\n1,2',
      'line 1, column 4: the quote that opens here is never closed',
    ],
  ])('refuses %s', async (_, csv, message) => {
    const error = await refusal(read(csv));
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain(message);
  });

  it('refuses a line without end, before collecting it', async () => {
    const error = await refusal(read(`id,cost\n1,2\n${'x'.repeat(3_000_000)}`, new BadLines(), 65_536));
    expect(error.message).toContain('line 3: the line is longer than 1 MiB');
  });
});
