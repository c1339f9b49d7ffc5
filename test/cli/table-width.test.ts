import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { fitColumns } from '../../src/cli/formats/fit-columns.ts';
import { createOutput } from '../../src/cli/output.ts';
import { createStyle } from '../../src/cli/style.ts';
import type { Column } from '../../src/context.ts';
import { textTable } from '../../src/text/text-table.ts';

const columns: Column[] = [
  { key: 'user' },
  { key: 'email' },
  { key: 'used', align: 'right' },
  { key: 'state', isKept: true },
  { key: 'resets' },
];
const data = [
  { user: 'ada', email: 'ada@example.com', used: '9:35', state: 'critical', resets: 'in 3 days' },
  {
    user: `a-very-long-external-id-${'0123456789'.repeat(8)}`,
    email: '健太郎@例え.example',
    used: '1:02:05',
    state: 'ok',
    resets: 'in 12 days',
  },
];

async function shown(width: number | undefined, wide = false): Promise<string[]> {
  const stdout = Object.assign(new PassThrough(), width === undefined ? {} : { isTTY: true, columns: width });
  await createOutput({ format: 'table', stdout, color: false, wide }).write({ data, columns });
  return String(stdout.read()).trimEnd().split('\n');
}

/** Of a terminal: signs of full width take two places. */
const placesOf = (line: string) =>
  [...line].reduce((sum, sign) => sum + (/[\u3000-\u9fff]/.test(sign) ? 2 : 1), 0);

describe.each([60, 80, 140])('a terminal of %i columns', (width) => {
  test('has every line within its width, each row on one line, numbers whole', async () => {
    const lines = await shown(width);
    expect(Math.max(...lines.slice(0, 3).map(placesOf))).toBeLessThanOrEqual(width);
    expect(lines[1]).toContain('9:35');
    expect(lines[2]).toContain('1:02:05');
    expect(lines[1]).toContain('critical');
  });
});

test('a long name is cut and leaves the short ones whole', async () => {
  const lines = await shown(80);
  expect(lines[1]).toMatch(/^ada +ada@example\.com +9:35 +critical +in 3 days$/);
  expect(lines[2]).toMatch(/^a-very-long-\S*… /);
  expect(lines).toHaveLength(3);
});

test('what has no room is left out from the right, and it is said; what is kept stays longer', async () => {
  const lines = await shown(42);
  expect(lines[0]).toMatch(/^user +email +state$/);
  expect(lines.slice(-2)).toEqual(['left out for want of room: used, resets;', '--wide has all']);
});

test('in colours, too, it is said once', async () => {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 42 });
  await createOutput({ format: 'table', stdout, color: true }).write({ data, columns });
  expect(String(stdout.read()).match(/left out/g)).toHaveLength(1);
});

test('first goes what is empty, then what is extra; an instant is whole or not there', () => {
  const some: Column[] = [
    { key: 'user' },
    { key: 'email', isExtra: true },
    { key: 'plan' },
    { key: 'at', isWhole: true },
  ];
  const kept = (room: number) =>
    fitColumns(some, [12, 30, 14, 30], room).map(({ column, width }) => [column.key, width]);
  expect(kept(78)).toEqual([
    ['user', 12],
    ['email', 16],
    ['plan', 14],
    ['at', 30],
  ]);
  expect(kept(60)).toEqual([
    ['user', 12],
    ['plan', 14],
    ['at', 30],
  ]);
  expect(kept(50)).toEqual([
    ['user', 12],
    ['plan', 14],
  ]);
});

test('a column without a value takes no room from the others', async () => {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const rows = data.map(({ user, state }) => ({ user: user.slice(0, 20), since: null, state }));
  const wanted = [{ key: 'user' }, { key: 'since', title: 'since when it has been so' }, { key: 'state' }];
  await createOutput({ format: 'table', stdout, color: false }).write({ data: rows, columns: wanted });
  expect(String(stdout.read())).toMatch(/^user +state\nada +critical\n/);
});

test('--wide, and a file, have all of it', async () => {
  for (const lines of [await shown(60, true), await shown(undefined)]) {
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('0123456789'.repeat(8));
    expect(lines[2]).toContain('in 12 days');
  }
});

test('the first column stays, however narrow it is', () => {
  const fitted = fitColumns(columns, [40, 30, 10, 8, 10], 5);
  expect(fitted.map(({ column }) => column.key)).toEqual(['user']);
});

test('a table of several is cut to the terminal as well: what may be left out is, one after the other', async () => {
  const rows = [['unlogged', '35', '12.2553', '0.0000', 'billed, not logged']];
  const head = ['kind', 'count', 'billed', 'logged', 'meaning'];
  const lines = async (width?: number) =>
    textTable(
      rows,
      { head, left: ['kind', 'meaning'], dispensable: ['meaning', 'logged', 'count'] },
      await createStyle(false, width),
    );
  expect(await lines()).toEqual([
    'kind      count   billed  logged  meaning',
    'unlogged     35  12.2553  0.0000  billed, not logged',
  ]);
  expect(await lines(40)).toEqual([
    'kind      count   billed  logged',
    'unlogged     35  12.2553  0.0000',
    'left out for want of room: meaning; --wide has all',
  ]);
  const narrowest = ['kind       billed', 'unlogged  12.2553'];
  expect((await lines(20)).slice(0, 2)).toEqual(narrowest);
  expect((await lines(5)).slice(0, 2)).toEqual(narrowest);
});
