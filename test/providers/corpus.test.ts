import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import Papa from 'papaparse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportOptions } from '../../src/providers/exports/opened-export.ts';
import { sameDecimal } from '../../src/values/decimal-math.ts';
import { DecimalSum } from '../../src/values/decimal-sum.ts';
import fc from '../fast-check.ts';
import { type KnownExport, knownExports } from './corpus.ts';
import { read, readSource, sample } from './read-export.ts';
import { writeParquet } from './write-parquet.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'quota-corpus-'));
});
afterAll(() => rm(scratch, { recursive: true }));

type Read = Awaited<ReturnType<typeof readSource>>;

function totalsOf({ lines }: Read): { lines: number; billed: string } {
  const sum = new DecimalSum();
  for (const { cost } of lines) {
    sum.add(cost ?? '0');
  }
  return { lines: lines.length, billed: sum.toString() };
}

describe('the corpus', () => {
  it.each(knownExports.map((known) => [known.file, known] as const))('reads %s', async (file, known) => {
    const result = await read(file, known.options);
    expect(result.format).toBe(known.format);
    expect(totalsOf(result)).toEqual({ lines: known.lines, billed: known.billed });
    expect(result.summary.leftOut).toEqual({ lines: 0, amount: '0', withoutAmount: 0 });
  });

  it('is listed in the documentation, each file with what is in it', () => {
    const documentation = readFileSync('docs/billing-exports.md', 'utf8');
    for (const { file, format, lines, billed } of knownExports) {
      const row = documentation.split('\n').find((line) => line.includes(`\`${basename(file)}\``));
      expect(row?.split('|').map((cell) => cell.trim())).toEqual(
        expect.arrayContaining([`\`${format}\``, String(lines), billed]),
      );
    }
  });
});

/** A table in memory: how a CSV is written is what the changes change. */
interface Sheet {
  header: string[];
  rows: string[][];
  options: ExportOptions;
}

const isCsv = ({ file }: KnownExport) => /\.(csv|tsv)$/.test(file);
/** Those that went through a spreadsheet already are no start for another way through it. */
const sheets = knownExports.filter((known) => isCsv(known) && !known.file.startsWith('excel'));

async function sheetOf({ file, options = {} }: KnownExport): Promise<Sheet> {
  const text = (await readFile(sample(file), 'utf8')).replace(/^\ufeff/, '');
  const [header = [], ...rows] = Papa.parse<string[]>(text, { skipEmptyLines: true }).data;
  return { header, rows, options };
}

const isDay = (cell: string) => /^\d{4}-\d\d-\d\d$/.test(cell);
const isPointed = (cell: string) => /^-?\d+\.\d+(e-?\d+)?$/i.test(cell);
const mapCells = (sheet: Sheet, change: (cell: string) => string): string[][] =>
  sheet.rows.map((row) => row.map(change));

const dayIn: Record<'mdy' | 'dmy' | 'serial', (day: string) => string> = {
  mdy: (day) => `${Number(day.slice(5, 7))}/${Number(day.slice(8))}/${day.slice(0, 4)}`,
  dmy: (day) => `${day.slice(8)}.${day.slice(5, 7)}.${day.slice(0, 4)}`,
  serial: (day) => String(Date.parse(day) / 86_400_000 + 25_569),
};

/** What a spreadsheet makes of it in a language of its own. */
function resave(sheet: Sheet, order: keyof typeof dayIn, decimal: 'point' | 'comma'): Sheet {
  const change = (cell: string) => {
    if (isDay(cell)) {
      return dayIn[order](cell);
    }
    return decimal === 'comma' && isPointed(cell) ? cell.replace('.', ',') : cell;
  };
  return {
    ...sheet,
    rows: mapCells(sheet, change),
    options: { ...sheet.options, dateOrder: order, decimal },
  };
}

interface Writing {
  delimiter: string;
  hasSeparatorLine: boolean;
  newline: string;
  quotes: boolean;
  mark: string;
  end: string;
}

function csvText(
  { header, rows }: Sheet,
  { delimiter, newline, quotes, mark, end, ...writing }: Writing,
): string {
  const text = Papa.unparse([header, ...rows], { delimiter, newline, quotes });
  return `${mark}${writing.hasSeparatorLine ? `sep=${delimiter}${newline}` : ''}${text}${end}`;
}

const packs: Record<string, (text: string) => Buffer> = {
  plain: (text) => Buffer.from(text),
  gzip: (text) => gzipSync(text),
  // Two members, as appending to a .gz file makes them.
  members: (text) => Buffer.concat([gzipSync(text.slice(0, 50)), gzipSync(text.slice(50))]),
};

async function readBuffer(name: string, bytes: Buffer, options: ExportOptions): Promise<Read> {
  const path = join(scratch, name);
  await writeFile(path, bytes);
  return readSource({ path }, options);
}

const writings = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  hasSeparatorLine: fc.boolean(),
  newline: fc.constantFrom('\n', '\r\n'),
  quotes: fc.boolean(),
  mark: fc.constantFrom('', '\ufeff'),
  end: fc.constantFrom('', '\n', '\r\n', '\n\n'),
});

describe('whatever happens to a file on its way, its totals stay', () => {
  it('in any order, by any spreadsheet, in any writing and packing', async () => {
    const changes = fc.record({
      known: fc.constantFrom(...sheets),
      seed: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      resaved: fc.option(
        fc.tuple(fc.constantFrom('mdy', 'dmy', 'serial'), fc.constantFrom('point', 'comma')),
      ),
      writing: writings,
      pack: fc.constantFrom('plain', 'gzip', 'members'),
    });
    await fc.assert(
      fc.asyncProperty(changes, async ({ known, seed, resaved, writing, pack }) => {
        const start = await sheetOf(known);
        const keys = new Map(start.rows.map((row) => [row, seed.next().value as number]));
        start.rows.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
        const sheet = resaved === null ? start : resave(start, resaved[0], resaved[1]);
        const text = csvText(sheet, writing);
        const result = await readBuffer(
          'any.csv',
          (packs[pack] as (text: string) => Buffer)(text),
          sheet.options,
        );
        const { lines, billed } = totalsOf(result);
        expect([result.format, lines]).toEqual([known.format, known.lines]);
        expect(sameDecimal(billed, known.billed)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('in parts that are read one by one', async () => {
    for (const known of sheets.filter(({ lines }) => lines > 1)) {
      const { header, rows, options } = await sheetOf(known);
      for (let at = 1; at < rows.length; at++) {
        const sum = new DecimalSum();
        let lines = 0;
        for (const part of [rows.slice(0, at), rows.slice(at)]) {
          const text = Papa.unparse([header, ...part]);
          const totals = totalsOf(await readBuffer('part.csv', Buffer.from(text), options));
          sum.add(totals.billed);
          lines += totals.lines;
        }
        expect([known.file, lines]).toEqual([known.file, known.lines]);
        expect(sameDecimal(sum.toString(), known.billed)).toBe(true);
      }
    }
  });

  it('as JSON in lines, in a list, with other spaces, packed', async () => {
    const lists = knownExports.filter(({ file }) =>
      /^(vapi-calls|liveavatar-sessions|calls-of-anybody)\.jsonl?$/.test(file),
    );
    expect(lists.length).toBeGreaterThan(3);
    for (const known of lists) {
      const text = await readFile(sample(known.file), 'utf8');
      const records: unknown[] = known.file.endsWith('l')
        ? text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : JSON.parse(text);
      const backwards = [...records].reverse();
      for (const form of [
        JSON.stringify(backwards),
        JSON.stringify(backwards, null, 4),
        backwards.map((record) => `${JSON.stringify(record)}\r\n`).join(''),
      ]) {
        const result = await readBuffer('any.json', gzipSync(form), known.options ?? {});
        expect(result.format).toBe(known.format);
        expect(Number(totalsOf(result).billed)).toBeCloseTo(Number(known.billed), 12);
      }
    }
  });

  it('as Parquet, in any of its packings', async () => {
    const kinds = { decimals: /Cost$/, instants: /Period(Start|End)$/ };
    for (const known of sheets.filter(({ file }) => /^focus-(1\.[023]|call|correction)/.test(file))) {
      const { header, rows } = await sheetOf(known);
      const plain = rows.map((row) =>
        row.map((cell) => (/e/i.test(cell) && Number(cell) > 0 ? Number(cell).toFixed(12) : cell)),
      );
      for (const codec of ['SNAPPY', 'GZIP', 'BROTLI', 'UNCOMPRESSED'] as const) {
        const result = await readBuffer('any.parquet', writeParquet(header, plain, { ...kinds, codec }), {});
        const { lines, billed } = totalsOf(result);
        expect([known.file, result.format, lines]).toEqual([known.file, 'focus', known.lines]);
        expect(sameDecimal(billed, known.billed)).toBe(true);
      }
    }
  });

  it('as Parquet of many rows and groups, to the last digit', async () => {
    const { header, rows } = await sheetOf(
      knownExports.find(({ file }) => file === 'focus-1.0.csv') as KnownExport,
    );
    const cost = header.indexOf('EffectiveCost');
    const many = Array.from({ length: 40_000 }, (_, n) =>
      (rows[n % 2] ?? []).map((cell, at) => (at === cost ? `${n}.${String(n).padStart(18, '7')}` : cell)),
    );
    const sum = new DecimalSum();
    for (const row of many) {
      sum.add(row[cost] ?? '0');
    }
    const bytes = writeParquet(header, many, {
      decimals: /Cost$/,
      instants: /Period(Start|End)$/,
      codec: 'SNAPPY',
    });
    const result = await readBuffer('many.parquet', bytes, {});
    expect(totalsOf(result)).toEqual({ lines: 40_000, billed: sum.toString() });
    expect(new Set(result.lines.map(({ lineNumber }) => lineNumber)).size).toBe(40_000);
  });

  it('gzip of a known file is what it was', async () => {
    const packed = await readFile(sample('vapi-calls.jsonl.gz'));
    const { lines } = await readBuffer('plain.jsonl', gunzipSync(packed), {});
    expect(lines).toEqual((await read('vapi-calls.jsonl.gz')).lines);
  });
});
