import { describe, expect, it } from 'vitest';
import { refusal } from '../files/input.ts';
import { filled, readText } from './read-export.ts';

describe("VAPI's call log, as its dashboard saves it", () => {
  const head = 'Call ID\tAssistant ID\tType\tDuration\tStarted At\tEnded At\tEnded Reason\tCost\n';
  const row = (id: string, start: string, end: string, duration = '71', cost = '0.1180') =>
    `${id}\tbot-7\tInbound\t${duration}\t${start}\t${end}\tcustomer-ended-call\t${cost}\n`;

  it('reads times in the zone of whoever saved it, and durations in whole seconds', async () => {
    const { format, lines, summary } = await readText(
      head +
        row('a', '2026-10-31 23:59:30 GMT-5', '2026-11-01 00:00:41 GMT-5') +
        row('b', '2026-10-03 05:00:00 GMT+5:30', '2026-10-03 05:01:12 GMT+5:30') +
        row('c', '2026-10-03 01:00:00 GMT+1', '', '', '') +
        row('d', '', '', '', '0'),
    );
    expect(format).toBe('vapi-call-log');
    expect(filled(lines[0])).toEqual({
      lineNumber: 2,
      provider: 'vapi',
      kind: 'call',
      externalId: 'a',
      assistantId: 'bot-7',
      status: 'ended',
      startedAt: '2026-11-01T04:59:30Z',
      endedAt: '2026-11-01T05:00:41Z',
      durationSeconds: '71',
      cost: '0.1180',
      currency: 'USD',
      raw: '{"type":"Inbound","endedReason":"customer-ended-call"}',
    });
    expect(lines[1]).toMatchObject({ startedAt: '2026-10-02T23:30:00Z', durationSeconds: '71' });
    expect(lines[2]).toMatchObject({ status: 'in-progress', startedAt: '2026-10-03T00:00:00Z', cost: null });
    expect(lines[3]).toMatchObject({ status: 'ended', startedAt: null, cost: '0' });
    expect(summary.wholeSeconds).toBe(true);
  });

  it('reads durations as clocks, too, and amounts with the sign of the dollar', async () => {
    const at = ['2026-10-03 16:12:19 GMT+0', '2026-10-03 16:14:39 GMT+0'] as const;
    const { lines } = await readText(
      head + row('a', ...at, '2:19', '$0.23') + row('b', ...at, '2m 19s') + row('c', ...at, '00:02:19'),
    );
    expect(lines.map(({ durationSeconds }) => durationSeconds)).toEqual(['139', '139', '139']);
    expect(lines[0]?.cost).toBe('0.23');
  });

  it('is recognised by its own times, or by whom it is said to be of', async () => {
    const utc = head + row('a', '2026-10-03T16:12:19Z', '2026-10-03T16:14:39Z');
    expect((await readText(utc, { provider: 'vapi' })).format).toBe('vapi-call-log');
    expect((await readText(utc, { provider: 'acme' })).format).toBe('csv');
    expect((await refusal(readText(utc))).suggestion).toContain('--provider NAME');
    const mapped = { provider: 'vapi', mapping: ['Duration=duration_seconds'] };
    const text = head + row('a', '2026-10-03 16:12:19 GMT+0', '2026-10-03 16:14:39 GMT+0', '139');
    expect((await readText(text, mapped)).lines[0]).toMatchObject({ durationSeconds: '139' });
  });

  it('refuses a row of totals, and zones that say no offset', async () => {
    const text = head + row('', '', '', '149', '0.2462') + row('b', '2026-10-03 16:12:19 PST', '');
    const error = await refusal(readText(text, { provider: 'vapi' }));
    expect(error.detail).toContain('line 2, column Call ID: is empty');
    expect(error.detail).toContain('"2026-10-03 16:12:19 PST" names a zone that is no offset');
  });
});

describe("Anthropic's console", () => {
  const columns = [
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type',
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type,inference_geo,speed',
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed',
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed,api_key_id,api_key_status',
  ];
  const values: Record<string, string> = {
    usage_date_utc: '2026-10-07',
    model: 'Claude Opus 4.6',
    workspace: 'Research',
    api_key: 'nightly',
    usage_type: 'message',
    context_window: '≤ 200k',
    token_type: 'input_cache_read',
    cost_usd: '3.07',
    list_price_usd: '30.70',
    cost_type: 'token',
    inference_geo: 'global',
    speed: 'standard',
    api_key_id: 'apikey_01',
    api_key_status: 'active',
  };

  it.each(columns)('reads its costs: %s', async (header) => {
    const row = header.split(',').map((name) => values[name]);
    const { format, lines } = await readText(`${header}\n${row.join(',')}\n`);
    expect(format).toBe('anthropic-costs-csv');
    expect(lines[0]).toMatchObject({
      provider: 'anthropic',
      kind: 'aggregate',
      day: '2026-10-07',
      model: 'Claude Opus 4.6',
      cost: '3.07',
      currency: 'USD',
    });
    expect(JSON.parse(lines[0]?.charge ?? '')).toMatchObject({
      model: 'claudeopus46',
      tokens: 'cache_read_input_tokens',
      workspace: 'Research',
    });
    expect(lines[0]?.charge).not.toContain('nightly');
  });

  it('says which of its two downloads states costs', async () => {
    const tokens =
      'usage_date_utc,model_version,api_key,workspace,usage_output_tokens\n2026-10-07,m,k,w,10\n';
    expect((await refusal(readText(tokens))).suggestion).toContain('Cost');
  });
});

describe("OpenAI's dashboard", () => {
  const times = 'start_time,end_time,start_time_iso,end_time_iso';
  const day = '1790985600,1791072000,2026-10-03T00:00:00,2026-10-04T00:00:00';

  it('reads costs of 16 and 17 columns with up to 36 digits after the point, and empty days', async () => {
    const further =
      'amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email';
    for (const [columns, tail] of [
      [further.replace(',user_email', ''), ''],
      [further, ',someone@example.com'],
      [`${further},api_source`, ',someone@example.com,api'],
    ] as const) {
      const rows = [
        `${day}${','.repeat(columns.split(',').length)}`,
        `${day},0.003835980000000000000000000000000001,usd,1000,tokens,"gpt-5-nano, input",user-1,key-1,proj_b,org,B,Org${tail}`,
      ];
      const { format, lines, summary } = await readText(`${times},${columns}\n${rows.join('\n')}\n`);
      expect(format).toBe('openai-costs-csv');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        cost: '0.003835980000000000000000000000000001',
        day: '2026-10-03',
        quantity: '1000',
        unit: 'tokens',
        model: 'gpt-5-nano',
      });
      expect(lines[0]?.charge).not.toContain('user-1');
      expect(summary.covered).toEqual({ from: '2026-10-03T00:00:00Z', until: '2026-10-04T00:00:00Z' });
    }
  });

  it('reads the four columns of a month without costs as days on which nothing was billed', async () => {
    const { format, lines, summary } = await readText(`${times}\n${day}\n`);
    expect([format, lines.length]).toEqual(['openai-costs-csv', 0]);
    expect(summary.covered).toEqual({ from: '2026-10-03T00:00:00Z', until: '2026-10-04T00:00:00Z' });
  });

  it('reads activity by the minute, and tells the parts of a day apart', async () => {
    const text =
      `${times},project_id,num_model_requests,model\n` +
      '1790985600,1790985660,2026-10-03T00:00:00+00:00,2026-10-03T00:01:00+00:00,p,3.0,o3\n' +
      '1790985660,1790985720,2026-10-03T00:01:00+00:00,2026-10-03T00:02:00+00:00,p,4.0,o3\n';
    const { lines } = await readText(text);
    expect(lines.map(({ quantity, day: on }) => [quantity, on])).toEqual([
      ['3', '2026-10-03'],
      ['4', '2026-10-03'],
    ]);
    expect(new Set(lines.map(({ charge }) => charge)).size).toBe(2);
  });

  it('leaves out a result that cannot be read and keeps the rest of its bucket', async () => {
    const result = (value: string, item: string) =>
      `{"object":"organization.costs.result","amount":{"value":"${value}","currency":"usd"},"line_item":"${item}"}`;
    const page = (...results: string[]) =>
      `{"object":"page","data":[{"object":"bucket","start_time":1790985600,"end_time":1791072000,"results":[${results.join(',')}]}],"has_more":false,"next_page":null}`;
    const zero = await readText(page(result('-0E+12', 'o3, cached'), result('7.25', 'o3, input')));
    expect(zero.lines.map(({ cost }) => cost)).toEqual(['0', '7.25']);
    const broken = page(
      result('7.25', 'o3, input'),
      result('much', 'o3, output'),
      '{"object":"organization.usage.result","amount":{"value":2.5,"currency":"usd"}}',
    );
    expect((await refusal(readText(broken))).detail).toContain(
      'line 1, column results[1].amount: "much" is not a number',
    );
    const rest = await readText(broken, { skipInvalid: true });
    expect(rest.lines.map(({ cost }) => cost)).toEqual(['7.25']);
    expect(rest.summary.leftOut).toEqual({ lines: 2, amount: '2.5', withoutAmount: 1 });
  });
});

describe('a list of calls of nobody in particular', () => {
  const calls =
    '[{"id":"x-1","created_at":"2026-10-05T08:00:00Z","duration":42.5,"cost":0.0815},' +
    '{"id":"x-2","created_at":"2026-10-05T09:00:00Z","duration":7,"cost":0.0100}]';

  it('keeps its costs, whosever it is said to be', async () => {
    expect((await refusal(readText(calls))).suggestion).toBe('--provider NAME');
    for (const provider of ['vapi', 'liveavatar', 'heygen', 'acme']) {
      const { format, lines } = await readText(calls, { provider });
      expect(format).toBe('csv');
      expect(lines.map(({ cost, durationSeconds }) => [cost, durationSeconds])).toEqual([
        ['0.0815', '42.5'],
        ['0.0100', '7'],
      ]);
    }
  });

  it.each([
    [
      'sessions of others',
      '[{"session_id":"s","created_at":"2026-10-05T08:00:00Z","duration":7,"amount":1}]',
      'csv',
    ],
    [
      'sessions of HeyGen',
      '[{"session_id":"s","created_at":1791187200,"duration":7,"status":"closed"}]',
      'heygen-sessions',
    ],
    [
      'credits',
      '[{"id":"s","created_at":"2026-10-05T08:00:00Z","duration":7,"credits_consumed":1}]',
      'liveavatar-sessions',
    ],
    ['an organisation', '[{"id":"s","orgId":"o","createdAt":"2026-10-05T08:00:00Z","cost":1}]', 'vapi-calls'],
  ])('tells them by evidence: %s', async (_, text, format) => {
    const provider = { csv: 'acme', 'vapi-calls': 'vapi' }[format];
    expect((await readText(text, provider === undefined ? {} : { provider })).format).toBe(format);
  });

  it('reads a bill of VAPI that states its costs in parts', async () => {
    const call = (id: string, members: string) =>
      `{"id":"${id}","orgId":"o","createdAt":"2026-10-05T08:00:00Z",${members}}\n`;
    const { lines } = await readText(
      call('a', '"costBreakdown":{"stt":0.01,"total":0.0415}') +
        call('b', '"costs":[{"type":"vapi","cost":0.02},{"type":"model","cost":0.0107}]') +
        call('c', '"cost":null'),
    );
    expect(lines.map(({ cost }) => cost)).toEqual(['0.0415', '0.0307', null]);
  });
});

describe('what was saved in place of an export', () => {
  it.each([
    ['a page', '<!doctype html>\n<html><head><title>Sign in</title></head></html>', 'a web page, "Sign in"'],
    [
      'an answer in XML',
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
      'XML, "AccessDenied"',
    ],
    ['an answer in JSON', '{"message":"Too many requests","statusCode":429}', '"Too many requests"'],
    ['one of OpenAI', '{"error":{"message":"Invalid key","code":"invalid_api_key"}}', '"Invalid key"'],
  ])('is named: %s', async (_, text, words) => {
    const error = await refusal(readText(text, { provider: 'acme' }));
    expect(error.message).toContain(words);
    expect(error.suggestion).toMatch(/again/);
  });
});
