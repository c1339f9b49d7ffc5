import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Draw } from '../draw.ts';
import { provider, type StoredCall, storedCalls } from '../effects.ts';
import { Model } from '../model.ts';
import type { Place } from '../place.ts';
import type { Step, Told } from '../step.ts';
import type { StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { because } from './change-steps.ts';

/** A line of a bill, and the kind in which it must end. Costs are ten-thousandths. */
interface Line {
  key: string;
  startedMs: number;
  thousandths: number;
  cost: number;
  kind: string;
}

const monthOf = (ms: number) => new Date(ms).toISOString().slice(0, 7);

/** The month of a step, or the one before. */
function monthOfStep(step: Step): string {
  const at = new Date(step.at);
  return monthOf(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - (step.params.isLast ? 1 : 0), 1));
}

/** A bill of the calls that are there, with what bills have: lines twice, lines of nothing, too long, of another month. */
function billOf(step: Step, calls: ReadonlyMap<string, StoredCall>): Line[] {
  const month = monthOfStep(step);
  const startMs = Date.parse(`${month}-01T00:00:00Z`);
  const salt = Number(step.params.salt);
  const lines: Line[] = [];
  const billed = [...calls].filter(
    ([, call]) =>
      call.provider === provider &&
      call.service !== 'chat' &&
      call.status === 'completed' &&
      monthOf(call.startedMs) === month,
  );
  for (const [key, { startedMs, thousandths }] of billed.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const draw = new Draw(salt, key);
    const line = {
      key,
      startedMs,
      thousandths: thousandths ?? 0,
      cost: draw.below('cost', 5000),
      kind: 'matched',
    };
    const fate = draw.share('fate');
    if (fate < 0.1) {
      continue; // logged, not billed
    }
    if (fate < 0.2) {
      lines.push({ ...line, thousandths: line.thousandths + 5000, kind: 'duration_mismatch' });
    } else {
      lines.push(line);
    }
    if (fate > 0.9) {
      lines.push({ ...line, kind: 'duplicate_line' });
    }
  }
  const draw = new Draw(salt, 'more');
  for (let index = draw.below('unlogged', 4); index >= 0; index -= 1) {
    const shared = {
      startedMs: startMs + draw.below(`at ${index}`, 28 * 86_400) * 1000,
      thousandths: 60_000,
    };
    lines.push({ key: `billed-${salt}-${index}`, cost: 1234, kind: 'unlogged', ...shared });
  }
  if (draw.happens('other month', 0.4)) {
    const earlier = { startedMs: startMs - 40 * 86_400_000, thousandths: 1000 };
    lines.push({ key: `earlier-${salt}`, cost: 99, kind: 'outside_month', ...earlier });
  }
  return lines;
}

const money = (tenThousandths: number) =>
  `${Math.floor(tenThousandths / 10_000)}.${String(tenThousandths % 10_000).padStart(4, '0')}`;

function csvOf(lines: readonly Line[]): string {
  const rows = lines.map(
    ({ key, startedMs, thousandths, cost }) =>
      `${key},${new Date(startedMs).toISOString()},${thousandths / 1000},${money(cost)}`,
  );
  return ['call_id,started_at,duration_seconds,cost', ...rows, ''].join('\n');
}

interface Answer {
  kinds: { [kind: string]: { count: number; billed: string } };
  totals: { billed: string };
}

/** By kind how many lines there are and what they come to, as told and as made. */
function differencesOf(lines: readonly Line[], { kinds, totals }: Answer): string[] {
  const problems: string[] = [];
  const expect = (what: string, found: string, expected: string) => {
    if (found !== expected) {
      problems.push(`${what} is ${found}, to be ${expected}`);
    }
  };
  for (const kind of [
    'matched',
    'duration_mismatch',
    'duplicate_line',
    'unlogged',
    'outside_month',
    'cost_mismatch',
  ]) {
    const made = lines.filter((line) => line.kind === kind);
    const sum = money(made.reduce((total, { cost }) => total + cost, 0));
    expect(`the number of ${kind}`, String(kinds[kind]?.count ?? 0), String(made.length));
    expect(`the sum of ${kind}`, money(Math.round(Number(kinds[kind]?.billed ?? 0) * 10_000)), sum);
  }
  // What is billed again, or for another month, is told beside the bill of the month.
  const own = lines.filter(({ kind }) => kind !== 'duplicate_line' && kind !== 'outside_month');
  const all = money(own.reduce((total, { cost }) => total + cost, 0));
  expect('the bill', money(Math.round(Number(totals.billed) * 10_000)), all);
  return problems;
}

async function runReconcile(place: Place, step: Step): Promise<Told> {
  const lines = billOf(step, await storedCalls(place, new Model(0)));
  const file = join(place.folder, `bill-${step.params.salt}.csv`);
  await writeFile(file, csvOf(lines));
  const told = await runTool(place, step, [
    ...[
      'reconcile',
      'run',
      '--month',
      monthOfStep(step),
      '--provider',
      provider,
      '--export',
      file,
      '--replace',
    ],
    ...because(step),
  ]);
  return { ...told, answer: { ...told.answer, lines } };
}

const reconcile: StepKind = {
  weight: 3,
  by: 'tool',
  draw: (draw) => ({ isLast: draw.happens('last month', 0.5), salt: draw.below('salt', 1_000_000) }),
  run: runReconcile,
  settle: async (_place, _model, step, told) =>
    told.result === 'done'
      ? differencesOf(told.answer?.lines as Line[], told.answer as unknown as Answer).map(
          (problem) => `step ${step.n}, the month ${monthOfStep(step)}: ${problem}`,
        )
      : [],
};

const onMonth = (verb: 'close' | 'reopen', words: readonly string[]): StepKind => ({
  weight: 1,
  by: 'tool',
  draw: (draw) => ({ isLast: draw.happens('last month', 0.7) }),
  run: (place, step) =>
    runTool(place, step, [
      ...['reconcile', verb, '--month', monthOfStep(step), '--provider', provider, ...words],
      ...because(step),
    ]),
  settle: async (place, _model, step, told) => {
    const [found] = await place.look(
      `select (closed_at is not null)::text as closed from quota.reconciliations where provider = $1 and month = $2`,
      [provider, `${monthOfStep(step)}-01`],
    );
    return told.result === 'done' && found?.closed !== String(verb === 'close')
      ? [`step ${step.n}: after ${verb} closed is ${found?.closed}`]
      : [];
  },
});

export const monthSteps = {
  reconcile,
  'close-month': onMonth('close', ['--force']),
  'reopen-month': onMonth('reopen', []),
};
