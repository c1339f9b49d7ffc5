import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

beforeEach(async () => {
  await desk.query(`insert into quota.users (external_id, created_at) values ('ada', '2024-01-01')`);
});

/** Logs of a service, one per row: when, the model, the cost, the seconds. */
async function logs(
  service: string,
  ...rows: [at: string, model: string, cost: string | null, seconds?: number][]
) {
  for (const [at, model, cost, seconds = null] of rows) {
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, model, started_at, cost, duration_seconds, messages)
       select id, $1, 'openai', $2, $3, $4, $5, 1 from quota.users`,
      [service, model, at, cost, seconds],
    );
  }
}

const costs = (name: string, ...rows: [day: number, amount: string, item: string][]) =>
  desk.write(name, [
    'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id',
    ...rows.map(([day, amount, item]) => {
      const two = (n: number) => String(n).padStart(2, '0');
      const seconds = Date.UTC(2026, 9, day) / 1000;
      const iso = (n: number) => (n > 31 ? '2026-11-01' : `2026-10-${two(n)}`);
      return `${seconds},${seconds + 86_400},${iso(day)}T00:00:00+00:00,${iso(day + 1)}T00:00:00+00:00,${amount},usd,"${item}",p`;
    }),
  ]);

const counts = ({ kinds }: { kinds: Record<string, { count: number }> }) =>
  Object.fromEntries(Object.entries(kinds).map(([kind, { count }]) => [kind, count]));

describe('costs of days', () => {
  test('are compared per day and model, too much and too little alike', async () => {
    await logs(
      'chat',
      ['2026-10-01T00:00:00Z', 'gpt-4o', '0.60'],
      ['2026-10-01T23:59:59.9Z', 'gpt-4o', '0.40'],
      ['2026-10-02T12:00:00Z', 'gpt-4o-2024-08-06', '1.0'],
      ['2026-10-03T12:00:00Z', 'gpt-4o', '1.0'],
      ['2026-10-04T12:00:00Z', 'o3', '5.0'],
      ['2026-11-01T00:00:00Z', 'gpt-4o', '9.0'],
    );
    const file = costs(
      'costs.csv',
      [1, '0.7000000000000000', 'gpt-4o-2024-08-06, input'],
      [1, '0.3090000000000000', 'gpt-4o-2024-08-06, output'],
      [2, '1.0112', 'gpt-4o-2024-08-06, input'],
      [3, '0.98', 'gpt-4o-2024-08-06, input'],
      [5, '2.5', 'whisper-1'],
    );
    const answer = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
    expect(counts(answer)).toEqual({ matched: 1, aggregate_mismatch: 4 });
    expect(answer.provider).toBe('openai');
    expect(answer.totals).toEqual({
      billed: '5.5002000000000000',
      logged: '8.00',
      difference: '-2.4998000000000000',
    });
    const { entries } = await desk.json(
      0,
      'reconcile',
      'show',
      '--month',
      '2026-10',
      '--kind',
      'aggregate_mismatch',
    );
    expect(
      entries.map(({ day, model, billed, logged }: Record<string, string>) => [
        day,
        model,
        Number(billed),
        Number(logged),
      ]),
    ).toEqual([
      ['2026-10-02', 'gpt-4o', 1.0112, 1],
      ['2026-10-03', 'gpt-4o', 0.98, 1],
      ['2026-10-04', 'o3', 0, 5],
      ['2026-10-05', 'whisper-1', 2.5, 0],
    ]);
    const tolerant = await desk.json(3, 'reconcile', '--month', '2026-10', '--day-tolerance-percent', '2.5');
    expect(counts(tolerant)).toEqual({ matched: 3, aggregate_mismatch: 2 });
    const generous = await desk.json(0, 'reconcile', '--month', '2026-10', '--day-tolerance-amount', '5');
    expect(counts(generous)).toEqual({ matched: 5 });
    const matched = await desk.json(
      0,
      'reconcile',
      'show',
      '--month',
      '2026-10',
      '--kind',
      'matched',
      '--limit',
      '2',
    );
    const rest = await desk.json(
      0,
      'reconcile',
      'show',
      '--month',
      '2026-10',
      '--kind',
      'matched',
      '--after',
      matched.next,
    );
    expect([...matched.entries, ...rest.entries].map(({ day }: { day: string }) => day)).toEqual([
      '2026-10-01',
      '2026-10-02',
      '2026-10-03',
      '2026-10-04',
      '2026-10-05',
    ]);
  });

  test('that are of another month are outside, and a bill without any of the month is refused', async () => {
    await logs('chat', ['2026-10-31T12:00:00Z', 'gpt-4o', '1']);
    const file = costs('edge.csv', [31, '1.0', 'gpt-4o'], [32, '7.0', 'gpt-4o']);
    const answer = await desk.json(0, 'reconcile', '--month', '2026-10', '--export', file);
    expect(answer.kinds).toMatchObject({
      matched: { count: 1, billed: '1.0' },
      outside_month: { count: 1, billed: '7.0' },
    });
    await desk.json(65, 'reconcile', '--month', '2026-08', '--export', file);
  });
});

test('usage of days is compared in seconds and requests, and rates read both ways', async () => {
  await logs(
    'transcription',
    ['2026-10-05T10:00:00Z', 'whisper-1', null, 100.4],
    ['2026-10-05T11:00:00Z', 'whisper-1', null, 200.3],
    ['2026-10-06T11:00:00Z', 'whisper-1', null, 61],
  );
  const head =
    'start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,seconds';
  const row = (day: string, seconds: string) =>
    `${Date.parse(day) / 1000},,${day}T00:00:00+00:00,,p,2.0,,k,whisper-1,${seconds}`;
  const file = desk.write('usage.csv', [head, row('2026-10-05', '301.0'), row('2026-10-06', '90.0')]);
  const answer = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
  expect(counts(answer)).toEqual({ matched: 1, aggregate_mismatch: 1 });
  const { entries } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10', '--open');
  expect(entries).toMatchObject([{ day: '2026-10-06', billedSeconds: '90.0', loggedSeconds: '61.000' }]);
  const { rates } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10');
  const expected = Object.fromEntries(
    rates.map(({ name, expected: amount }: Record<string, string>) => [name, Number(amount)]),
  );
  expect(expected).toEqual({
    'whisper by the second': 0.0361,
    'whisper by the minute': 0.048,
  });
});

test('fees are fees, in the sum, and nothing that differs', async () => {
  const { kinds, totals } = await desk.json(
    3,
    'reconcile',
    '--month',
    '2026-10',
    '--export',
    `${process.cwd()}/fixtures/exports/focus-1.2.csv`,
  );
  expect(kinds.fee.count).toBeGreaterThan(0);
  expect(Number(totals.billed)).toBeGreaterThan(0);
});

test('HeyGen sessions are priced by the rate card: 30 seconds at least, then by the second', async () => {
  const at = Date.parse('2026-10-07T08:00:00Z') / 1000;
  const sessions = [12, 95.5, 30].map((duration, n) => ({
    session_id: `s${n}`,
    status: 'closed',
    created_at: at + n * 1000,
    duration,
    avatar_id: 'wayne',
  }));
  for (const { session_id, created_at, duration } of sessions.slice(0, 2)) {
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
       select id, 'avatar', 'heygen', $1, to_timestamp($2), $3 from quota.users`,
      [session_id, created_at, duration],
    );
  }
  const file = desk.write('heygen.json', [
    JSON.stringify({ code: 100, data: sessions, message: 'Success', total: 3 }),
  ]);
  const answer = await desk.json(3, 'reconcile', '--month', '2026-10', '--export', file);
  expect(counts(answer)).toEqual({ matched: 2, unlogged: 1 });
  const { rates } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10');
  expect(rates).toMatchObject([
    {
      name: 'streaming',
      unit: 'credit',
      logs: 2,
      lines: 3,
      expected: '0.420000',
      byBillDurations: '0.520000',
      billed: null,
    },
  ]);
});
