import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BillingLine } from '../../src/providers/exports/billing-line.ts';
import { exportFormats } from '../../src/providers/exports/export-reader.ts';
import { exportReaders } from '../../src/providers/exports/recognise-export.ts';
import { refusal } from '../files/input.ts';
import { read, readSource, readText, sample } from './read-export.ts';

describe('recognising', () => {
  it.each([
    ['vapi-calls.jsonl', 'vapi-calls', 4],
    ['vapi-calls.json', 'vapi-calls', 4],
    ['vapi-calls-v2.json', 'vapi-calls', 4],
    ['vapi-calls.jsonl.gz', 'vapi-calls', 4],
    ['heygen-list.json', 'heygen-sessions', 3],
    ['heygen-data-data.json', 'heygen-sessions', 3],
    ['heygen-sessions.json', 'heygen-sessions', 3],
    ['liveavatar-page.json', 'liveavatar-sessions', 3],
    ['liveavatar-sessions.json', 'liveavatar-sessions', 3],
    ['liveavatar-sessions.jsonl', 'liveavatar-sessions', 3],
    ['openai-costs.csv', 'openai-costs-csv', 3],
    ['openai-usage.csv', 'openai-usage-csv', 2],
    ['openai-transcriptions.csv', 'openai-usage-csv', 1],
    ['openai-costs.json', 'openai-costs', 2],
    ['anthropic-cost-report.json', 'anthropic-costs', 2],
    ['focus-1.2.csv', 'focus', 6],
    ['focus-1.3.csv', 'focus', 1],
    ['focus-prepaid.csv', 'focus', 7],
  ])('%s is %s, from a path and from stdin', async (name, format, count) => {
    const fromPath = await read(name);
    expect(fromPath.format).toBe(format);
    expect(fromPath.lines).toHaveLength(count);
    expect(fromPath.summary).toMatchObject({ lines: count, badLines: 0 });
    expect(fromPath.summary.sha256).toBe(
      createHash('sha256')
        .update(readFileSync(sample(name)))
        .digest('hex'),
    );
    const fromStdin = await readSource({
      path: '-',
      stdin: createReadStream(sample(name), { highWaterMark: 100 }),
    });
    expect(fromStdin).toEqual(fromPath);
    expect(new Set(fromPath.lines.map(({ lineNumber }) => lineNumber)).size).toBe(count);
  });

  it('gives the same calls from every layout', async () => {
    const unnumbered = ({ lines }: { lines: BillingLine[] }) =>
      lines.map((line) => ({ ...line, lineNumber: 0 }));
    const calls = unnumbered(await read('vapi-calls.jsonl'));
    for (const name of ['vapi-calls.json', 'vapi-calls-v2.json', 'vapi-calls.jsonl.gz']) {
      expect(unnumbered(await read(name))).toEqual(calls);
    }
    const sessions = unnumbered(await read('heygen-list.json'));
    expect(unnumbered(await read('heygen-data-data.json'))).toEqual(sessions);
    expect(unnumbered(await read('heygen-sessions.json'))).toEqual(sessions);
    const pages = unnumbered(await read('liveavatar-page.json'));
    expect(unnumbered(await read('liveavatar-sessions.json'))).toEqual(pages);
  });

  it('has one reader for every format', () => {
    expect(exportReaders.map(({ format }) => format).sort()).toEqual([...exportFormats].sort());
  });

  it.each([
    ['an unknown object', '{"hello":"world"}\n', 'the format is not recognised'],
    ['an empty list', '[]', 'nothing in it by which to recognise'],
    ['words', 'Dear customer,\nyour invoice\n', 'no column says when; the header is "Dear customer,"'],
  ])('does not recognise %s', async (_, text, message) => {
    const error = await refusal(readText(text));
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain(message);
    expect(error.suggestion).toContain('--');
  });

  it('reads an empty list when told what it is', async () => {
    expect((await readText('[]', { format: 'vapi-calls' })).lines).toEqual([]);
    expect((await readText('{"results":[],"metadata":{}}')).format).toBe('vapi-calls');
    expect((await readText('{"code":100,"data":{"data":[],"total":0},"message":"ok"}')).format).toBe(
      'heygen-sessions',
    );
    expect((await readText('{"code":100,"data":{"results":[]}}')).format).toBe('liveavatar-sessions');
  });

  it('refuses the export of another provider, and a format that the file is not', async () => {
    const other = await refusal(read('vapi-calls.jsonl', { provider: 'openai' }));
    expect(other.message).toContain('is an export of vapi, not of openai');
    expect(other.exitCode).toBe(65);
    expect((await refusal(read('vapi-calls.jsonl', { format: 'focus' }))).message).toContain(
      'the file is JSON, not CSV',
    );
    expect((await refusal(read('focus-1.2.csv', { format: 'vapi-calls' }))).detail).toContain(
      'line 1, column 1: expected a JSON object',
    );
    expect((await refusal(read('focus-1.2.csv', { format: 'nothing' as 'csv' }))).exitCode).toBe(2);
  });
});
