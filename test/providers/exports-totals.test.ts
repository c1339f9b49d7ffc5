import { describe, expect, it } from 'vitest';
import { refusal } from '../files/input.ts';
import { readText } from './read-export.ts';

const head = 'id,assistant_id,started_at,duration_seconds,cost,Note\n';
const call = (id: string, cost: string, start = '2026-10-03T16:12:19Z') => `${id},bot,${start},60,${cost},\n`;
const acme = { provider: 'acme' };

describe('rows that name no call, day or time', () => {
  it.each([
    ['at the end', `${call('a', '0.40') + call('b', '0.35')},,,120,0.75,\n`, 4],
    ['at the beginning', `,,,120,0.75,\n${call('a', '0.40')}${call('b', '0.35')}`, 2],
    ['with other digits', `${call('a', '0.40') + call('b', '0.35')},,,120,0.7500,\n`, 4],
  ])('are named as totals if they are: %s', async (_, rows, line) => {
    const error = await refusal(readText(head + rows, acme));
    expect(error.detail).toContain(`stdin, line ${line}, column started_at: is empty`);
    expect(error.detail).toMatch(/0\.75(00)? is the sum of the other 2 rows: this is their total/);
    expect(error.suggestion).toContain('leave out the row of totals');
    const rest = await readText(head + rows, { ...acme, skipInvalid: true });
    expect(rest.lines).toHaveLength(2);
    expect(rest.summary.leftOut).toMatchObject({ lines: 1, withoutAmount: 0 });
  });

  it('are fees if they are said to be', async () => {
    const fee = `${head}${call('a', '0.40')},,,,12.00,Numbers\n`;
    const error = await refusal(readText(fee, acme));
    expect(error.detail).toContain(
      'line 3, column started_at: is empty, and the row names no call and no day',
    );
    expect(error.suggestion).toContain('--fees-without-date');
    const { lines } = await readText(fee, { ...acme, feesWithoutDate: true });
    expect(lines.map(({ kind, cost }) => [kind, cost])).toEqual([
      ['call', '0.40'],
      ['fee', '12.00'],
    ]);
    const typed = 'id,started_at,cost,Type\na,2026-10-03T16:12:19Z,0.40,call\n,,12.00,fee\n';
    expect((await readText(typed, { ...acme, mapping: ['Type=kind'] })).lines[1]?.kind).toBe('fee');
  });
});

describe('rows that call themselves a total, or are one', () => {
  it.each([
    ['in the id', `${head}${call('a', '0.40')}${call('b', '0.35')}Grand total,,,120,0.75,\n`],
    ['in the id, with other fees', `${head}${call('a', '0.40')}TOTAL:,,,120,0.45,\n`],
    ['in the model of sums', 'day,model,cost\n2026-10-03,o3,1.25\n2026-10-04,o3,0.75\n,Total,2.00\n'],
    ['in the day', 'day,model,cost\n2026-10-03,o3,1.25\n2026-10-04,o3,0.75\nSumme,,2.00\n'],
    ['on the last day', 'day,model,cost\n2026-10-03,o3,1.25\n2026-10-04,o3,0.75\n2026-10-31,Total,2.00\n'],
    [
      'on the last day, unnamed',
      'day,model,cost\n2026-10-03,o3,1.25\n2026-10-04,o3,0.75\n2026-10-31,,2.00\n',
    ],
    ['on the first day, unnamed', 'day,model,cost\n2026-10-01,,2\n2026-10-03,o3,1.25\n2026-10-04,o3,0.75\n'],
    [
      'of days of one row',
      'day,model,cost\n2026-10-03,o3,1\n2026-10-03,,1\n2026-10-04,o3,3\n2026-10-04,,3.0\n',
    ],
    ['without a word', `${head}${call('a', '0.40')}${call('b', '0.35')}inv-7,,,120,0.75,\n`],
  ])('are refused: %s', async (_, text) => {
    const { detail } = await refusal(readText(text, { ...acme, feesWithoutDate: true }));
    expect(detail).toMatch(/total|Summe/i);
  });

  const day = 'day,model,cost\n';
  it.each([
    [
      'after',
      `${day}2026-10-03,o3,4.00\n2026-10-03,o4,1\n2026-10-03,,5.00\n2026-10-04,o3,6.5\n2026-10-04,,6.5\n`,
    ],
    [
      'before',
      `${day}2026-10-03,,5\n2026-10-03,o3,4.00\n2026-10-03,o4,1\n2026-10-04,,6.50\n2026-10-04,o3,6.5\n`,
    ],
  ])('are refused as totals of days, %s what they add up', async (_, text) => {
    const { detail } = await refusal(readText(text, acme));
    expect(detail).toMatch(/5(\.00)? is the sum of the other rows of 2026-10-03: this is their total/);
    expect(detail).toMatch(/6\.50? is the sum of the other rows of 2026-10-04/);
    const { lines } = await readText(text, { ...acme, skipInvalid: true });
    expect(lines.map(({ cost }) => cost)).toEqual(['4.00', '1', '6.5']);
  });

  const log = 'Call ID\tAssistant ID\tDuration\tStarted At\tEnded At\tCost\n';
  const logged = (id: string, cost: string) =>
    `${id}\tbot\t61\t2026-10-03 16:12:19 GMT-3\t2026-10-03 16:13:20 GMT-3\t${cost}\n`;
  const console9 =
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type\n';
  const used = (date: string, model: string, cost: string) =>
    `${date},${model},Default,k,message,,output,${cost},token\n`;
  const costs = 'start_time,end_time,amount_value,amount_currency,line_item\n';
  it.each([
    [
      "VAPI's call log, by a word",
      `${log}${logged('v-1', '0.08')}${logged('v-2', '1.25')}Total\t\t122\t\t\t1.33\n`,
    ],
    [
      "VAPI's call log, without one",
      `${log}${logged('v-1', '0.08')}${logged('v-2', '1.25')}\t\t122\t\t\t1.33\n`,
    ],
    ["VAPI's call log, with other digits", `${log}${logged('v-1', '0.08')}Summe\t\t61\t\t\t0.09\n`],
    [
      "Anthropic's console",
      `${console9}${used('2026-10-03', 'Claude Opus 5', '2')}${used('2026-10-04', 'Claude Opus 5', '1')}${used('2026-10-31', 'Total', '3')}`,
    ],
    [
      "OpenAI's dashboard",
      `${costs}1790985600,1791072000,2.00,usd,a\n1791072000,1791158400,0.50,usd,b\n,,2.50,usd,\n`,
    ],
  ])('are refused in the download of a provider: %s', async (_, text) => {
    const { detail } = await refusal(readText(text));
    expect(detail).toMatch(
      /the row says "(Total|Summe)"|is the sum of the other (2 )?rows: this is their total/,
    );
  });

  const calls = (...costs: string[]) => costs.map((cost, at) => call(`${cost}-${at}`, cost)).join('');
  it.each([
    [
      'of days, by a word',
      `${day}2026-10-03,o3,1\n2026-10-03,o4,2\n2026-10-03,Total,3\n2026-10-04,o3,5\n2026-10-04,Total,5.0\n`,
      2,
    ],
    [
      'of days, by a word, before them',
      `${day}2026-10-03,total:,3\n2026-10-03,o3,1\n2026-10-03,o4,2\n2026-10-04,o3,5\n`,
      1,
    ],
    [
      'of models',
      `${day}2026-10-03,o3,1\n2026-10-04,o3,2\n2026-10-31,o3 total,3\n2026-10-03,o4,5\n2026-10-31,o4 total,5\n`,
      2,
    ],
    [
      'of groups of calls, and of all',
      `${head}${calls('0.40', '0.35')},bot,,120,0.75,\n${calls('0.10', '0.20')},bot,,9,0.3,\nx,,,,1.05,\n`,
      3,
    ],
    [
      'of groups below them',
      `${head}s-1,bot,,120,0.75,\n${calls('0.40', '0.35')}s-2,bot,,60,0.1,\n${calls('0.10')}`,
      2,
    ],
    ['with a time', `${head}${calls('0.40', '0.35')}Total (2 calls),,2026-10-31T00:00:00Z,120,0.75,\n`, 1],
  ])('are refused where they are %s', async (_, text, count) => {
    const { detail } = await refusal(readText(text, acme));
    expect(detail?.match(/this is their total/g)).toHaveLength(count);
    const { lines } = await readText(text, { ...acme, skipInvalid: true });
    expect(lines).toHaveLength(text.trim().split('\n').length - 1 - count);
  });

  it.each(['Razem', 'October total:', 'Subtotal 2026-10-03', '合計', 'Yhteensä'])(
    'are refused without a day or time, whatever they come to: %s',
    async (word) => {
      const { detail } = await refusal(readText(`${head}${calls('0.40', '0.35')}${word},,,120,0.8,\n`, acme));
      expect(detail).toContain(`the row says "${word}"`);
    },
  );

  it('are lines where they only look alike', async () => {
    const pair = `${head}${call('a', '0.40')}b,bot,,60,0.40,\n`;
    expect((await readText(pair, acme)).lines).toHaveLength(2);
    const other = `${head}${call('a', '0.40')}${call('b', '0.35')}c,bot,,60,0.76,\n`;
    expect((await readText(other, acme)).lines.map(({ cost }) => cost)).toEqual(['0.40', '0.35', '0.76']);
    const days = `${day}2026-10-03,,1\n2026-10-04,,2\n2026-10-05,,3\n2026-10-06,o3,0\n2026-10-06,,0\n`;
    expect((await readText(days, acme)).lines).toHaveLength(5);
    const flat = `${day}2026-10-03,o3,1\n2026-10-03,,1\n2026-10-04,o3,1\n2026-10-04,,1\n`;
    expect((await readText(flat, acme)).lines).toHaveLength(4);
    const between = `${day}2026-10-03,o3,1.25\n2026-10-04,,2\n2026-10-05,o3,0.75\n`;
    expect((await readText(between, acme)).lines).toHaveLength(3);
    const items = `${day}2026-10-03,Total tokens,1\n2026-10-03,Total searches,1\n2026-10-04,Total tokens,3\n`;
    expect((await readText(items, acme)).lines).toHaveLength(3);
    const model = 'day,model,cost\n2026-10-03,total,1.25\n2026-10-04,o3,0.75\n';
    expect((await readText(model, acme)).lines).toHaveLength(2);
  });
});

describe('words under a table', () => {
  it('are no call', async () => {
    const text = `${head}${call('a', '0.40')}Generated on 2026-11-01,,,,,\n`;
    const error = await refusal(readText(text, acme));
    expect(error.detail).toContain('line 3, column id: "Generated on 2026-11-01" is all that the row says');
    const { lines } = await readText(`${head}${call('a', '0.40')}b,bot,,,,\n`, acme);
    expect(lines.map(({ externalId }) => externalId)).toEqual(['a', 'b']);
  });
});
