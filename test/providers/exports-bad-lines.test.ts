import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openRejectsFile } from '../../src/files/rejects-file.ts';
import { openExport } from '../../src/providers/exports/open-export.ts';
import { refusal } from '../files/input.ts';
import { read, readSource, sample } from './read-export.ts';

describe('bad lines', () => {
  it('refuses all values that a careful reader does not guess', async () => {
    const error = await refusal(read('bad/spreadsheet-values.csv', { provider: 'vapi' }));
    expect(
      error.detail?.split('\n').map((line) => line.replace(sample('bad/spreadsheet-values.csv'), 'FILE')),
    ).toEqual([
      'FILE, line 3, column cost: "$0.10" has a currency sign',
      'FILE, line 4, column cost: "1,000.00" has thousands separators',
      'FILE, line 5, column started_at: "4/1/25" is an ambiguous date: day and month could be either way round',
      'FILE, line 6, column started_at: "2026-10-15T14:09:51" has no time zone',
      'FILE, line 7, column cost: "0,10" has a decimal comma',
    ]);
    for (const flag of ['--date-order', '--assume-utc', '--skip-invalid']) {
      expect(error.suggestion).toContain(flag);
    }
  });

  it('skips them on request into a rejects file that has the original lines', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quota-rejects-'));
    try {
      const path = join(folder, 'rejects.ndjson');
      const rejects = openRejectsFile(path);
      const options = { provider: 'vapi', skipInvalid: true, onReject: rejects.onReject };
      const { lines, summary } = await read('bad/spreadsheet-values.csv', options);
      rejects.close();
      expect(lines.map(({ externalId }) => externalId)).toEqual(['a']);
      expect(summary).toMatchObject({ lines: 1, badLines: 5 });
      const written = (await readFile(path, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const original = (await readFile(sample('bad/spreadsheet-values.csv'), 'utf8')).trim().split('\n');
      expect(written.map(({ text }) => text)).toEqual(original.slice(2));
      expect(written[0]).toMatchObject({ line: 3, column: 'cost', reason: '"$0.10" has a currency sign' });
      const mended = join(folder, 'mended.csv');
      await writeFile(mended, [original[0], ...written.map(({ text }) => text.replace('$', ''))].join('\n'));
      expect(
        (await readSource({ path: mended }, { provider: 'vapi', skipInvalid: true })).lines,
      ).toHaveLength(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses truncated JSON and mixed formats with line and column', async () => {
    const truncated = await refusal(read('bad/truncated-list.json'));
    expect(truncated.message).toContain('line 2, column 80: the file ends inside this record');
    const skipping = await refusal(read('bad/truncated-list.json', { skipInvalid: true }));
    expect(skipping.message).toBe(truncated.message);
    const mixed = await refusal(read('bad/mixed-formats.jsonl'));
    expect(mixed.detail).toContain('line 2, column id: is missing: this is not a VAPI call');
    expect(mixed.detail).toContain('line 3, column 1: expected a JSON object, found id,cost,star');
  });

  it('finds one bad row in a million, in time and in little memory', async () => {
    const row = (i: number) =>
      `call-${i},2026-10-15T14:09:51.259Z,2026-10-15T14:13:59.202Z,${i === 765_432 ? '0.1O' : '0.1931'}\n`;
    function* rows() {
      yield 'id,started_at,ended_at,cost\n';
      for (let from = 0; from < 1_000_000; from += 1000) {
        yield Array.from({ length: 1000 }, (_, i) => row(from + i)).join('');
      }
    }
    const opened = await openExport(
      { path: '-', stdin: Readable.from(rows()).map((text: string) => Buffer.from(text)) },
      { provider: 'vapi' },
    );
    let seen = 0;
    const reading = (async () => {
      for await (const batch of opened.batches()) {
        seen += batch.length;
      }
    })();
    const error = await refusal(reading);
    await opened.close();
    expect(error.detail).toBe('stdin, line 765434, column cost: "0.1O" is not a number');
    expect(seen).toBeLessThan(765_434);
  });
});
