import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import {
  type ApiCall,
  ApiDesk,
  callsOfMonth,
  fetchLine,
  makeApiMonth,
  month,
  reconcileFile,
} from './api-month.ts';

const { made, calls } = makeApiMonth(11, 900);
const queries: URLSearchParams[] = [];
let onRequest: ((count: number) => void) | undefined;

/** Calls whose creation and start lie on different sides of a border, and the month that they belong to. */
const border = (id: string, createdAt: string, startedAt: string): ApiCall => ({
  id,
  createdAt,
  updatedAt: createdAt,
  startedAt,
  endedAt: new Date(Date.parse(startedAt) + 60_000).toISOString(),
  assistantId: made.assistants[0]?.id,
  status: 'ended',
  cost: 0.0625,
});
const borders = [
  border('rang-over-midnight', '2026-09-30T23:59:50.000Z', '2026-10-01T00:00:05.000Z'),
  border('scheduled-in-september', '2026-09-25T08:00:00.000Z', '2026-10-01T08:00:00.000Z'),
  border('clocks-differ', '2026-11-01T00:00:00.200Z', '2026-10-31T23:59:59.900Z'),
  border('of-november', '2026-10-31T23:59:50.000Z', '2026-11-01T00:00:05.000Z'),
  border('of-september', '2026-09-30T23:58:00.000Z', '2026-09-30T23:59:59.999Z'),
];
const all = [...calls, ...borders];

const desk = perFile(
  new ApiDesk(
    { made, calls: all },
    {
      onRequest: ({ path, query }) => {
        if (path === '/call') {
          queries.push(query);
          onRequest?.(queries.length);
        }
      },
    },
  ),
);
afterEach(() => {
  onRequest = undefined;
  queries.length = 0;
  desk.vapi.clearFaults();
});

const exportRows = () =>
  desk.query<{ sha256: string; source: string; attached: boolean }>(
    `select e.sha256, e.source, x.export_id is not null as attached
     from quota.billing_exports e left join quota.reconciliation_exports x on x.export_id = e.id order by e.id`,
  );

test('a month with ties at the edges of pages, calls over its borders and faults comes to what a file comes to', async () => {
  desk.vapi.setFaults({ rate: 0.2, kinds: ['error', 'html', 'rateLimit', 'drop', 'lost', 'lostHtml'] });
  const { code, answer } = await desk.fetch('--attempts', '10');
  expect(code).toBe(3);
  const own = callsOfMonth(all);
  expect(own.length).toBeGreaterThan(600);
  expect(queries.length).toBeGreaterThan(4);
  const file = desk.write(
    'month.jsonl',
    own.map((call) => JSON.stringify(call)),
  );
  const { kinds, totals } = await reconcileFile(made, file);
  expect(answer.kinds).toEqual(kinds);
  expect(answer.totals).toEqual(totals);
  expect(answer.exports).toEqual([{ source: 'vapi:api', sha256: expect.any(String), lines: own.length }]);
  const created = all.filter(({ createdAt }) => createdAt.startsWith(month));
  expect(answer.control).toMatchObject({
    from: '2026-10-01T00:00:00.000Z',
    to: '2026-11-01T00:00:00.000Z',
    calls: { provider: created.length, fetched: created.length },
    cost: { difference: '0' },
    agrees: true,
    days: [],
  });
  expect(answer.auditId).not.toBeNull();
});

test("the month keeps the provider's own count: show, list, a run without a fetch, and the page tell it", async () => {
  const { control } = (await desk.fetch()).answer;
  const of = ['--month', month];
  const shown = await desk.json(0, 'reconcile', 'show', ...of);
  expect(shown.control).toEqual(control);
  expect((await desk.run('reconcile', 'show', ...of)).stdout).toContain(
    `control: VAPI counts ${control.calls.provider} calls for ${control.cost.provider}, as fetched`,
  );
  expect((await desk.run('reconcile', 'list')).stdout).toMatch(/control\n.* agrees\n$/);
  expect((await desk.json(3, 'reconcile', ...of)).control).toEqual(control);
  const page = desk.path('controlled.html');
  await desk.json(0, 'reconcile', 'report', ...of, '-o', page);
  const calls = new Intl.NumberFormat('en').format(control.calls.provider);
  expect(readFileSync(page, 'utf8')).toContain(
    `The provider's own count agrees: its statistics have ${calls} calls`,
  );
});

test('again: nothing changes; other transcripts and another order of members are no other bill', async () => {
  const before = await desk.snapshot();
  const again = await desk.fetch();
  expect(again).toMatchObject({ code: 3, answer: { auditId: null } });
  expect(await desk.snapshot()).toEqual(before);

  desk.vapi.putCalls(
    all.map((call) => ({
      ...(Object.fromEntries(Object.entries(call).reverse()) as ApiCall),
      messages: [],
      updatedAt: '2026-11-05T00:00:00.000Z',
    })),
  );
  await desk.fetch();
  expect(await desk.snapshot()).toEqual(before);
});

test('changed: a new export takes the place of the former one, and the former one is known again', async () => {
  const [first] = await exportRows();
  const changed = callsOfMonth(calls).find(({ cost, startedAt }) => Number(cost) > 0 && startedAt);
  const before = await desk.fetch();
  desk.vapi.putCalls([{ ...changed, id: changed?.id ?? '', cost: 9.75 }]);
  const { answer } = await desk.fetch();
  expect(await exportRows()).toMatchObject([
    { ...first, attached: false },
    { source: 'vapi:api', attached: true },
  ]);
  expect(answer.kinds.duplicate_line).toBeUndefined();
  expect(Number(answer.totals.billed)).toBeCloseTo(
    Number(before.answer.totals.billed) + 9.75 - Number(changed?.cost),
    6,
  );
  desk.vapi.putCalls([{ ...changed, id: changed?.id ?? '' }]);
  expect((await desk.fetch()).answer.totals).toEqual(before.answer.totals);
  expect((await exportRows()).map(({ attached }) => attached)).toEqual([true, false]);
});

test('a dry run says the same and changes no table', async () => {
  desk.vapi.putCalls([border('new', '2026-10-10T10:00:00.000Z', '2026-10-10T10:00:05.000Z')]);
  const before = await desk.snapshot();
  const dry = await desk.fetch('--dry-run');
  expect(await desk.snapshot()).toEqual(before);
  const wet = await desk.fetch();
  expect(dry.answer).toMatchObject({ dryRun: true, auditId: null, kinds: wet.answer.kinds });
  expect(dry.answer.exports).toEqual(wet.answer.exports);
});

test('calls that arrive or change while the pages are read are in it', async () => {
  const { answer: before } = await desk.fetch();
  queries.length = 0;
  onRequest = (count) => {
    if (count === 3) {
      const late = border('arrived', '2026-10-31T22:00:00.000Z', '2026-10-31T22:00:05.000Z');
      desk.vapi.putCalls([{ ...late, updatedAt: '2026-11-04T00:00:00.000Z' }]);
    }
  };
  const { answer } = await desk.fetch();
  expect(answer.exports[0].lines).toBe(before.exports[0].lines + 1);
  expect(answer.control.agrees).toBe(true);
});

test('a list that its retention cuts off: former calls are kept, and the control total tells', async () => {
  const { answer: before } = await desk.fetch();
  desk.vapi.keepCallsSince('2026-10-08T00:00:00Z');
  const { code, answer, stderr } = await desk.fetch();
  desk.vapi.keepCallsSince('2000-01-01T00:00:00Z');
  expect(code).toBe(3);
  expect(stderr).toMatch(/VAPI does not list \d+ calls of 2026-10 any more: kept as fetched/);
  expect(stderr).toContain("VAPI's own count differs from its list");
  expect(answer.exports).toEqual(before.exports);
  expect(answer.kinds).toEqual(before.kinds);
  const { calls: counted, cost, agrees, days } = answer.control;
  expect(agrees).toBe(false);
  expect(counted.provider - counted.fetched).toBeGreaterThan(50);
  expect(Number(cost.difference)).toBeCloseTo(Number(cost.provider) - Number(cost.fetched), 6);
  expect(days.map(({ day }: { day: string }) => day)).toContain('2026-10-03');
  expect(days.at(-1).day).toBe('2026-10-07');
  // The bill kept the calls: what was counted of it when the list was whole still holds.
  expect((await desk.json(0, 'reconcile', 'show', '--month', month)).control).toEqual(before.control);
});

test('a file of the month beside the fetch is told of, and --replace leaves the fetch alone', async () => {
  const file = desk.path('month.jsonl');
  const beside = await desk.run('reconcile', '--month', month, '--export', file);
  expect(beside.stderr).toMatch(/\d+ of \d+ lines of .*month\.jsonl repeat lines of the exports of 2026-10/);
  const both = await desk.fetch();
  expect(both.answer.kinds.duplicate_line.count).toBeGreaterThan(600);
  const { answer } = await desk.fetch('--replace');
  expect(answer.exports.map(({ source }: { source: string }) => source)).toEqual(['vapi:api']);
  const files = await desk.json(3, 'reconcile', '--month', month, '--export', file, '--replace');
  expect(files).not.toHaveProperty('control');
  expect((await desk.json(0, 'reconcile', 'show', '--month', month)).control).toBeNull();

  // Of a first fetch that its retention cuts off nothing is known but what VAPI counts.
  desk.vapi.keepCallsSince('2026-10-08T00:00:00Z');
  const { control } = (await desk.fetch('--replace')).answer;
  expect(control.agrees).toBe(false);
  expect((await desk.json(3, 'reconcile', '--month', month)).control).toEqual(control);
  expect((await desk.run('reconcile', 'show', '--month', month)).stdout).toContain('  2026-10-03: ');
  expect((await desk.run('reconcile', 'list')).stdout).toMatch(/ differs\n$/);
  const page = desk.path('differs.html');
  await desk.json(0, 'reconcile', 'report', '--month', month, '-o', page);
  expect(readFileSync(page, 'utf8')).toContain('own count differs from its list:</strong>');
  expect(readFileSync(page, 'utf8')).toContain('Calls listed');
  desk.vapi.keepCallsSince('2000-01-01T00:00:00Z');
  expect((await desk.fetch('--replace')).answer.control.agrees).toBe(true);
});

describe('what VAPI sends that cannot be read', () => {
  const bad = { ...border('backwards', '2026-10-12T10:00:00.000Z', '2026-10-12T10:00:05.000Z') };
  test('is refused with the id of the call, or left out and kept', async () => {
    desk.vapi.putCalls([{ ...bad, endedAt: '2026-10-12T09:00:00.000Z' }]);
    const { code, stderr } = await desk.fetch();
    expect(code).toBe(65);
    expect(JSON.parse(stderr.slice(stderr.indexOf('{"error"'))).error.detail).toContain(
      'column endedAt: is before startedAt (call "backwards")',
    );
    expect((await desk.fetch('--skip-invalid')).code).toBe(2);
    const rejects = desk.path('rejects.ndjson');
    const left = await desk.fetch('--skip-invalid', '--rejects', rejects);
    expect(left).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('1 call cannot be read and was left out'),
    });
    expect(JSON.parse(JSON.parse(readFileSync(rejects, 'utf8')).text)).toMatchObject({ id: 'backwards' });
    desk.vapi.deleteCall('backwards');
    await desk.fetch();
  });
});

describe('refused', () => {
  test.each([
    [2, ['--export', 'calls.jsonl'], {}, /--from-api does not go with --export/],
    [2, ['--provider', 'openai'], {}, /cannot fetch from openai/],
    [78, [], { VAPI_API_KEY: '' }, /VAPI_API_KEY/],
    [69, [], { VAPI_API_KEY: 'another' }, /refused the API key/],
    [69, ['--attempts', '1'], { VAPI_BASE_URL: 'http://127.0.0.1:9' }, /cannot be reached/],
  ])('with exit %i: %j', async (code, args, env, expected) => {
    const { error } = await desk.with({ env }).json(code, ...fetchLine, ...args);
    expect(error.message).toMatch(expected);
    expect(error.suggestion).toBeTruthy();
  });

  test('--rate without --from-api', async () => {
    await desk.json(2, 'reconcile', '--month', month, '--rate', '3');
  });

  test('while another process fetches the same month', async () => {
    await desk.session(async (other) => {
      await other.query(`select pg_advisory_lock(quota.lock_key('fetch of vapi 2026-10'))`);
      expect((await desk.fetch()).code).toBe(75);
    });
  });

  test('a month without calls, and a closed one before anything is asked', async () => {
    const { error } = await desk.json(4, 'reconcile', '--month', '2025-01', '--from-api');
    expect(error.message).toContain('VAPI has no call of 2025-01');
    await desk.json(0, 'reconcile', 'close', '--month', month, '--force', '--reason', 'test', '--yes');
    queries.length = 0;
    expect((await desk.fetch()).code).toBe(5);
    expect(queries).toEqual([]);
  });
});
