import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

beforeEach(async () => {
  await desk.query(`insert into quota.users (external_id, created_at) values ('ada', '2024-01-01')`);
  for (const provider of ['openai', 'vapi']) {
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, status, started_at, cost, duration_seconds)
       select id, 'chat', $1, 'completed', '2026-09-12T10:00:00Z', 0.75, 3 from quota.users`,
      [provider],
    );
  }
});

const write = (name: string, text: string) => desk.write(name, text);

const days = (tail: string) =>
  Array.from({ length: 30 }, (_, n) => {
    const start = Date.UTC(2026, 8, n + 1) / 1000;
    return `${start},${start + 86_400},,${tail}\n`;
  }).join('');
const times = 'start_time,end_time,start_time_iso,end_time_iso';
const emptyBuckets = JSON.stringify({
  object: 'page',
  data: [{ object: 'bucket', start_time: 1788220800, end_time: 1790812800, results: [] }],
  has_more: false,
  next_page: null,
});

const unbilled = { unbilled: { count: 1, billed: '0', logged: '0.75' } };

describe('a month in which nothing was billed', () => {
  test.each([
    ['four columns', 'openai', times, `${times}\n${days('')}`],
    [
      'all columns',
      'openai',
      'all',
      `${times},amount_value,amount_currency,line_item,project_id\n${days(',,,,')}`,
    ],
    ['buckets without results', 'openai', 'json', emptyBuckets],
    ['an empty list', 'vapi', 'list', '[]'],
    ['an empty page', 'vapi', 'page', '{"results":[],"metadata":{}}'],
  ])('is reconciled and closed: %s', async (_, provider, name, text) => {
    const month = ['--month', '2026-09', '--provider', provider];
    const file = write(`${name.slice(0, 4)}.${provider}`, text);
    const answer = await desk.json(3, 'reconcile', ...month, '--export', file);
    expect(answer.kinds).toEqual(unbilled);
    expect(answer).toMatchObject({
      totals: { billed: '0', difference: '-0.75' },
      quantities: null,
      currency: 'USD',
    });
    const all = ['--kind', 'unbilled', '--as', 'accepted', '--reason', 'free credits', '--yes'];
    await desk.json(0, 'reconcile', 'resolve', ...month, ...all);
    // What was looked at is what is closed.
    const raise = `update quota.call_logs set cost = cost + $2 where provider = $1`;
    await desk.query(raise, [provider, 1]);
    const { error } = await desk.json(5, 'reconcile', 'close', ...month, '--yes');
    expect(error.message).toContain('the logs of 2026-09 have changed since it was last reconciled');
    await desk.query(raise, [provider, -1]);
    expect((await desk.json(0, 'reconcile', 'close', ...month, '--yes')).closedBy).toBeTruthy();
  });

  test('is said where there is no file; a bill that comes takes its place', async () => {
    const month = ['--month', '2026-09', '--provider', 'openai'];
    const said = await desk.json(3, 'reconcile', ...month, '--nothing-billed');
    expect(said.kinds).toEqual(unbilled);
    expect(said.exports).toMatchObject([{ source: 'nothing was billed', lines: 0 }]);
    expect((await desk.json(3, 'reconcile', ...month, '--nothing-billed')).auditId).toBeNull();
    const start = Date.UTC(2026, 8, 12) / 1000;
    const bill = write('late.csv', `${times},amount_value\n${start},${start + 86_400},,,0.75\n`);
    const answer = await desk.json(0, 'reconcile', ...month, '--export', bill);
    expect(answer.exports).toHaveLength(1);
    const { error } = await desk.json(65, 'reconcile', ...month, '--nothing-billed');
    expect(error.message).toContain('2026-09 has a bill: ');
    const aside = await desk.json(3, 'reconcile', ...month, '--nothing-billed', '--replace');
    expect(aside.exports).toMatchObject([{ lines: 0 }]);
  });

  test('is not that of another month, nor a file that may be cut off', async () => {
    const september = write('september.csv', `${times}\n${days('')}`);
    for (const code of [65, 65]) {
      const { error } = await desk.json(code, 'reconcile', '--month', '2026-08', '--export', september);
      expect(error.message).toMatch(/has no (day|line) of 2026-08/);
    }
    const head = write('head.csv', 'id,started_at,cost\n');
    const { error } = await desk.json(
      65,
      'reconcile',
      '--month',
      '2026-09',
      '--provider',
      'acme',
      '--export',
      head,
    );
    expect(error.suggestion).toContain('--nothing-billed --provider acme in place of the file');
    const nobody = await desk.json(4, 'reconcile', '--month', '2026-07', '--nothing-billed');
    expect(nobody.error.suggestion).toContain('--nothing-billed --provider NAME');
    const together = await desk.json(
      2,
      'reconcile',
      '--month',
      '2026-09',
      '--nothing-billed',
      '--export',
      head,
    );
    expect(together.error.message).toContain('stands in place of a bill');
  });
});
