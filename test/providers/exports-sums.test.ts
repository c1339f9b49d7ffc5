import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { refusal } from '../files/input.ts';
import { filled, read, readText, sample } from './read-export.ts';

describe('daily aggregates', () => {
  it('reads OpenAI costs from the dashboard: 16 digits, no lines for empty days', async () => {
    const { lines } = await read('openai-costs.csv');
    expect(filled(lines[0])).toEqual({
      lineNumber: 3,
      provider: 'openai',
      kind: 'aggregate',
      model: 'gpt-4o-2024-08-06',
      startedAt: '2025-10-05T00:00:00Z',
      endedAt: '2025-10-06T00:00:00Z',
      cost: '0.8958740000000000',
      currency: 'USD',
      description: 'gpt-4o-2024-08-06, input',
      day: '2025-10-05',
      raw: '{"projectId":"proj_a"}',
      charge: expect.stringMatching(
        /^{"item":"gpt-4o-2024-08-06, input","project":"proj_a","row":"[\w-]{12}"}$/,
      ),
    });
    expect(lines.map(({ cost }) => cost)).toEqual(['0.8958740000000000', '0.0000120000000000', '0.000012']);
  });

  it('reads OpenAI activity: whole numbers printed as floats, a model twice a day', async () => {
    const { lines } = await read('openai-usage.csv');
    expect(
      lines.map(({ model, quantity, unit, day, cost }) => ({ model, quantity, unit, day, cost })),
    ).toEqual([
      { model: 'gpt-4o-2024-08-06', quantity: '10', unit: 'request', day: '2025-10-05', cost: null },
      { model: 'gpt-4o-2024-08-06', quantity: '3', unit: 'request', day: '2025-10-05', cost: null },
    ]);
    expect(JSON.parse(lines[1]?.raw ?? '')).toMatchObject({
      apiKeyId: 'key_2',
      input_tokens: 120,
      input_cached_tokens: 64,
    });
    const [transcription] = (await read('openai-transcriptions.csv')).lines;
    expect(transcription).toMatchObject({ model: 'whisper-1', quantity: '4', durationSeconds: '367.0' });
  });

  it('reads the answers of the costs API, whose amounts are numbers or text', async () => {
    const { lines, summary } = await read('openai-costs.json');
    expect(
      lines.map(({ lineNumber, day, cost, model, raw }) => ({ lineNumber, day, cost, model, raw })),
    ).toEqual([
      {
        lineNumber: 1,
        day: '2025-10-05',
        cost: '0.8958740000000000',
        model: 'gpt-4o-2024-08-06',
        raw: '{"projectId":"proj_a"}',
      },
      { lineNumber: 2, day: '2025-10-05', cost: '0.06', model: null, raw: '{"projectId":"proj_b"}' },
    ]);
    expect(summary.notices).toHaveLength(1);
    const usage = (await readFile(sample('openai-costs.json'), 'utf8')).replaceAll(
      'costs.result',
      'usage.completions.result',
    );
    expect((await refusal(readText(usage))).detail).toContain(
      'holds organization.usage.completions.result, not costs',
    );
  });

  it('reads Anthropic amounts as cents', async () => {
    const { lines } = await read('anthropic-cost-report.json');
    expect(filled(lines[0])).toEqual({
      lineNumber: 1,
      provider: 'anthropic',
      kind: 'aggregate',
      model: 'claude-sonnet-4-20250514',
      startedAt: '2026-10-01T00:00:00Z',
      endedAt: '2026-10-02T00:00:00Z',
      cost: '1.2345',
      currency: 'USD',
      description: 'Claude Sonnet 4 Usage - Input Tokens',
      day: '2026-10-01',
      raw: '{"costType":"tokens","tokenType":"uncached_input_tokens","serviceTier":"standard"}',
      charge: expect.stringMatching(
        /^{"item":"","model":"claudesonnet4","row":"[\w-]{12}","tokens":"uncached_input_tokens"}$/,
      ),
    });
    expect(lines[1]).toMatchObject({ cost: '0.003', model: null });
  });
});

describe('FOCUS', () => {
  it('takes the effective cost, also of what was prepaid, and sees calls, sums and fees', async () => {
    const { lines } = await read('focus-1.2.csv');
    expect(
      lines.map(({ kind, cost, day, externalId, durationSeconds }) => ({
        kind,
        cost,
        day,
        externalId,
        durationSeconds,
      })),
    ).toEqual([
      { kind: 'fee', cost: '0.00', day: null, externalId: null, durationSeconds: null },
      {
        kind: 'call',
        cost: '0.2673',
        day: null,
        externalId: '019aa141-0001-7775-8d7e-006f2a64e501',
        durationSeconds: '172',
      },
      { kind: 'aggregate', cost: '1.2', day: '2026-10-31', externalId: null, durationSeconds: '750.0' },
      { kind: 'aggregate', cost: '0.00000352', day: '2026-10-04', externalId: null, durationSeconds: null },
      { kind: 'fee', cost: '16.00', day: null, externalId: null, durationSeconds: null },
      { kind: 'fee', cost: '-5.00', day: null, externalId: null, durationSeconds: null },
    ]);
    expect(lines[0]?.raw).toBe(
      '{"chargeCategory":"Purchase","invoiceId":"INV-1","provider":"VAPI","billedCost":200.00}',
    );
    expect(lines[2]).toMatchObject({
      startedAt: '2026-10-31T00:00:00Z',
      endedAt: '2026-11-01T00:00:00Z',
      assistantId: 'assistant-7',
    });
    expect(lines.every(({ provider, currency }) => provider === 'vapi' && currency === 'USD')).toBe(true);
  });

  it('takes corrections and refunds of a call for credits, and eats tags, line ends and the byte order mark', async () => {
    const { lines, summary } = await read('focus-prepaid.csv');
    expect(lines.map(({ kind, externalId, cost }) => [kind, externalId, cost])).toEqual([
      ['fee', null, '0.00'],
      ['call', 'call-1', '0.2673'],
      ['call', 'call-2', '0.1800'],
      ['fee', null, '-0.1800'],
      ['fee', null, '0.0020'],
      ['fee', null, '-0.0001'],
      ['fee', null, '95.00'],
    ]);
    expect(lines[2]?.durationSeconds).toBe('120');
    expect(summary.notices).toEqual([]);
  });

  it('knows its words in any case, and between blanks', async () => {
    const text = `ChargeCategory,ChargeClass,ChargePeriodStart,ChargePeriodEnd,EffectiveCost,BillingCurrency,ProviderName,ResourceId
USAGE,,2026-10-03T16:12:19Z,2026-10-03T16:14:39Z,0.05,usd,Vapi,c-1
 usage , correction ,2026-10-03T16:12:19Z,2026-10-03T16:14:39Z,0.02, USD ,Vapi,c-1
`;
    const { lines } = await readText(text);
    expect(lines.map(({ kind, currency }) => [kind, currency])).toEqual([
      ['call', 'USD'],
      ['fee', 'USD'],
    ]);
  });

  it('tells of sums of more than a day: their days cannot be compared', async () => {
    const text = (await readFile(sample('focus-1.2.csv'), 'utf8')).replace(
      '2026-11-01T00:00:00Z,2026-10-31T00:00:00Z',
      '2026-11-01T00:00:00Z,2026-10-01T00:00:00Z',
    );
    expect((await readText(text)).summary.notices).toEqual([
      '1 sums are of more than a day; each is compared with the logs of its first day',
    ]);
  });

  it('prefers the names of 1.3', async () => {
    const [line] = (await read('focus-1.3.csv')).lines;
    expect(line).toMatchObject({
      provider: 'openai',
      currency: 'EUR',
      model: 'gpt-4o',
      quantity: '120',
      unit: 'requests',
    });
  });

  it('keeps the provider of each line, whatever is expected', async () => {
    const rename = async (name: string) =>
      (await readFile(sample('focus-1.2.csv'), 'utf8')).replaceAll('VAPI', name);
    const provider = 'vapi';
    expect((await readText(await rename('"Vapi, Inc."'), { provider })).lines[0]?.provider).toBe('vapi');
    expect((await readText(await rename('Voice Corp.'), { provider })).lines[0]?.provider).toBe('voicecorp');
  });

  it('refuses spreadsheet values with line and column, unless told the date order', async () => {
    const error = await refusal(read('focus-from-a-spreadsheet.csv'));
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain('2 lines cannot be read');
    expect(error.detail).toContain('line 2, column BilledCost: "$1,250.00 " has a currency sign');
    expect(error.suggestion).toContain('--date-order');
    const { lines } = await read('focus-from-a-spreadsheet.csv', { dateOrder: 'mdy' });
    expect(lines.map(({ cost, startedAt, endedAt }) => ({ cost, startedAt, endedAt }))).toEqual([
      { cost: '1250.00', startedAt: '2026-10-01T00:00:00Z', endedAt: '2027-10-01T00:00:00Z' },
      { cost: '0.50', startedAt: '2026-10-02T00:00:00Z', endedAt: '2026-10-03T00:00:00Z' },
    ]);
    const [first] = (await read('focus-from-a-spreadsheet.csv', { dateOrder: 'dmy' })).lines;
    expect(first?.startedAt).toBe('2026-01-10T00:00:00Z');
  });
});
