import { describe, expect, test } from 'vitest';
import { randomOf } from '../../fixtures/seed/random.ts';
import fc from '../fast-check.ts';
import { expectedKinds, type MadeMonth, makeMonth, vapiJson } from './made-month.ts';
import { MonthDesk } from './month-desk.ts';

/** Sums as numbers of ten-thousandths: `1.2` and `1.2000` are the same money. */
function plainKinds(kinds: Record<string, { count: number; billed: string; logged: string }>) {
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, { count, billed, logged }]) => [
      kind,
      { count, billed: Number(billed), logged: Number(logged) },
    ]),
  );
}

function shuffled<Item>(list: readonly Item[], seed: number): Item[] {
  const random = randomOf(seed, 'order');
  const order = list.map((item) => ({ item, place: random.next() }));
  return order.sort((one, other) => one.place - other.place).map(({ item }) => item);
}

interface Arrangement {
  files: number;
  /** In one run, or each in a run of its own. */
  together: boolean;
  /** The seed of the order of lines and logs. */
  order: number;
}

async function reconcile(desk: MonthDesk, made: MadeMonth, { files, together, order }: Arrangement) {
  const lines = shuffled(made.lines.map(vapiJson), order);
  const size = Math.ceil(lines.length / files);
  const paths = Array.from({ length: files }, (_, index) =>
    desk.write(`${index}.jsonl`, lines.slice(index * size, (index + 1) * size)),
  );
  const run = (some: string[]) =>
    desk.json(3, 'reconcile', '--month', made.month, ...some.flatMap((path) => ['--export', path]));
  if (together) {
    return run(paths);
  }
  let answer: Awaited<ReturnType<typeof run>>;
  for (const path of paths) {
    answer = await run([path]);
  }
  return answer;
}

/** Every line and every log of the month in one item, of the kind that was planned for it. */
async function expectEachOnce(desk: MonthDesk, made: MadeMonth): Promise<void> {
  const [counts] = await desk.query(
    `select count(export_id)::int as lines, count(distinct (export_id, line)) filter (where line is not null)::int as distinct_lines,
       count(log_id)::int as logs, count(distinct log_id)::int as distinct_logs from quota.reconciled_items`,
  );
  const logs = made.logs.length;
  const lines = made.lines.length;
  expect(counts).toEqual({ lines, distinct_lines: lines, logs, distinct_logs: logs });
  const wrong = await desk.query(
    `select i.kind, g.metadata ->> 'kind' as expected, g.provider_call_id, i.export_id, i.line
     from quota.reconciled_items i join quota.call_logs g on g.id = i.log_id
     where i.kind <> g.metadata ->> 'kind'`,
  );
  expect(wrong).toEqual([]);
  const found = await desk.query<{ call: string; kinds: string[] }>(
    `select l.external_id as call, array_agg(i.kind order by i.kind) as kinds
     from quota.reconciled_items i join quota.billing_lines l using (export_id, line) group by 1`,
  );
  const planned = new Map<string, string[]>();
  for (const { callId, kind } of made.lines) {
    planned.set(callId, [...(planned.get(callId) ?? []), kind].sort());
  }
  expect(new Map(found.map(({ call, kinds }) => [call, kinds]))).toEqual(planned);
}

async function expectPlanned(made: MadeMonth, { files, together, order }: Arrangement): Promise<void> {
  const desk = await new MonthDesk().open();
  try {
    await desk.loadMonth({ ...made, logs: shuffled(made.logs, order) });
    const answer = await reconcile(desk, made, { files, together, order });
    const expected = expectedKinds(made);
    expect(plainKinds(answer.kinds)).toEqual(expected);
    await expectEachOnce(desk, made);
    const billed = Object.values(expected).reduce((sum, kind) => sum + kind.billed, 0);
    const beside = (expected.duplicate_line?.billed ?? 0) + (expected.outside_month?.billed ?? 0);
    const { totals } = answer;
    expect(Number(totals.billed)).toBeCloseTo(billed - beside, 4);
    expect(Number(totals.difference)).toBeCloseTo(Number(totals.billed) - Number(totals.logged), 4);
  } finally {
    await desk.close();
  }
}

describe.each([
  { seed: 1, month: '2026-10', users: 40, calls: 1500 },
  { seed: 2, month: '2026-02', users: 3, calls: 400 },
  { seed: 5, month: '2027-01', users: 150, calls: 2500 },
])('a made month (seed $seed, $calls calls)', ({ seed, month, ...size }) => {
  test.each([
    { files: 1, together: true, order: 1 },
    { files: 3, together: true, order: 2 },
    { files: 2, together: false, order: 3 },
  ])('comes to what was planned: $files files, together $together, order $order', (arrangement) =>
    expectPlanned(makeMonth(seed, month, size), arrangement),
  );
});

test('any month, of any size, in any order and any number of files, comes to what was planned', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        month: fc.constantFrom('2024-02', '2025-12', '2026-03', '2026-11'),
        users: fc.integer({ min: 2, max: 40 }),
        calls: fc.integer({ min: 60, max: 700 }),
        arrangement: fc.record({
          files: fc.integer({ min: 1, max: 4 }),
          together: fc.boolean(),
          order: fc.nat(),
        }),
      }),
      ({ seed, month, users, calls, arrangement }) =>
        expectPlanned(makeMonth(seed, month, { users, calls }), arrangement),
    ),
    { numRuns: 5 },
  ));
