import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

beforeEach(async () => {
  await desk.query(`insert into quota.users (external_id, created_at) values ('ada', '2024-01-01')`);
});

const columns =
  'BillingPeriodStart,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeClass,ResourceId,SkuId,ConsumedQuantity,ConsumedUnit,BilledCost,EffectiveCost,BillingCurrency,ServiceProviderName,Tags';

interface Row {
  invoice?: string;
  from: string;
  to: string;
  resource?: string;
  sku?: string;
  quantity?: string;
  unit?: string;
  cost: string;
  class?: string;
  tags?: string;
}

const row = ({ invoice = '2026-10', from, to, resource = '', sku = '', cost, tags = '', ...rest }: Row) =>
  [
    `${invoice}-01T00:00:00Z`,
    `2026-${from}Z`,
    `2026-${to}Z`,
    'Usage',
    rest.class ?? '',
    resource,
    sku,
    rest.quantity ?? '',
    rest.unit ?? '',
    cost,
    cost,
    'USD',
    'Solora',
    tags,
  ].join(',');

const focus = (name: string, ...rows: Row[]) => desk.write(name, [columns, ...rows.map(row)]);

const call = (id: string, sku: string, cost: string, more: Partial<Row> = {}): Row => ({
  from: '10-07T09:30:05',
  to: '10-07T09:33:10',
  resource: id,
  sku,
  cost,
  ...more,
});

async function log(id: string, cost: string, seconds: number) {
  await desk.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at, ended_at, duration_seconds, cost)
     select id, 'voice', 'solora', $1, 'completed', '2026-10-07T09:30:05Z', '2026-10-07T09:33:10Z', $3, $2 from quota.users`,
    [id, cost, seconds],
  );
}

const october = (...files: string[]) => [
  ...['reconcile', '--month', '2026-10'],
  ...files.flatMap((file) => ['--export', file]),
];
const reconcile = (code: number, ...files: string[]) => desk.json(code, ...october(...files));
const kindsOf = ({ kinds }: { kinds: Record<string, { count: number; billed: string }> }) =>
  Object.fromEntries(Object.entries(kinds).map(([kind, { count, billed }]) => [kind, [count, billed]]));

const parts = [
  call('c-1', 'platform', '0.08', { quantity: '185', unit: 'Seconds' }),
  call('c-1', 'stt', '0.0527', { quantity: '185', unit: 'Seconds' }),
  call('c-1', 'llm', '0.1911', { quantity: '5102', unit: 'Tokens' }),
];

describe('the rows of one call', () => {
  test('come to the call, in any order', async () => {
    await log('c-1', '0.3238', 185);
    for (const rows of [parts, [...parts].reverse()]) {
      const answer = await reconcile(0, focus(`call-${rows[0]?.sku}.csv`, ...rows));
      expect(answer.totals).toEqual({ billed: '0.3238', logged: '0.3238', difference: '0.0000' });
      expect(answer.exports.at(-1).lines).toBe(3);
      await desk.query('delete from quota.reconciliation_exports');
    }
  });

  test('are a difference of the call where they differ from its log, and one call where there is none', async () => {
    await log('c-1', '0.1911', 185);
    const other = [call('c-2', 'platform', '0.05'), call('c-2', 'llm', '0.06')];
    const answer = await reconcile(3, focus('two.csv', ...parts, ...other));
    expect(kindsOf(answer)).toEqual({ cost_mismatch: [1, '0.3238'], unlogged: [1, '0.11'] });
    const { entries } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10', '--kind', 'unlogged');
    expect(entries).toMatchObject([{ externalId: 'c-2', billed: '0.11', billedSeconds: '185.000' }]);
  });

  test('that agree in everything are a repetition, that differ in their tags alone are not', async () => {
    const tagged = [call('c-1', 'llm', '0.10', { tags: 'a' }), call('c-1', 'llm', '0.10', { tags: 'b' })];
    const answer = await reconcile(3, focus('tags.csv', ...tagged, tagged[0] as Row));
    expect(kindsOf(answer)).toEqual({ duplicate_line: [1, '0.10'], unlogged: [1, '0.20'] });
  });

  test('may stand in two files, of which one comes twice', async () => {
    await log('c-1', '0.3238', 185);
    const [first, second, third] = parts as [Row, Row, Row];
    const files = [
      focus('one.csv', first),
      focus('two.csv', second, third),
      focus('three.csv', third, second),
    ];
    const { code, data, stderr } = await desk.answer(...october(...files));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^warning: 1 of 2 lines of .*three\.csv repeat lines of the exports of 2026-10/);
    expect(data.totals.billed).toBe('0.3238');
    expect(kindsOf(data)).toMatchObject({ duplicate_line: [1, '0.2438'], matched: [2, '0.3238'] });
  });
});

describe('the rows of one call on two invoices', () => {
  const [first, second, third] = parts as [Row, Row, Row];
  const late: Row = { ...third, invoice: '2026-11' };
  const invoices = { billed: '0.1327', use: '0.3238', ofOtherMonths: '0', onOtherInvoices: '0.1911' };
  const november = (file: string) => desk.answer('reconcile', '--month', '2026-11', '--export', file);

  test('come to the call, and each is on its own invoice, in one file', async () => {
    await log('c-1', '0.3238', 185);
    const answer = await reconcile(0, focus('both.csv', first, second, late));
    expect(kindsOf(answer)).toEqual({ matched: [2, '0.3238'] });
    expect(answer).toMatchObject({ totals: { difference: '0.0000' }, invoice: invoices });
  });

  test('also in the files of two months, in either order; a part that comes later is no repetition', async () => {
    await log('c-1', '0.3238', 185);
    const [october, ofNovember] = [focus('oct.csv', first, second), focus('nov.csv', late)];
    expect(kindsOf(await reconcile(3, october))).toEqual({ cost_mismatch: [1, '0.1327'] });
    const { data } = await november(ofNovember);
    expect(kindsOf(data)).toEqual({ outside_month: [1, '0.1911'] });
    expect(data.invoice).toEqual({
      billed: '0.1911',
      use: '0',
      ofOtherMonths: '0.1911',
      onOtherInvoices: '0',
    });
    const answer = await reconcile(0, ofNovember);
    expect(kindsOf(answer)).toEqual({ matched: [2, '0.3238'] });
    expect(answer.invoice).toEqual(invoices);
    expect(kindsOf((await november(focus('again.csv', first, late))).data)).toEqual({
      duplicate_line: [2, '0.2711'],
      outside_month: [1, '0.1911'],
    });
  });

  test('charged once more on the next invoice, with the same columns, count as well', async () => {
    await log('c-1', '0.5149', 185);
    const answer = await reconcile(0, focus('more.csv', first, second, third, late));
    expect(kindsOf(answer)).toEqual({ matched: [2, '0.5149'] });
    const other = await reconcile(3, focus('more-again.csv', late));
    expect(kindsOf(other)).toEqual({ duplicate_line: [1, '0.1911'], matched: [2, '0.5149'] });
  });
});

describe('the rows of a resource that is no call', () => {
  test('are the sums of their days, also where days end at 23:59:59', async () => {
    const day = (n: number, cost: string, resource: string): Row => ({
      from: `10-0${n}T00:00:00`,
      to: `10-0${n}T23:59:59`,
      resource,
      cost,
    });
    for (const resource of ['endpoint-1', 'NULL', '']) {
      const file = focus(
        `days${resource}.csv`,
        day(3, '11', resource),
        day(4, '22', resource),
        day(5, '33', resource),
      );
      const answer = await reconcile(3, file);
      expect(kindsOf(answer)).toMatchObject({ aggregate_mismatch: [3, '66'] });
      await desk.query('delete from quota.reconciliation_exports');
    }
  });

  test('also where they are cut at any time, over days', async () => {
    const slices = [3, 3, 4, 5].map(
      (n, at): Row => ({
        from: `10-0${n}T0${at}:10:00`,
        to: `10-0${n}T0${at}:15:00`,
        resource: 'endpoint-1',
        cost: '1.5',
      }),
    );
    expect(kindsOf(await reconcile(3, focus('slices.csv', ...slices)))).toEqual({
      aggregate_mismatch: [3, '6.0'],
    });
  });

  test('are held against the logs of the day, meters that are no models together', async () => {
    await log('c-1', '30', 185);
    const day = (sku: string, cost: string): Row => ({
      from: '10-07T00:00:00',
      to: '10-08T00:00:00',
      sku,
      cost,
    });
    const answer = await reconcile(0, focus('meters.csv', day('platform', '10'), day('stt', '20')));
    expect(kindsOf(answer)).toEqual({ matched: [1, '30'] });
  });
});

describe('corrections', () => {
  test('are on the invoice of their billing period, and in the use of the month that they are of', async () => {
    const file = focus(
      'june.csv',
      { from: '10-10T00:00:00', to: '10-11T00:00:00', resource: 'R-1', cost: '410.5' },
      { from: '09-01T00:00:00', to: '09-01T01:00:00', resource: 'R-1', cost: '-120.25', class: 'Correction' },
      { invoice: '2026-11', from: '10-31T23:00:00', to: '11-01T00:00:00', resource: 'R-1', cost: '2' },
    );
    const answer = await reconcile(3, file);
    expect(answer.totals.billed).toBe('412.5');
    expect(kindsOf(answer)).toMatchObject({ outside_month: [1, '-120.25'] });
    const invoice = { billed: '290.25', use: '412.5', ofOtherMonths: '-120.25', onOtherInvoices: '2' };
    expect(answer.invoice).toEqual(invoice);
    const shown = await desk.json(0, 'reconcile', 'show', '--month', '2026-10');
    expect(shown.invoice).toEqual(invoice);
    const { stdout } = await desk.run('reconcile', 'show', '--month', '2026-10');
    expect(stdout).toContain('290.25 = 412.5 of the month + -120.25 of other months - 2 on other invoices');
    const september = await desk.json(3, 'reconcile', '--month', '2026-09', '--export', file);
    expect(september.totals.billed).toBe('-120.25');
    expect(september.invoice).toMatchObject({ billed: '0', use: '-120.25', onOtherInvoices: '-120.25' });
  });

  test('beside a bill that names no invoices: its charges are on that of their month', async () => {
    const period = { from: '10-10T00:00:00', to: '10-11T00:00:00', resource: 'R-1' };
    const named = focus(
      'named.csv',
      { ...period, cost: '7.5' },
      { ...period, from: '09-30T00:00:00', to: '10-01T00:00:00', cost: '2' },
    );
    const nameless = desk.write('nameless.csv', [
      columns.replace('BillingPeriodStart,', ''),
      row({ ...period, resource: 'R-2', cost: '30.25' }).replace(/^[^,]*,/, ''),
    ]);
    await reconcile(3, named);
    const { invoice } = await reconcile(3, nameless);
    expect(invoice).toEqual({ billed: '39.75', use: '37.75', ofOtherMonths: '2', onOtherInvoices: '0' });
  });
});
