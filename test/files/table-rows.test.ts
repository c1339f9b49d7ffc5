import { describe, expect, it } from 'vitest';
import { BadLines } from '../../src/files/bad-lines.ts';
import { type ColumnSpec, openTable, parseMapping } from '../../src/files/table-rows.ts';
import { collectRows, refusal, withText } from './input.ts';

const specs = [
  { name: 'id', aliases: ['provider_call_id'], required: true },
  { name: 'started_at' },
  { name: 'cost', aliases: ['price'] },
] as const satisfies readonly ColumnSpec[];

function read(text: string, map: string[] = []) {
  return withText(text, async (input) => {
    const table = openTable(input, specs, new BadLines(), parseMapping(map, specs));
    const { rows, lines } = await collectRows(table.batches());
    const { id, started_at, cost } = table.columns;
    return { table, lines, values: rows.map((row) => [row[id], row[started_at], row[cost]]) };
  });
}

describe('openTable', () => {
  it('finds columns under our names, in any spelling, or an alias', async () => {
    const { values, table } = await read(
      'Price,"Started At",ignored,providerCallId\n0.10,2026-10-03T00:00:00Z,x,a\n',
    );
    expect(values).toEqual([['a', '2026-10-03T00:00:00Z', '0.10']]);
    expect(table.titles.id).toBe('providerCallId');
    expect(table.unknown).toEqual(['ignored']);
  });

  it('takes the mapping before the names', async () => {
    const { values, table } = await read('id;Total = net;cost\na;5.50;6\n', ['Total = net=cost']);
    expect(values).toEqual([['a', undefined, '5.50']]);
    expect(table.columns.started_at).toBe(-1);
  });

  it('reads JSON objects as rows with the same columns', async () => {
    const json =
      '{"providerCallId":"a","price":0.10}\n{"id":"b","startedAt":"2026-10-03T00:00:00Z","cost":null}\n';
    const { values, lines, table } = await read(json);
    expect(table.kind).toBe('json');
    expect(values).toEqual([
      ['a', '', '0.10'],
      ['b', '2026-10-03T00:00:00Z', ''],
    ]);
    expect(lines).toEqual([1, 2]);
    expect((await read('[{"Call":"x","id":"y"}]', ['Call=id'])).values).toEqual([['x', '', '']]);
  });

  it('says which column is missing, what there is, and what may be meant', async () => {
    const missing = await refusal(read('call_idx,cost\na,1\n'));
    expect(missing.exitCode).toBe(65);
    expect(missing.message).toBe('stdin, line 1: there is no column "id"; the header has "call_idx", "cost"');
    expect(missing.suggestion).toBe('--map "THEIR COLUMN=id"');
    const mistyped = await refusal(read('id,Started On\na,1\n', ['Startd On=started_at']));
    expect(mistyped.message).toContain('there is no column "Startd On"');
    expect(mistyped.suggestion).toBe('did you mean --map "Started On=started_at"?');
  });

  it.each([
    [['id'], 'not a column mapping'],
    [['=id'], 'not a column mapping'],
    [['a=nothing'], 'not a column that can be mapped to'],
    [['a=id', 'b=id'], 'two columns'],
  ])('refuses the mapping %j as wrong usage', (pairs, message) => {
    const parse = () => parseMapping(pairs, specs);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ name: 'QuotaError', exitCode: 2 }));
  });
});
