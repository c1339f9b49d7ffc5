import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { type MadeLine, type MadeLog, vapiJson } from './made-month.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

const call = (callId: string, started: string, changes: Partial<MadeLine> = {}): MadeLine => ({
  callId,
  assistant: 'assistant',
  createdMs: Date.parse(started),
  startedMs: Date.parse(started),
  endedMs: Date.parse(started) + 60_000,
  cost: 1000,
  status: 'ended',
  kind: '',
  ...changes,
});

const logOf = ({ callId, assistant, startedMs }: MadeLine, changes: Partial<MadeLog> = {}): MadeLog => ({
  callId,
  assistant,
  user: 'ada',
  startedMs: startedMs ?? 0,
  durationMs: 60_000,
  cost: 1000,
  status: 'completed',
  kind: '',
  ...changes,
});

const load = (...logs: MadeLog[]) =>
  desk.loadMonth({
    month: '',
    users: ['ada'],
    assistants: [{ id: 'assistant', user: 'ada' }],
    lines: [],
    logs,
  });

const write = (name: string, ...lines: MadeLine[]) => desk.write(name, lines.map(vapiJson));

async function reconcile(month: string, ...args: string[]): Promise<Record<string, number>> {
  const { stdout, stderr } = await desk.run('reconcile', '--month', month, ...args, '--json');
  expect(stderr.replace(/^warning: .* repeat lines of the exports of .*\n/gm, '')).toBe('');
  const { kinds } = JSON.parse(stdout) as { kinds: Record<string, { count: number }> };
  return Object.fromEntries(Object.entries(kinds).map(([kind, { count }]) => [kind, count]));
}

describe('a line that a later bill has again', () => {
  const october = call('a', '2026-10-31T23:00:00Z');
  const november = call('b', '2026-11-02T10:00:00Z');

  test('is billed twice where the month of its own has it', async () => {
    await load(logOf(october), logOf(november));
    expect(await reconcile('2026-10', '--export', write('oct', october))).toEqual({ matched: 1 });
    const file = write('nov', october, november);
    expect(await reconcile('2026-11', '--export', file)).toEqual({ duplicate_line: 1, matched: 1 });
    const { totals } = await desk.json(3, 'reconcile', '--month', '2026-11');
    expect(totals).toEqual({ billed: '0.1', logged: '0.1000', difference: '0.0000' });
  });

  test('is only of another month where it comes first', async () => {
    await load(logOf(october), logOf(november));
    expect(await reconcile('2026-11', '--export', write('nov', october, november))).toEqual({
      matched: 1,
      outside_month: 1,
    });
    expect(await reconcile('2026-10', '--export', write('oct', october))).toEqual({ matched: 1 });
    expect(await reconcile('2026-11')).toEqual({ matched: 1, outside_month: 1 });
  });

  test('is no repetition in its own month, whoever billed it before', async () => {
    await load(logOf(october), logOf(november));
    await reconcile('2026-11', '--export', write('nov', october, november));
    expect(await reconcile('2026-10', '--export', write('oct', october, october))).toEqual({
      duplicate_line: 1,
      matched: 1,
    });
  });
});

describe('clocks that disagree at the edge of a month', () => {
  const line = call('a', '2026-11-01T00:00:00Z');
  const other = call('b', '2026-10-31T12:00:00Z');
  const third = call('c', '2026-10-20T12:00:00Z');

  test('a log is told where its line is, and nowhere else', async () => {
    await load(logOf(line, { startedMs: Date.parse('2026-10-31T23:59:59Z') }), logOf(other), logOf(third));
    expect(await reconcile('2026-10', '--export', write('oct', other, third))).toEqual({
      matched: 2,
      unbilled: 1,
    });
    expect(await reconcile('2026-11', '--export', write('nov', line))).toEqual({ matched: 1 });
    expect(await reconcile('2026-10')).toEqual({ matched: 2 });
  });

  test('also without an id; and it is not taken twice', async () => {
    const before = Date.parse('2026-10-31T23:59:58Z');
    await load(logOf(line, { callId: null, startedMs: before }), logOf(third));
    expect(await reconcile('2026-11', '--export', write('nov', line))).toEqual({ matched: 1 });
    const near = call('x', '2026-10-31T23:59:57Z');
    expect(await reconcile('2026-10', '--export', write('oct', third, near))).toEqual({
      matched: 1,
      unlogged: 1,
    });
  });

  test('the first instant belongs to the month, the last does not', async () => {
    await load(logOf(line), logOf(other));
    const files = ['--export', write('both', line, other)];
    expect(await reconcile('2026-11', ...files)).toEqual({ matched: 1, outside_month: 1 });
    expect(await reconcile('2026-10', ...files)).toEqual({ matched: 1, outside_month: 1 });
  });
});

describe('files', () => {
  const lines = Array.from({ length: 6 }, (_, n) => call(`call-${n}`, `2026-10-1${n}T00:00:00Z`));

  test('the same one under another name, from stdin, or again: no new row', async () => {
    await load(...lines.map((line) => logOf(line)));
    const file = write('first.jsonl', ...lines);
    expect(await reconcile('2026-10', '--export', file)).toEqual({ matched: 6 });
    const before = await desk.snapshot();
    expect(await reconcile('2026-10', '--export', write('second.jsonl', ...lines))).toEqual({ matched: 6 });
    const piped = desk.with({ input: readFileSync(file, 'utf8') });
    expect(await piped.json('reconcile', '--month', '2026-10', '--export', '-')).toMatchObject({
      exports: [{ source: file, lines: 6 }],
      auditId: null,
    });
    expect(await desk.snapshot()).toEqual(before);
  });

  test('more of them later are one month with the first; gzip too', async () => {
    await load(...lines.map((line) => logOf(line)));
    expect(await reconcile('2026-10', '--export', write('one', ...lines.slice(0, 2)))).toEqual({
      matched: 2,
      unbilled: 4,
    });
    const packed = desk.path('two.gz');
    writeFileSync(packed, gzipSync(readFileSync(write('two', ...lines.slice(2)))));
    expect(await reconcile('2026-10', '--export', packed)).toEqual({ matched: 6 });
  });

  test('a newer one takes the place of the others with --replace, and keeps what was resolved', async () => {
    const running = call('running', '2026-10-20T00:00:00Z', {
      endedMs: null,
      cost: null,
      status: 'in-progress',
    });
    const [first = running] = lines;
    await load(logOf(first));
    const early = write('early', ...lines.slice(0, 2), running);
    expect(await reconcile('2026-10', '--export', early)).toEqual({ matched: 1, unlogged: 1, unsettled: 1 });
    await desk.resolve(0, 'unlogged', 'accepted', 'a test call');
    const settled = { ...running, endedMs: Date.parse('2026-10-20T00:01:00Z'), cost: 2000, status: 'ended' };
    const late = write('late', ...lines.slice(0, 2), settled);
    expect(await reconcile('2026-10', '--export', late)).toEqual({
      duplicate_line: 2,
      matched: 1,
      unlogged: 2,
      unsettled: 1,
    });
    expect(await reconcile('2026-10', '--export', late, '--replace')).toEqual({ matched: 1, unlogged: 2 });
    const { entries } = await desk.json(0, 'reconcile', 'show', '--month', '2026-10', '--kind', 'unlogged');
    expect(
      entries.map(({ externalId, resolution }: Record<string, unknown>) => [externalId, resolution]).sort(),
    ).toEqual([
      ['call-1', 'accepted'],
      ['running', null],
    ]);
    expect(await reconcile('2026-10', '--export', early, '--replace')).toEqual({
      matched: 1,
      unlogged: 1,
      unsettled: 1,
    });
  });

  test('a dry run tells the answer and leaves nothing', async () => {
    await load(...lines.slice(1).map((line) => logOf(line)));
    const before = await desk.snapshot();
    expect(await reconcile('2026-10', '--export', write('dry', ...lines), '--dry-run')).toEqual({
      matched: 5,
      unlogged: 1,
    });
    expect(await desk.snapshot()).toEqual(before);
  });

  test('tolerances are kept for later runs', async () => {
    await load(...lines.map((line) => logOf(line, { durationMs: 63_000, cost: 1100 })));
    const file = write('tolerant', ...lines);
    expect(await reconcile('2026-10', '--export', file)).toEqual({ duration_mismatch: 6 });
    expect(await reconcile('2026-10', '--duration-tolerance', '3')).toEqual({ cost_mismatch: 6 });
    expect(await reconcile('2026-10', '--cost-tolerance', '0.01')).toEqual({ matched: 6 });
    expect(await reconcile('2026-10', '--export', file)).toEqual({ matched: 6 });
  });
});

test('a month in which everything fits ends with 0, another with 3', async () => {
  const line = call('a', '2026-10-10T00:00:00Z');
  await load(logOf(line));
  const file = write('fits', line, { ...line, callId: 'no', startedMs: null, endedMs: null, cost: 0 });
  const answer = await desk.json(0, 'reconcile', '--month', '2026-10', '--export', file);
  expect(Object.keys(answer.kinds).sort()).toEqual(['matched', 'not_connected']);
});
