import { describe, expect, it } from 'vitest';
import { BadLines } from '../../src/files/bad-lines.ts';
import { type ColumnSpec, openTable, parseMapping, splitIgnored } from '../../src/files/table-rows.ts';
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

  /** As `read`, but refuses columns that are neither known nor mapped to nothing. */
  const readStrictly = (text: string, map: string[] = []) =>
    withText(text, async (input) => {
      const { pairs, ignored } = splitIgnored(map);
      const mapping = parseMapping(pairs, specs);
      const table = openTable(input, specs, new BadLines(), mapping, ignored);
      const { rows } = await collectRows(table.batches());
      const { id, started_at, cost } = table.columns;
      return rows.map((row) => [row[id], row[started_at], row[cost]]);
    });

  it.each(['id,Started,note\na,b,c\n', '{"id":"a","Started":"b","note":"c"}\n'])(
    'refuses columns that are not known, and says what may be meant: %j',
    async (text) => {
      const refused = await refusal(readStrictly(text));
      expect(refused.exitCode).toBe(65);
      expect(refused.message).toMatch(
        /^stdin, line 1, column \d+: "Started" is not a column that is known here/,
      );
      expect(refused.suggestion).toContain('did you mean --map "Started=started_at"?');
      expect((await refusal(readStrictly(text, ['Started=started_at']))).message).toContain('"note"');
      expect((await readStrictly(text, ['Started=started_at', 'note=']))[0]?.slice(0, 2)).toEqual(['a', 'b']);
      expect(await readStrictly(text, ['*='])).toHaveLength(1);
    },
  );

  it.each(['id,cost,paid\na,1,2\n', '{"id":"a","cost":"1","paid":"2"}\n'])(
    'leaves out a known column that is mapped to nothing or to another: %j',
    async (text) => {
      const [free, swapped] = [
        await readStrictly(text, ['cost=', 'paid=']),
        await readStrictly(text, ['cost=', 'paid=cost']),
      ];
      expect(free[0]?.[2] ?? '').toBe('');
      expect(swapped[0]?.[2]).toBe('2');
    },
  );

  it('refuses to leave out a column that is not there', async () => {
    const refused = await refusal(readStrictly('id,cost\na,1\n', ['costs=']));
    expect(refused.message).toContain('there is no column "costs"');
    expect(refused.suggestion).toBe('did you mean --map "cost="?');
  });

  it('tells pairs that leave out from those that map', () => {
    expect(splitIgnored(['a=', 'b=c=', 'd=id', '*= ', '='])).toEqual({
      pairs: ['d=id', '='],
      ignored: new Set(['a', 'b=c', '*']),
    });
  });
});
