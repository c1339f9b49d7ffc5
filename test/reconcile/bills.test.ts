import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

beforeEach(async () => {
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
});

const write = (name: string, content: string | Buffer) => desk.write(name, content);

const october = ['--month', '2026-10', '--provider', 'acme'];
const reconcile = (code: number, ...args: string[]) => desk.json(code, 'reconcile', ...october, ...args);
const counts = ({ kinds }: { kinds: Record<string, { count: number }> }) =>
  Object.fromEntries(Object.entries(kinds).map(([kind, { count }]) => [kind, count]));

const head = 'id,assistant_id,started_at,ended_at,cost\n';
const row = (id: string, cost: string, day = '03') =>
  `${id},bot,2026-10-${day}T10:00:00Z,2026-10-${day}T10:01:00Z,${cost}\n`;
const rows = (...ids: string[]) => head + ids.map((id) => row(id, '0.10')).join('');

describe('what is given back', () => {
  test('for a call is a credit in the sum, whichever row comes first', async () => {
    for (const [name, text] of [
      ['after.csv', head + row('a', '0.10') + row('a', '-0.10') + row('b', '0.25')],
      ['before.csv', head + row('b', '0.25') + row('a', '-0.10') + row('a', '0.10')],
    ] as const) {
      const { kinds, totals } = await reconcile(3, '--export', write(name, text), '--replace');
      expect(kinds).toEqual({
        fee: { count: 1, billed: '-0.10', logged: '0' },
        unlogged: { count: 2, billed: '0.35', logged: '0' },
      });
      expect(totals.billed).toBe('0.25');
    }
  });

  test('in FOCUS, with purchases, taxes and corrections: the sum of all effective costs', async () => {
    const file = `${process.cwd()}/fixtures/exports/focus-prepaid.csv`;
    const answer = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
    expect(counts(answer)).toEqual({ fee: 5, unlogged: 2 });
    expect(answer.totals.billed).toBe('95.2692');
    const text = await desk.run('reconcile', 'show', '--month', '2026-10', '--kind', 'fee');
    expect(text.code).toBe(0);
  });
});

describe('the same bill again', () => {
  test('on one command line is one bill', async () => {
    const file = write('bill.csv', rows('a', 'b'));
    const answer = await reconcile(3, '--export', file, '--export', file);
    expect(answer.exports).toHaveLength(1);
    expect(counts(answer)).toEqual({ unlogged: 2 });
  });

  test('packed, or as a newer download, is told of; --replace takes the other away', async () => {
    const file = write('bill.csv', rows('a', 'b'));
    await reconcile(3, '--export', file);
    const packed = write('bill.csv.gz', gzipSync(rows('a', 'b')));
    const both = await desk.run('reconcile', ...october, '--export', packed);
    expect(both.stderr).toMatch(/2 of 2 lines of .*bill\.csv\.gz repeat lines .*--replace/);
    const newer = write('newer.csv', rows('a', 'b', 'c'));
    expect(counts(await reconcile(3, '--export', newer, '--replace'))).toEqual({ unlogged: 3 });
  });

  test('in parts is no repetition, and needs no warning', async () => {
    const parts = [write('part1.csv', rows('a', 'b')), write('part2.csv', rows('c', 'd', 'b'))];
    const args = ['reconcile', ...october, ...parts.flatMap((part) => ['--export', part])];
    const { stderr, stdout } = await desk.run(...args, '--json');
    expect(stderr).toBe('');
    expect(counts(JSON.parse(stdout))).toEqual({ unlogged: 4, duplicate_line: 1 });
  });

  test('in parts without a header is refused with what to do', async () => {
    const part = write('tail.csv', row('c', '0.10'));
    const { error } = await reconcile(65, '--export', part);
    expect(error.message).toMatch(/tail\.csv, line 1: the first line is no header but data/);
    expect(error.suggestion).toBe('each part of a file that was split needs its header');
  });
});

describe('a file that was read in the wrong way', () => {
  const text =
    'Call,When,Seconds,Net,Gross\nx,02/10/2026 10:00,60,1.00,1.19\ny,10/03/2026 11:00,60,2.00,2.38\n';
  const map = (cost: string, other: string) =>
    ['Call=id', 'When=started_at', `${cost}=cost`, `${other}=`].flatMap((one) => ['--map', one]);

  test('is read anew in the right one, which takes the place of the other', async () => {
    const file = write('sheet.csv', text);
    const wrong = await reconcile(3, '--export', file, ...map('Net', 'Gross'), '--date-order', 'dmy');
    expect(counts(wrong)).toEqual({ unlogged: 1, outside_month: 1 });
    expect(wrong.totals.billed).toBe('1.00');
    const right = await reconcile(3, '--export', file, ...map('Gross', 'Net'), '--date-order', 'mdy');
    expect(counts(right)).toEqual({ unlogged: 1, outside_month: 1 });
    expect(right.totals.billed).toBe('2.38');
    expect(right.exports).toEqual([{ ...wrong.exports[0] }]);

    const before = await desk.snapshot();
    await reconcile(3, '--export', file, ...map('Gross', 'Net'), '--date-order', 'mdy');
    const unsaid = await reconcile(3, '--export', file);
    expect(unsaid.totals).toEqual(right.totals);
    expect(await desk.snapshot()).toEqual(before);
  });
});

describe('two currencies', () => {
  const inCurrency = (id: string, currency: string) =>
    `id,started_at,cost,currency\n${id},2026-10-03T10:00:00Z,1.00,${currency}\n`;

  test('in two files are refused, together or one after the other, and nothing is stored', async () => {
    const usd = write('usd.csv', inCurrency('a', 'USD'));
    const eur = write('eur.csv', inCurrency('b', 'EUR'));
    expect((await reconcile(65, '--export', usd, '--export', eur)).error.message).toBe(
      'the exports of 2026-10 are in EUR and USD: their sum means nothing',
    );
    await reconcile(3, '--export', usd);
    const before = await desk.snapshot();
    await reconcile(65, '--export', eur);
    expect(await desk.snapshot()).toEqual(before);
    expect((await reconcile(3, '--export', eur, '--replace')).totals.billed).toBe('1.00');
  });
});
