import { beforeEach, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

beforeEach(async () => {
  await desk.query(`insert into quota.users (external_id, created_at) values ('ada', '2024-01-01')`);
});

const write = (name: string, text: string) => desk.write(name, text);

const log = (
  provider: string,
  id: string | null,
  at: string,
  model: string | null,
  cost: string,
  seconds: number,
) =>
  desk.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, model, status, started_at, cost, duration_seconds)
     select id, 'chat', $1, $2, $3, 'completed', $4, $5, $6 from quota.users`,
    [provider, id, model, at, cost, seconds],
  );

const counts = ({ kinds }: { kinds: Record<string, { count: number }> }) =>
  Object.fromEntries(Object.entries(kinds).map(([kind, { count }]) => [kind, count]));

test('durations in whole seconds may be a second further apart', async () => {
  const head = 'Call ID\tAssistant ID\tDuration\tStarted At\tEnded At\tCost\n';
  const row = (id: string, duration: string) =>
    `${id}\tbot\t${duration}\t2026-10-03 16:12:19 GMT+0\t2026-10-03 16:14:39 GMT+0\t0.20\n`;
  await log('vapi', 'near', '2026-10-03T16:12:19.9Z', null, '0.20', 139 + 1.6);
  await log('vapi', 'far', '2026-10-03T16:12:19.9Z', null, '0.20', 139 + 2.1);
  const file = write('log.tsv', head + row('near', '139') + row('far', '139'));
  const answer = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
  expect(counts(answer)).toEqual({ matched: 1, duration_mismatch: 1 });
  const exact = write('exact.tsv', head + row('near', '139.00') + row('far', '139.5'));
  const strict = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', exact, '--replace');
  expect(counts(strict)).toEqual({ duration_mismatch: 2 });
});

test('models meet under the names of the bill, those of the logs, and aliases that are noted', async () => {
  const head =
    'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type\n';
  const row = (model: string, cost: string) =>
    `2026-10-03,${model},Default,k,message,≤ 200k,output,${cost},token\n`;
  for (const [model, cost] of [
    ['claude-haiku-4-5-20251001', '1.50'],
    ['claude-3-5-sonnet-latest', '2.50'],
    ['claude-next-preview', '3.50'],
  ] as const) {
    await log('anthropic', null, '2026-10-03T08:00:00Z', model, cost, 1);
  }
  const file = write(
    'console.csv',
    head +
      row('Claude Haiku 4.5', '1.50') +
      row('Claude Sonnet 3.5', '2.50') +
      row('Claude Whatever', '3.50'),
  );
  const first = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
  expect(counts(first)).toEqual({ matched: 2, aggregate_mismatch: 2 });
  const noted = await desk.json(0, 'reconcile', 'alias', 'Claude Whatever', 'claude-next-preview');
  expect(noted).toMatchObject({ alias: 'claudewhatever', before: null, model: 'claude-next-preview' });
  expect(counts(await desk.json(0, 'reconcile', '--month', '2026-10'))).toEqual({ matched: 3 });
  const { entries } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10', '--kind', 'matched');
  expect(entries.map(({ model }: { model: string }) => model).sort()).toEqual([
    'claude-3-5-sonnet-latest',
    'claude-haiku-4-5',
    'claude-next-preview',
  ]);
  const all = await desk.json(0, 'reconcile', 'alias');
  expect(all.map(({ alias }: { alias: string }) => alias)).toContain('claudewhatever');
  await desk.json(0, 'reconcile', 'alias', 'Claude Whatever', '--remove');
  expect(counts(await desk.json(3, 'reconcile', '--month', '2026-10'))).toMatchObject({ matched: 2 });
});

test('what was left out stays with the month', async () => {
  const text =
    'id,started_at,duration_seconds,cost\na,2026-10-03T10:00:00Z,60,0.50\nb,soon,60,0.25\nc,2026-10-03T10:00:00Z,60,much\n';
  const args = ['--month', '2026-10', '--provider', 'acme'];
  const { stdout, stderr } = await desk.run(
    ...['reconcile', ...args, '--export', write('bad.csv', text), '--skip-invalid', '--json'],
  );
  const leftOut = { lines: 2, amount: '0.25', withoutAmount: 1 };
  expect(JSON.parse(stdout).leftOut).toEqual(leftOut);
  expect(stderr).toContain(
    '2 lines cannot be read and were left out: 1 of them with 0.25 in all, 1 without an amount that can be read',
  );
  expect((await desk.json(0, 'reconcile', 'show', ...args)).leftOut).toEqual(leftOut);
  expect((await desk.run('reconcile', 'show', ...args)).stdout).toContain('missing in all sums: 2 lines');
});

test('how values are written is kept with a mapping', async () => {
  const text = 'Ref;Start;Betrag\nr-1;46298.5;"1.234,56"\n';
  const how = ['--map', 'Ref=id', '--map', 'Start=started_at', '--map', 'Betrag=cost'];
  const args = [...how, '--date-order', 'serial', '--decimal', 'comma', '--currency', 'eur'];
  const month = ['reconcile', '--month', '2026-10', '--export', write('sheet.csv', text)];
  const first = await desk.json(3, ...month, '--provider', 'acme', ...args, '--save-mapping', 'acme');
  expect(first).toMatchObject({ totals: { billed: '1234.56' }, currency: 'EUR' });
  const again = text.replace('r-1', 'r-2');
  const second = [
    'reconcile',
    '--month',
    '2026-10',
    '--export',
    write('again.csv', again),
    '--mapping',
    'acme',
  ];
  expect((await desk.json(3, ...second)).totals.billed).toBe('2469.12');
});

test('a price list in dollars says nothing of a bill in another currency', async () => {
  const bill = (currency: string) =>
    write(
      `${currency}.csv`,
      `id,started_at,duration_seconds,cost,currency\nc-${currency},2026-08-03T10:00:00Z,60,7.5,${currency}\n`,
    );
  const show = ['reconcile', 'show', '--month', '2026-08', '--provider', 'vapi'];
  await desk.run('reconcile', '--month', '2026-08', '--provider', 'vapi', '--export', bill('USD'));
  expect((await desk.json(0, ...show)).rates).toMatchObject([{ name: 'platform fee', unit: 'USD' }]);
  await desk.run(
    'reconcile',
    '--month',
    '2026-08',
    '--provider',
    'vapi',
    '--replace',
    '--export',
    bill('JPY'),
  );
  expect(await desk.json(0, ...show)).toMatchObject({ currency: 'JPY', rates: [] });
});

test('a currency that the bill does not leave open is not heeded in silence', async () => {
  const file = write(
    'vapi.json',
    JSON.stringify([
      {
        id: 'c',
        assistantId: 'a',
        startedAt: '2026-08-03T10:00:00Z',
        endedAt: '2026-08-03T10:01:00Z',
        cost: 1,
      },
    ]),
  );
  const { stderr } = await desk.run('reconcile', '--month', '2026-08', '--export', file, '--currency', 'JPY');
  expect(stderr).toContain('vapi.json: its amounts are in USD, so --currency JPY is not heeded');
});
