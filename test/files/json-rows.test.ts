import { describe, expect, it } from 'vitest';
import { BadLines } from '../../src/files/bad-lines.ts';
import { outlineJson } from '../../src/files/json/json-outline.ts';
import { jsonRows, recordsIn } from '../../src/files/json/json-rows.ts';
import type { JsonShape } from '../../src/files/json/json-shape.ts';
import fc from '../fast-check.ts';
import { collectRows, refusal, skipping, withText } from './input.ts';

const shape: JsonShape = {
  fields: ['id', 'cost', 'detail'],
  nested: ['detail'],
  envelopes: ['results', 'data', 'data.results', 'data.data'],
  envelopeFields: ['code', 'message', 'metadata.hasNextPage'],
};

function read(json: string, options: { badLines?: BadLines; pieceBytes?: number; shape?: JsonShape } = {}) {
  return withText(
    json,
    (input) => collectRows(jsonRows(input, options.shape ?? shape, options.badLines ?? new BadLines())),
    options.pieceBytes,
  );
}

const two = [
  ['a', '0.8958740000000000', ''],
  ['b', '1e-7', '{"x": [1.50]}'],
];
const first = '{"id":"a","cost":0.8958740000000000,"other":{"id":"no","cost":[9]}}';
const second = '{"cost": 1e-7, "detail": {"x": [1.50]}, "id": "b"}';

describe('jsonRows', () => {
  it.each([
    ['JSONL', `${first}\n${second}\n`],
    ['JSONL with blank lines and CRLF', `\r\n${first}\r\n\r\n${second}`],
    ['a list', `[${first},${second}]`],
    [
      'a pretty-printed list',
      JSON.stringify([0, 1], null, 2).replace('0', first).replace(/1\n/, `${second}\n`),
    ],
    ['an envelope', `{"code":100,"results":[${first},${second}],"metadata":{"hasNextPage":false}}`],
    [
      'an envelope with the list deep inside',
      `{"data":{"count":2,"next":null,"results":[${first}, ${second}]},"code":100}`,
    ],
    ['an envelope in an envelope', `{"data":{"data":[${first},${second}],"total":2}}`],
    ['pages, one per line', `{"results":[${first}]}\n{"results":[${second}]}\n`],
    [
      'an envelope with escapes before the list',
      `{"message":"a \\"b\\" {","code":"x\\\\","results":[${first},${second}]}`,
    ],
    ['a list of pages', `[{"data":[${first}]},{"data":[]},{"data":[${second}]}]`],
    ['a list of lists', `[[${first}],[],[${second}]]`],
  ])('reads %s in pieces of any size', async (_, json) => {
    for (const pieceBytes of [1, 7, 64, Number.POSITIVE_INFINITY]) {
      expect((await read(json, { pieceBytes })).rows).toEqual(two);
    }
  });

  it('numbers JSONL by line, elements of lists by position', async () => {
    const lines = await read(`${first}\n\n${second}`);
    expect(lines.numbers).toEqual([1, 3]);
    const elements = await read(`[\n${first},${second},\n${first}]`);
    expect(elements.numbers).toEqual([1, 2, 3]);
    expect(elements.lines).toEqual([2, 2, 3]);
    expect(elements.originals).toEqual([first, second, first]);
  });

  it('reads empty lists and objects', async () => {
    expect((await read('[]')).rows).toEqual([]);
    expect((await read('{"results": []}')).rows).toEqual([]);
    expect((await read('{}')).rows).toEqual([['', '', '']]);
  });

  it('hands over what an envelope says, and refuses one without a list', async () => {
    const seen: Record<string, string>[] = [];
    const listening = {
      ...shape,
      onEnvelope: (values: ReadonlyMap<string, string>) => seen.push(Object.fromEntries(values)),
    };
    await read(`{"code":100,"results":[${first}],"metadata":{"page":1,"hasNextPage":true},"message":"ok"}`, {
      shape: listening,
    });
    expect(seen).toEqual([{ code: '100', message: 'ok', 'metadata.hasNextPage': 'true' }]);
    const error = await refusal(read('{"code":401,"message":"no","data":null}', { shape: listening }));
    expect(error.message).toContain('the answer has no list of records');
    expect(seen[1]).toEqual({ code: '401', message: 'no' });
  });

  it('reads records that differ in order, blanks and members', async () => {
    const blank = fc.constantFrom('', ' ', '\t', '  ');
    const member = fc.tuple(
      fc.constantFrom('id', 'cost', 'x', 'y'),
      fc.constantFrom('"v"', '1.50', 'true'),
      blank,
      blank,
      blank,
    );
    const record = fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 60 }),
        async (records, pieceBytes) => {
          const texts = records.map(
            (members) =>
              `{${members.map(([name, value, a, b, c]) => `${a}"${name}"${b}:${c}${value}${a}`).join(',')}}`,
          );
          const expected = records.map((members) =>
            ['id', 'cost', 'detail'].map(
              (field) => members.find(([name]) => name === field)?.[1].replaceAll('"', '') ?? '',
            ),
          );
          expect((await read(texts.join('\n'), { pieceBytes })).rows).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('gives the values of any objects, whatever the layout and the pieces', async () => {
    const record = fc.record({
      id: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
      noise: fc.jsonValue({ maxDepth: 3 }),
      cost: fc.option(fc.integer()),
      detail: fc.jsonValue({ maxDepth: 2 }).map((value) => [value]),
    });
    const layout = fc.constantFrom('lines', 'list', 'pretty', 'envelope');
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 6 }),
        layout,
        fc.integer({ min: 1, max: 90 }),
        async (records, as, pieceBytes) => {
          const texts = records.map((value) => JSON.stringify(value));
          const json = {
            lines: texts.join('\n'),
            list: `[${texts.join(',')}]`,
            pretty: JSON.stringify(records, null, 2),
            envelope: `{"code":100,"results":[${texts.join(' , ')}]}`,
          }[as];
          const { rows } = await read(json, { pieceBytes });
          expect(rows.map(([id, cost, detail]) => [id, cost, JSON.parse(detail ?? '')])).toEqual(
            texts
              .map((text) => JSON.parse(text))
              .map(({ id, cost, detail }) => [id, cost === null ? '' : String(cost), detail]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('bad JSON', () => {
  const jsonl = [
    '{"id":"1"}',
    '{"id":"2"',
    '{"id":"3","cost":0.1',
    '{"id":"4}',
    'nonsense',
    '{"id":{"deep":1}}',
    '{"id":"7"} {"id":"8"}',
    '{"id":"9",',
  ];

  it('lists the bad lines of JSONL with line and column', async () => {
    const error = await refusal(read(jsonl.join('\n')));
    expect(error.exitCode).toBe(65);
    expect(error.detail?.split('\n')).toEqual([
      'stdin, line 2, column 10: the line ends inside the record: is it cut off?',
      'stdin, line 3, column 21: the line ends inside the record: is it cut off?',
      'stdin, line 4, column 10: the line ends inside a text: is it cut off?',
      'stdin, line 5, column 1: expected a JSON object, found nonsense',
      'stdin, line 6, column 7: id is an object where a text or number is expected',
      'stdin, line 7, column 12: a second record on the same line',
      'stdin, line 8, column 11: the file ends inside this record',
    ]);
  });

  it('skips them on request, in pieces of any size', async () => {
    for (const pieceBytes of [1, 5, 1000]) {
      const { badLines, rejects } = skipping();
      const { rows } = await read([...jsonl.slice(0, 6), '{"id":"7"}', '{"id":"9",'].join('\n'), {
        badLines,
        pieceBytes,
      });
      expect(rows.map(([id]) => id)).toEqual(['1', '7']);
      expect(rejects.map(({ text }) => text)).toEqual([...jsonl.slice(1, 6), '{"id":"9",']);
    }
  });

  it.each([
    [
      'a list that is cut off',
      `[${first},\n${second.slice(0, 20)}`,
      'stdin, line 2, column 21: the file ends inside this record',
    ],
    ['a list without its end', `[${first}`, 'the file ends inside a list, after 1 records'],
    ['an envelope that is cut off', `{"results":[${first}]`, 'the file ends inside a list'],
    ['a fault in a list', `[${first},\n{"id" "b"}]`, 'stdin, line 2, column 7: expected :, found "b"}]'],
    ['a value that is no object', `[${first},5]`, 'expected a JSON object, found 5]'],
    [
      'a list and then records',
      `[${first}]\n${second}`,
      'the file mixes single records and lists of records',
    ],
    ['records and then a list', `${second}\n[${first}]`, 'stdin, line 2, column 2: the file mixes'],
  ])('refuses %s', async (_, json, message) => {
    for (const pieceBytes of [1, 1000]) {
      const error = await refusal(read(json, { pieceBytes, badLines: skipping().badLines }));
      expect(error.exitCode).toBe(65);
      expect(error.message).toContain(message);
    }
  });

  it('refuses a record without end before collecting it', async () => {
    const before = process.memoryUsage().rss;
    const endless = `{"id":"${'x'.repeat(30 * 1024 * 1024)}"}`;
    const error = await refusal(read(endless, { pieceBytes: 65_536 }));
    expect(error.message).toContain('line 1, column 1: the record is longer than 4 MiB');
    expect(process.memoryUsage().rss - before).toBeLessThan(250 * 1024 * 1024);
  });
});

describe('recordsIn', () => {
  it('reads the objects of a list, or the one object', () => {
    expect(recordsIn('[{"id":1},{"id":2.50}]', { fields: ['id'] }, 'results')).toEqual([['1'], ['2.50']]);
    expect(recordsIn('{"id":"x"}', { fields: ['id'] }, 'amount')).toEqual([['x']]);
    expect(() => recordsIn('5', { fields: ['id'] }, 'amount')).toThrow('expected a JSON object');
  });
});

describe('outlineJson', () => {
  it('names the members of the first elements with their first values, also of a text that is cut off', () => {
    expect([...outlineJson('[{"id":1,"a":{"b":[{"c":1}]}},{"z":"x","id":2}]')]).toEqual([
      ['id', '1'],
      ['a', ''],
      ['a.b', ''],
      ['a.b.c', '1'],
      ['z', 'x'],
    ]);
    expect([...outlineJson('{"id":null}\n{"id":"b"}\n')]).toEqual([['id', 'b']]);
    expect([...outlineJson('{"code":100,"data":{"results":[{"id":"x","du').keys()]).toEqual([
      'code',
      'data',
      'data.results',
      'data.results.id',
    ]);
    expect([...outlineJson('[]')]).toEqual([]);
    expect([...outlineJson('{"a" 5').keys()]).toEqual(['a']);
  });
});
