import { describe, expect, test } from 'vitest';
import {
  parseChoice,
  parseDate,
  parseDecimal,
  parseDurationSeconds,
  parseInstant,
  parseInteger,
  parseMonth,
  parseTimeZone,
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
    'time zone',
    parseTimeZone,
    [
      ['Europe/Berlin', 'Europe/Berlin'],
      ['UTC', 'UTC'],
      ['Asia/Kolkata', 'Asia/Kolkata'],
    ],
    ['', 'Berlin', 'Mars/Olympus', '+02:00'],
  ],
  [
    'integer',
    parseInteger({ min: 0, max: 10 }),
    [
      ['0', 0],
      ['10', 10],
    ],
    ['-1', '11', '1.5', '1e1', '', ' 1', '0x1'],
  ],
  [
    'decimal',
    parseDecimal(),
    [
      ['0', '0'],
      ['12.5', '12.5'],
    ],
    ['-1', '1.2345', 'NaN', '1e3', '.5', '1,5', ''],
  ],
  [
    'signed decimal',
    parseDecimal({ signed: true }),
    [
      ['-12.5', '-12.5'],
      ['+3', '3'],
    ],
    ['--1', '- 1'],
  ],
  [
    'duration',
    parseDurationSeconds,
    [
      ['90s', 90],
      ['10m', 600],
      ['1h30m', 5400],
      ['2D', 172_800],
    ],
    ['10', '0m', '', 'm', '-5m', '1.5h', '10 minutes'],
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
