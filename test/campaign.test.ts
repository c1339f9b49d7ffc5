import { expect, test } from 'vitest';
import { drawSteps } from '../campaign/draw-steps.ts';
import { Model } from '../campaign/model.ts';
import { shrink } from '../campaign/shrink.ts';
import type { Step } from '../campaign/step.ts';

test('the same seed makes the same steps, another one others; all kinds and faults come', () => {
  const steps = drawSteps(17, 600);
  expect(drawSteps(17, 600)).toEqual(steps);
  expect(drawSteps(18, 20)).not.toEqual(steps.slice(0, 20));
  const all = steps.flatMap((step) => step.beside ?? [step]);
  expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(60);
  expect(new Set(all.flatMap(({ fault }) => fault?.kind ?? []))).toEqual(
    new Set(['kill', 'terminate', 'cut', 'break', 'stall', 'crash', 'stop']),
  );
  expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).toSorted());
});

test('a failure shrinks to the steps that it needs', async () => {
  const steps = drawSteps(1, 60);
  const fails = async (some: readonly Step[]) => {
    const numbers = some.map(({ n }) => n);
    const isBroken = numbers.includes(7) && numbers.includes(31);
    return isBroken ? { played: numbers.indexOf(31) + 1, problems: ['it is broken'] } : undefined;
  };
  const failure = await fails(steps);
  const short = failure && (await shrink(steps, failure, fails, Number.POSITIVE_INFINITY, () => {}));
  expect(short?.steps.map(({ n }) => n)).toEqual([7, 31]);
});

test('the model cuts time by anniversaries in the zone of the user, and adds up what falls into it', () => {
  const model = new Model(2);
  const at = (instant: string) => Date.parse(instant);
  const call = { user: 1, service: 'voice', model: null, thousandths: 1500 } as const;
  model.calls.set('a', { ...call, startedMs: at('2024-02-28T22:59:59Z') });
  model.calls.set('b', { ...call, startedMs: at('2024-02-28T23:00:00Z') });
  model.calls.set('c', { ...call, startedMs: at('2024-03-30T22:59:59Z') });
  // Berlin, of the 31st: from the last day of each month on.
  expect(
    model.sums().map(({ startMs, thousandths }) => [new Date(startMs).toISOString(), thousandths]),
  ).toEqual([
    ['2024-01-30T23:00:00.000Z', 1500],
    ['2024-02-28T23:00:00.000Z', 3000],
  ]);
});
