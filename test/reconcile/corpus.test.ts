import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Papa from 'papaparse';
import { beforeEach, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { type KnownExport, knownExports } from '../providers/corpus.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perFile(new MonthDesk());

beforeEach(forget);

/** As if no bill had ever come. */
async function forget(): Promise<void> {
  for (const table of [
    ...[
      'reconciliation_exports',
      'reconciliation_items',
      'reconciliation_matches',
      'discrepancies',
      'reconciliations',
    ],
    ...['billing_lines', 'billing_exports'],
  ]) {
    await desk.query(`delete from quota.${table}`);
  }
}

const pathOf = (file: string) => join(process.cwd(), 'fixtures/exports', file);

function optionsOf({ month, options = {} }: KnownExport): string[] {
  const { provider, dateOrder, decimal } = options;
  return [
    ...['--month', month],
    ...(provider === undefined ? [] : ['--provider', provider]),
    ...(dateOrder === undefined ? [] : ['--date-order', dateOrder]),
    ...(decimal === undefined ? [] : ['--decimal', decimal]),
  ];
}

/** What a month comes to with these files, given one after the other; of a bill without amounts its seconds. */
async function billed(known: KnownExport, files: readonly string[]): Promise<number[]> {
  let answer: { totals: { billed: string }; quantities: { billed: string } | null } | undefined;
  for (const file of files) {
    const { stdout, stderr } = await desk.run('reconcile', ...optionsOf(known), '--export', file, '--json');
    if (stdout === '') {
      throw new Error(stderr);
    }
    answer = JSON.parse(stdout);
  }
  return [answer?.totals.billed, answer?.quantities?.billed ?? '0'].map(Number);
}

const files = knownExports.filter(({ file, lines }) => lines > 0 && /\.(csv|tsv|jsonl|json)$/.test(file));

describe('a known file, however often and in however many parts', () => {
  test.each(files.map((known) => [known.file, known] as const))(
    'comes to the same: %s',
    async (file, known) => {
      const whole = await billed(known, [pathOf(file)]);
      await forget();
      expect(await billed(known, [pathOf(file)])).toEqual(whole); // Of files of several parts, which are not changed, all.
      await forget();
      const text = file.endsWith('.json') && file.includes('/') ? '' : readFileSync(pathOf(file), 'utf8');
      if (text !== '') {
        const packed = desk.write('again.gz', gzipSync(text));
        expect(await billed(known, [packed, pathOf(file)])).toEqual(whole);
      }
      if (/\.(csv|tsv)$/.test(file) && !file.startsWith('excel')) {
        const [header = [], ...rows] = Papa.parse<string[]>(text.replace(/^\ufeff/, ''), {
          skipEmptyLines: true,
        }).data;
        const parts = [rows.filter((_, at) => at % 2 === 0), rows.filter((_, at) => at % 2 === 1)];
        const halves = parts.map((part, at) => desk.write(`half-${at}.csv`, Papa.unparse([header, ...part])));
        const [month] = known.month.split('-');
        expect(month).toBeTruthy();
        const withLines = halves.filter((_, at) => hasMonth(parts[at] ?? [], known.month));
        await forget();
        expect(await billed(known, withLines.reverse())).toEqual(whole);
      }
    },
  );
});

test('an export of several files is one export, however it is named and however often it comes', async () => {
  const manifest = 'fixtures/exports/focus-manifest/metadata/BILLING_PERIOD=2026-10/focus-Manifest.json';
  const folder = 'fixtures/exports/focus-manifest/data/BILLING_PERIOD=2026-10';
  for (const path of [manifest, folder, manifest]) {
    const { data } = await desk.answer('reconcile', '--month', '2026-10', '--export', path);
    expect([path, Number(data.totals.billed), data.exports.length]).toEqual([path, 86.57, 1]);
  }
  expect(await desk.query('select source, lines from quota.billing_exports')).toEqual([
    { source: manifest, lines: 3 },
  ]);
});

/** A part without any day of the month is refused as one of another month. */
const hasMonth = (rows: readonly string[][], month: string): boolean => {
  const [from, until] = [Date.parse(`${month}-01`) / 1000, Date.parse(`${month}-31`) / 1000 + 86_400];
  return rows.some((row) =>
    row.some(
      (cell) =>
        cell.startsWith(month) || (/^\d{10}$/.test(cell) && Number(cell) >= from && Number(cell) < until),
    ),
  );
};
