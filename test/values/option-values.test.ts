import { describe, expect, test } from 'vitest';
import {
  parseChoice,
  parseDate,
  parseDecimal,
  parseDurationSeconds,
  parseInstant,
  parseInteger,
  parseMonth,
} from '../../src/values/option-values.ts';

const parsers: [string, (value: string) => unknown, accepted: [string, unknown][], refused: string[]][] = [
  [
    'instant',
    parseInstant,
    [
      ['2026-11-01T00:00:00Z', '2026-11-01T00:00:00.000Z'],
      ['2026-11-01', '2026-11-01T00:00:00.000Z'],
      ['2026-11-01T02:30+02:00', '2026-11-01T00:30:00.000Z'],
      ['2026-11-01 02:30:15.25-0330', '2026-11-01T06:00:15.250Z'],
      ['2026-11-01t00:00:00.123456789z', '2026-11-01T00:00:00.123Z'],
      ['2026-11-01T00:00:00+05', '2026-10-31T19:00:00.000Z'],
      ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ],
    [
      '',
      'now',
      '2026-11',
      '2026-02-29',
      '2026-11-01T25:00Z',
      '2026-11-01T00:00:00',
      '0001-01-01',
      '9999-01-01',
      '2026-11-01x',
    ],
  ],
  [
    'date',
    parseDate,
    [['2026-11-01', '2026-11-01']],
    ['2026-11-31', '01.11.2026', '2026-11-01T00:00Z', '0000-01-01'],
  ],
  ['month', parseMonth, [['2026-10', '2026-10']], ['2026-13', '2026-1', '10/2026', '2026-10-01', '0001-01']],
  [
    'integer',
    parseInteger({ min: 0, max: 10 }),
    [
      ['0', 0],
      ['10', 10],
      ['10.0', 10],
      ['1e1', 10],
      [' 1', 1],
    ],
    ['-1', '11', '1.5', '1e2', '', '0x1', '1,0'],
  ],
  [
    'decimal',
    parseDecimal(),
    [
      ['0', '0'],
      ['12.5', '12.5'],
      ['12.50', '12.5'],
      ['.5', '0.5'],
      ['1e3', '1000'],
      ['999999999999.999', '999999999999.999'],
    ],
    ['-1', '1.2345', 'NaN', '1,5', '', '1000000000000', '12.'],
  ],
  [
    'duration',
    parseDurationSeconds,
    [
      ['90s', 90],
      ['10m', 600],
      ['1h30m', 5400],
      ['2D', 172_800],
      ['1:30', 90],
      ['1:02:05', 3725],
      ['1h 5m', 3900],
    ],
    ['10', '0m', '', 'm', '-5m', '1.5h', '10 minutes', '5m5m', '30m1h', '1:60', '0.5s'],
  ],
  [
    'choice',
    parseChoice('table', 'json'),
    [
      ['json', 'json'],
      ['TABLE', 'table'],
    ],
    ['xml', '', 'jsonx'],
  ],
];

describe.each(parsers)('%s', (_, parse, accepted, refused) => {
  test.each(accepted)('%s', (value, parsed) => {
    expect(parse(value)).toEqual(parsed);
  });
  test.each(refused)('refuses "%s", naming it and a correct example', (value) => {
    const error = (() => {
      try {
        return parse(value);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({
      code: 'usage',
      exitCode: 2,
      suggestion: expect.stringMatching(/like|example/),
    });
    expect((error as Error).message).toContain(`"${value}"`);
  });
});
