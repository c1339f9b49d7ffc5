import { describe, expect, it } from 'vitest';
import type { QuotaError } from '../../src/errors.ts';
import { readText } from './read-export.ts';

const call = (number: number, more: object = {}) => ({
  id: `call-${number}`,
  started_at: '2026-10-03T16:12:19Z',
  duration_seconds: 60 + number,
  cost: 0.25,
  ...more,
});
const vapiCall = (number: number) => ({
  id: `v-${number}`,
  orgId: 'org-7',
  assistantId: 'a-1',
  startedAt: '2026-10-04T08:00:00.000Z',
  endedAt: '2026-10-04T08:01:30.000Z',
  cost: 0.125,
});
const options = { provider: 'acme' };

async function refusal(reading: Promise<unknown>): Promise<QuotaError> {
  const error = await reading.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ exitCode: 65 });
  return error as QuotaError;
}

describe('a list of calls in something else', () => {
  it.each([
    ['calls', { calls: [call(1), call(2)] }],
    ['data', { data: [call(1), call(2)] }],
    ['results', { total: 2, results: [call(1), call(2)], page: { number: 1 } }],
    ['calls', { calls: [call(1), call(2)], metadata: { currency: 'USD', sorted: ['started_at'] } }],
    ['sessions', { id: 'export-9', created_at: '2026-11-01T00:00:00Z', sessions: [call(1), call(2)] }],
    ['data.calls', { ok: true, data: { calls: [call(1), call(2)], count: 2 } }],
    ['calls', { calls: [call(1, { calls: 7, data: [{ turn: 1 }] }), call(2)], data: { note: 'x' } }],
  ])('is read, and it is told which: %s', async (path, content) => {
    for (const text of [JSON.stringify(content), JSON.stringify(content, null, 2)]) {
      const { format, lines, summary } = await readText(text, options);
      expect(format).toBe('csv');
      expect(lines.map(({ lineNumber, externalId, cost }) => [lineNumber, externalId, cost])).toEqual([
        [1, 'call-1', '0.25'],
        [2, 'call-2', '0.25'],
      ]);
      expect(summary.notices).toContain(`the list "${path}" in it is read`);
    }
  });

  it('is of the provider whose calls it has', async () => {
    const { format, lines, summary } = await readText(JSON.stringify({ calls: [vapiCall(1), vapiCall(2)] }));
    expect(format).toBe('vapi-calls');
    expect(lines.map(({ durationSeconds }) => durationSeconds)).toEqual(['90.000', '90.000']);
    expect(summary.notices).toEqual(['the list "calls" in it is read']);
    for (const format of ['vapi-calls', 'csv'] as const) {
      const named = await readText(JSON.stringify({ calls: [vapiCall(1)] }), { format, provider: 'vapi' });
      expect(named.lines.map(({ externalId }) => externalId)).toEqual(['v-1']);
    }
  });

  it('is read whatever it is called, beside what tells whose answer it is', async () => {
    const session = { session_id: 's-1', status: 'closed', created_at: 1_790_899_199, duration: 59.5 };
    const text = JSON.stringify({ code: 100, message: 'success', data: { list: [session], total: 1 } });
    const { format, lines, summary } = await readText(text);
    expect(format).toBe('heygen-sessions');
    expect(lines.map(({ externalId, durationSeconds }) => [externalId, durationSeconds])).toEqual([
      ['s-1', '59.5'],
    ]);
    expect(summary.notices).toEqual(['the list "data.list" in it is read']);
  });

  it('is read in pages, one after the other, and by mapped names', async () => {
    const page = (number: number) => ({
      items: [{ ref: `r-${number}`, when: '2026-10-03T16:12:19Z', price: 1.5 }],
      hasMore: number < 3,
    });
    const mapping = ['ref=id', 'when=started_at', 'price=cost'];
    const pages = [page(1), page(2), page(3)].map((one) => JSON.stringify(one));
    const all = await readText(pages.join('\n'), { ...options, mapping });
    expect(all.lines.map(({ externalId }) => externalId)).toEqual(['r-1', 'r-2', 'r-3']);
    expect(all.summary.notices).toEqual(['the list "items" in it is read']);
    const cut = await readText(pages.slice(0, 2).join('\n'), { ...options, mapping });
    expect(cut.summary.notices).toContain('the last page says that more pages follow: lines may be missing');
  });

  it('is read to its end, however long it is', async () => {
    const calls = Array.from({ length: 5000 }, (_, number) => call(number));
    const { lines } = await readText(JSON.stringify({ note: 'x'.repeat(3000), calls, count: 5000 }), options);
    expect(lines).toHaveLength(5000);
    expect(lines.at(-1)?.externalId).toBe('call-4999');
  });

  it('is refused with the names of all where there are several, also far behind', async () => {
    const near = await refusal(readText(JSON.stringify({ calls: [call(1)], refunds: [call(2)] }), options));
    expect(near.message).toContain('several lists of records in it: "calls", "refunds"');
    expect(near.suggestion).toContain("jq -c '.calls[]' FILE");
    const calls = Array.from({ length: 3000 }, (_, number) => call(number));
    const far = await refusal(readText(JSON.stringify({ calls, refunds: [call(2)] }), options));
    expect(far.message).toContain('several lists of records in it: "calls", "refunds"');
  });

  it('is refused beside a complaint: it is what was there when it broke off', async () => {
    const { message } = await refusal(
      readText(JSON.stringify({ error: { message: 'timed out' }, calls: [call(1)] }), options),
    );
    expect(message).toContain('an answer that says: "timed out"');
  });

  it('is refused where it ends too early', async () => {
    const { message } = await refusal(
      readText(JSON.stringify({ calls: [call(1), call(2)] }).slice(0, -2), options),
    );
    expect(message).toContain('the file ends inside a list');
  });
});

it('a record that has lists of its own is a record', async () => {
  const records = [1, 2].map((number) => JSON.stringify(call(number, { messages: [{ role: 'user' }] })));
  const { lines, summary } = await readText(records.join('\n'), options);
  expect(lines.map(({ externalId }) => externalId)).toEqual(['call-1', 'call-2']);
  expect(summary.notices).toEqual([]);
});
