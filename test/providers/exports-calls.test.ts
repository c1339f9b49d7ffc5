import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { refusal } from '../files/input.ts';
import { filled, read, readSource, readText, sample } from './read-export.ts';

describe('VAPI calls', () => {
  it('reads a call with the digits of the file', async () => {
    const { lines } = await read('vapi-calls.jsonl');
    expect(filled(lines[0])).toEqual({
      lineNumber: 1,
      provider: 'vapi',
      kind: 'call',
      externalId: '019aa141-0001-7775-8d7e-006f2a64e501',
      assistantId: '90292165-2fa1-4d65-bf93-3587442995fa',
      status: 'ended',
      createdAt: '2026-10-15T14:09:47.486Z',
      startedAt: '2026-10-15T14:09:51.259Z',
      endedAt: '2026-10-15T14:13:59.202Z',
      durationSeconds: '247.943',
      cost: '0.8958740000000000',
      currency: 'USD',
      raw: '{"type":"webCall","endedReason":"assistant-ended-call","costBreakdown":{"transport":0,"stt":0.0385,"llm":0.0577,"tts":0.0962,"vapi":0.1924,"total":0.8958740000000000}}',
    });
    expect(lines[3]).toMatchObject({ assistantId: null, durationSeconds: '30.501', cost: '0.0000001' });
    expect(lines[3]?.raw).toContain('"costs":[{"type":"vapi","minutes":0.5,"cost":1e-7}]');
  });

  it('reads calls that never connected, and that have not ended', async () => {
    const { lines } = await read('vapi-calls.jsonl');
    expect(lines[1]).toMatchObject({ status: 'ended', startedAt: null, durationSeconds: null, cost: '0' });
    expect(lines[2]).toMatchObject({
      status: 'in-progress',
      endedAt: null,
      durationSeconds: null,
      cost: null,
    });
  });

  it('reads a whole month to the last digit', async () => {
    const { lines } = await readSource({ path: 'fixtures/voice-2026-10/vapi-calls.jsonl' });
    const expected = JSON.parse(await readFile('fixtures/voice-2026-10/expected.json', 'utf8'));
    expect(lines).toHaveLength(expected.lines);
    expect(lines.map(({ lineNumber }) => lineNumber)).toEqual(lines.map((_, index) => index + 1));
    const kinds: Array<{ billed: string }> = Object.values(expected.kinds);
    const tenThousandths = (cost: string) => Math.round(Number(cost) * 10_000);
    const billed = kinds.reduce((sum, kind) => sum + tenThousandths(kind.billed), 0);
    expect(lines.reduce((sum, { cost }) => sum + tenThousandths(cost ?? '0'), 0)).toBe(billed);
    const inMemory = (await readFile('fixtures/voice-2026-10/vapi-calls.jsonl', 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const [index, call] of inMemory.entries()) {
      const line = lines[index];
      expect(line).toMatchObject({
        externalId: call.id,
        startedAt: call.startedAt ?? null,
        endedAt: call.endedAt ?? null,
      });
      expect(Number(line?.cost)).toBe(call.cost ?? 0);
      const seconds =
        call.endedAt && call.startedAt ? (Date.parse(call.endedAt) - Date.parse(call.startedAt)) / 1000 : 0;
      expect(Number(line?.durationSeconds)).toBe(seconds);
    }
  });

  it('gives notice of pages that are missing', async () => {
    const page =
      '{"results":[{"id":"a","createdAt":"2026-10-15T14:09:47.486Z"}],"metadata":{"hasNextPage":true}}';
    expect((await readText(page)).summary.notices).toEqual([
      'the last page says that more pages follow: lines may be missing',
    ]);
    expect((await readText(`${page}\n${page.replace('true', 'false')}`)).summary.notices).toEqual([]);
  });

  it.each([
    ['a call without id', '{"orgId":"o","createdAt":"2026-10-15T14:09:47Z"}', 'column id: is missing'],
    ['a time that is none', '{"id":"a","createdAt":"soon"}', 'column createdAt: "soon" is not an instant'],
    [
      'an end before the start',
      '{"id":"a","startedAt":"2026-10-15T14:09:47Z","endedAt":"2026-10-15T14:09:46Z"}',
      'column endedAt: is before startedAt',
    ],
    [
      'a cost that is none',
      '{"id":"a","createdAt":"2026-10-15T14:09:47Z","cost":"$1"}',
      'column cost: "$1" has a currency sign',
    ],
    ['neither creation nor start', '{"id":"a","createdAt":null}', 'column createdAt: is empty'],
  ])('refuses %s', async (_, text, message) => {
    const error = await refusal(readText(`${text}\n`, { format: 'vapi-calls' }));
    expect(error.detail).toContain(`stdin, line 1, ${message}`);
  });
});

describe('avatar sessions', () => {
  it('reads HeyGen sessions: Unix seconds, duration as streamed', async () => {
    const { lines } = await read('heygen-list.json');
    expect(filled(lines[1])).toEqual({
      lineNumber: 2,
      provider: 'heygen',
      kind: 'call',
      externalId: 'hg-0002',
      assistantId: 'Wayne_20240711',
      status: 'ended',
      createdAt: '2025-10-06T00:00:00Z',
      startedAt: '2025-10-06T00:00:00Z',
      endedAt: '2025-10-06T00:01:35.5Z',
      durationSeconds: '95.5',
      currency: 'USD',
      raw: '{"status":"closed","avatarId":"Wayne_20240711"}',
    });
    expect(lines[2]).toMatchObject({ status: 'in-progress', endedAt: null, durationSeconds: null });
  });

  it('tells where pages have fewer sessions than there are', async () => {
    const session = (id: string) =>
      `{"session_id":"${id}","status":"closed","created_at":1790812800,"duration":60,"avatar_id":"v"}`;
    const page = (...ids: string[]) =>
      `{"code":100,"data":{"data":[${ids.map(session).join(',')}],"total":3},"message":"Success"}\n`;
    const said = [expect.stringContaining('there are 3 records, and have 2')];
    expect((await readText(page('a') + page('b'))).summary.notices).toEqual(said);
    expect((await readText(page('a', 'b') + page('c'))).summary.notices).toEqual([]);
  });

  it('refuses what HeyGen answers when it fails, and milliseconds', async () => {
    const failed = await refusal(read('bad/heygen-unauthorized.json'));
    expect(failed.message).toContain('the provider answered with code "400112": "Unauthorized"');
    const millis = '{"session_id":"a","status":"closed","created_at":1759622400000,"duration":1}\n';
    expect((await refusal(readText(millis))).detail).toContain(
      'column created_at: "1759622400000" looks like milliseconds',
    );
  });

  it('reads LiveAvatar sessions with their credits', async () => {
    const { lines, summary } = await read('liveavatar-page.json');
    expect(filled(lines[0])).toEqual({
      lineNumber: 1,
      provider: 'liveavatar',
      kind: 'call',
      externalId: 'la-0001',
      status: 'ended',
      createdAt: '2026-10-03T13:12:46.005123Z',
      startedAt: '2026-10-03T13:12:46.005123Z',
      endedAt: '2026-10-03T13:14:46.005123Z',
      durationSeconds: '120',
      quantity: '4',
      unit: 'credit',
      currency: 'USD',
      raw: '{"mode":"FULL","source":"WEB","isSandbox":false}',
    });
    expect(lines[1]).toMatchObject({
      durationSeconds: '90.25',
      quantity: '0',
      endedAt: '2026-10-04T08:01:30.25Z',
    });
    expect(lines[2]).toMatchObject({
      status: 'in-progress',
      durationSeconds: null,
      quantity: null,
      unit: null,
    });
    expect(summary.notices).toEqual([]);
    const page = (await readFile(sample('liveavatar-page.json'), 'utf8')).replace(
      '"next": null',
      '"next": "https://…/?page=2"',
    );
    expect((await readText(page)).summary.notices).toHaveLength(1);
  });
});

describe('any CSV', () => {
  const mapping = [
    'Call ID=id',
    'Assistant=assistant_id',
    'Started=started_at',
    'Ended=ended_at',
    'Minutes=duration_minutes',
    'Cost (USD)=cost',
    'Note=description',
  ];

  it('reads columns by mapping', async () => {
    const { format, lines } = await read('dashboard.csv', {
      mapping,
      provider: 'vapi',
      feesWithoutDate: true,
    });
    expect(format).toBe('csv');
    expect(filled(lines[0])).toEqual({
      lineNumber: 2,
      provider: 'vapi',
      kind: 'call',
      externalId: '019aa141-0001-7775-8d7e-006f2a64e501',
      assistantId: '90292165-2fa1-4d65-bf93-3587442995fa',
      status: 'ended',
      startedAt: '2026-10-15T14:09:51.259Z',
      endedAt: '2026-10-15T14:13:59.202Z',
      durationSeconds: '247.9440',
      cost: '0.3847',
      currency: 'USD',
      description: 'a "quoted" note, with a comma',
    });
    expect(lines[1]).toMatchObject({
      startedAt: '2026-10-16T07:51:57.751Z',
      endedAt: null,
      durationSeconds: null,
      cost: '0',
    });
    expect(lines[2]).toMatchObject({
      kind: 'fee',
      externalId: null,
      status: null,
      cost: '29.00',
      description: 'Phone numbers',
    });
  });

  it('reads JSON objects of calls the same way, when told so', async () => {
    const json = '[{"call":"a","startedAt":"2026-10-01T00:00:00Z","duration_ms":1500,"cost":0.10}]';
    const { lines } = await readText(json, { format: 'csv', provider: 'vapi', mapping: ['call=id'] });
    expect(lines[0]).toMatchObject({
      externalId: 'a',
      durationSeconds: '1.500',
      cost: '0.10',
      lineNumber: 1,
    });
  });

  it('reads our own names without a mapping, and other words for a status', async () => {
    const csv =
      'provider,providerCallId,startedAt,endedAt,cost,status,day\nHeyGen,a,2026-10-01T00:00:00Z,2026-10-01T00:00:01.5Z,0.1,closed,\nopenai,,,,0.2,,2026-10-02\n';
    const { lines } = await readText(csv);
    expect(lines[0]).toMatchObject({
      provider: 'heygen',
      externalId: 'a',
      durationSeconds: '1.500',
      status: 'ended',
      day: null,
    });
    expect(lines[1]).toMatchObject({
      provider: 'openai',
      kind: 'aggregate',
      day: '2026-10-02',
      startedAt: '2026-10-02T00:00:00Z',
    });
  });

  it('knows the provider that is expected, however it is written', async () => {
    const csv = 'id,started_at,cost,provider\na,2026-10-01T00:00:00Z,0.1,Azure OpenAI\n';
    for (const [provider, ours] of [
      ['azure-openai', 'azure-openai'],
      ['azure_openai', 'azure_openai'],
      [undefined, 'azureopenai'],
    ]) {
      const { lines } = await readText(csv, provider === undefined ? {} : { provider });
      expect(lines[0]?.provider).toBe(ours);
    }
  });

  it('says so where all that was charged is below zero', async () => {
    const text = (...costs: string[]) =>
      `id,started_at,cost\n${costs.map((cost, at) => `c-${at},2026-10-01T00:00:00Z,${cost}\n`).join('')}`;
    const noticesOf = async (...costs: string[]) =>
      (await readText(text(...costs), { provider: 'acme' })).summary.notices;
    expect(await noticesOf('-0.0147', '0', '-0.02')).toEqual([
      expect.stringContaining('all 2 amounts are below zero'),
    ]);
    expect(await noticesOf('-0.0147', '0.01')).toEqual([]);
  });

  it('reads what stands between blanks as it stands without', async () => {
    const csv =
      'id, assistant_id, started_at, cost, currency\n c-1 , bot , 2026-10-01T00:00:00Z , 0.1 , usd \nc-1,bot,2026-10-01T00:00:00Z,0.1,USD\n';
    const { lines } = await readText(csv, { provider: 'acme' });
    expect({ ...lines[0], lineNumber: 3 }).toEqual(lines[1]);
  });

  it.each([
    ['duration_minutes', '-2', '', 'column duration_minutes: "-2" is negative'],
    ['duration_seconds', '60', '2026-10-02T23:59:59Z', 'column ended_at: is before the start'],
  ])('refuses a length of time below zero: %s %s %s', async (column, length, end, reason) => {
    const csv = `id,started_at,ended_at,${column},cost\na,2026-10-03T00:00:00Z,${end},${length},0.1\n`;
    const error = await refusal(readText(csv, { provider: 'acme' }));
    expect(error.detail).toContain(reason);
  });

  it.each([
    ['no provider', 'id,started_at,cost\n', '--provider NAME'],
    ['no time', 'id,cost\n', '=started_at'],
    ['no call', 'started_at,cost\n', '=id'],
    ['nothing measured', 'id,started_at\n', '=cost'],
  ])('refuses a header with %s', async (_, csv, suggestion) => {
    const error = await refusal(readText(csv));
    expect(error.exitCode).toBe(65);
    expect(error.suggestion).toContain(suggestion);
  });
});
