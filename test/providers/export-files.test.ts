import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../files/input.ts';
import { readSource, sample } from './read-export.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'quota-files-'));
});
afterAll(() => rm(scratch, { recursive: true }));

const from = (path: string) => readSource({ path: join(scratch, path) });
const costs = (path: string) => from(path).then(({ lines }) => lines.map(({ cost }) => cost));

const head =
  'BilledCost,EffectiveCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ProviderName\n';
const row = (day: number, cost: string) =>
  `${cost},${cost},USD,Usage,2026-10-0${day}T00:00:00Z,2026-10-0${day + 1}T00:00:00Z,Solora\n`;

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(scratch, path, '..'), { recursive: true });
  await writeFile(join(scratch, path), content);
}

describe('an export of several files', () => {
  it('is what the manifest of a cloud names, wherever the files were put', async () => {
    const azure = {
      blobs: [{ blobName: 'focus/2026/part_0.csv', byteCount: 1 }, { blobName: 'focus/2026/part_1.csv' }],
    };
    await write('azure/manifest.json', JSON.stringify(azure));
    await write('azure/part_0.csv', head + row(1, '1.5'));
    await write('azure/focus/2026/part_1.csv', head + row(2, '2.5'));
    expect(await costs('azure/manifest.json')).toEqual(['1.5', '2.5']);
    expect(await costs('azure')).toEqual(['1.5', '2.5']);

    const older = { reportKeys: ['reports/x-1.csv.gz', 'reports/x-2.csv.gz'] };
    await write('older/meta/x-Manifest.json', JSON.stringify(older));
    await write('older/reports/x-1.csv.gz', gzipSync(head + row(1, '1')));
    await write('older/reports/x-2.csv.gz', gzipSync(head + row(2, '2') + row(3, '3')));
    const { lines, summary } = await from('older/meta/x-Manifest.json');
    expect(lines.map(({ lineNumber, cost }) => [lineNumber, cost])).toEqual([
      [2, '1'],
      [4, '2'],
      [5, '3'],
    ]);
    expect(summary).toMatchObject({ lines: 3, leftOut: { lines: 0 } });
  });

  it('is a folder of parts, and the same whatever the parts are called', async () => {
    await write('parts/part-00000.csv', head + row(1, '1'));
    await write('parts/part-00001.csv', head + row(2, '2'));
    await write('parts/_SUCCESS', '');
    await write('swapped/part-00007.csv', head + row(2, '2'));
    await write('swapped/part-00008.csv', head + row(1, '1'));
    const [one, other] = [await from('parts'), await from('swapped')];
    expect(one.summary.sha256).toBe(other.summary.sha256);
    expect(one.summary.bytes).toBe(other.summary.bytes);
  });

  it('names the file of what cannot be read', async () => {
    await write('bad/part-00000.csv', head + row(1, '1'));
    await write('bad/part-00001.csv', head + row(2, 'two'));
    const error = await refusal(from('bad'));
    expect(error.detail).toContain('part-00001.csv, line 2, column BilledCost: "two" is not a number');
  });

  it.each([
    [
      'a file that is not there',
      { dataFiles: ['s3://b/x/one.csv', 's3://b/x/two.csv'] },
      /names 2 files, and 1 of them/,
    ],
    [
      'another format among them',
      { files: [{ path: 'one.csv' }, { path: 'calls.jsonl' }] },
      /calls\.jsonl is vapi-calls/,
    ],
  ])('refuses %s', async (_, manifest, message) => {
    await write('mixed/one.csv', head + row(1, '1'));
    await cp(sample('vapi-calls.jsonl'), join(scratch, 'mixed/calls.jsonl'));
    await write('mixed/manifest.json', JSON.stringify(manifest));
    expect((await refusal(from('mixed/manifest.json'))).message).toMatch(message);
  });

  it('refuses a folder of other things', async () => {
    await write('folder/notes.csv', head + row(1, '1'));
    await write('folder/more.csv', head + row(1, '1'));
    const error = await refusal(from('folder'));
    expect(error.message).toContain('is a folder, not a file');
  });
});

describe('Parquet', () => {
  it('that is cut off or no Parquet is refused', async () => {
    const bytes = await readFile(sample('focus-1.0.snappy.parquet'));
    await writeFile(join(scratch, 'cut.parquet'), bytes.subarray(0, 2000));
    expect((await refusal(from('cut.parquet'))).message).toContain('the Parquet file cannot be read');
    const piped = readSource({
      path: '-',
      stdin: (async function* () {
        yield bytes;
      })(),
    });
    expect((await refusal(piped)).suggestion).toBe('give its path: it is not read in order');
  });
});
