import { Draw } from './draw.ts';
import type { Fault, FaultKind, Step } from './step.ts';
import type { StepKind } from './step-kind.ts';
import { adoptSteps } from './steps/adopt-steps.ts';
import { appSteps } from './steps/app-steps.ts';
import { changeSteps } from './steps/change-steps.ts';
import { gateSteps } from './steps/gate-steps.ts';
import { importSteps } from './steps/import-steps.ts';
import { limitSteps } from './steps/limit-steps.ts';
import { monthSteps } from './steps/month-steps.ts';
import { sessionSteps } from './steps/session-steps.ts';
import { shardSteps } from './steps/shard-steps.ts';

export const kinds: { readonly [name: string]: StepKind } = {
  ...appSteps,
  ...sessionSteps,
  ...changeSteps,
  ...importSteps,
  ...limitSteps,
  ...monthSteps,
  ...adoptSteps,
  ...gateSteps,
  ...shardSteps,
};
const named = Object.entries(kinds).map(([name, kind]) => ({ name, ...kind }));
/** What may be done at the same time by apps, and one of them by a command. */
const atOnce = named.filter(({ name }) =>
  /^(?:record|insert-row|record-again|check|start-session|shop-insert|shop-change|call-comes|call-ends|shard-record)$/.test(
    name,
  ),
);
const besides = ({ name, by }: { name: string; by: string }) =>
  by === 'tool' && !['reset', 'erase', 'doctor'].includes(name);
export const firstDay = '2024-01-02T08:00:00Z';
const faultShare = 0.25;
const togetherShare = 0.12;
/** A day has about four steps, so that an episode goes through resets of all users. */
const strideHoursMax = 12;

const faultsBy = {
  tool: [
    { kind: 'kill', weight: 10 },
    { kind: 'terminate', weight: 4 },
    { kind: 'break', weight: 4 },
    { kind: 'stall', weight: 1 },
    { kind: 'crash', weight: 3 },
    { kind: 'stop', weight: 2 },
  ],
  app: [
    { kind: 'cut', weight: 8 },
    { kind: 'terminate', weight: 8 },
    { kind: 'crash', weight: 2 },
  ],
} as const;

/** All steps of an episode: they follow from its seed alone. */
export function drawSteps(seed: number, count: number): Step[] {
  let atMs = Date.parse(firstDay);
  return Array.from({ length: count }, (_, n) => {
    const draw = new Draw(seed, n);
    atMs += Math.floor(draw.share('stride') * strideHoursMax * 3_600_000);
    const at = new Date(atMs).toISOString();
    return draw.happens('together', togetherShare) ? drawTogether(seed, n, at) : drawOne(draw, n, at, named);
  });
}

function drawOne(draw: Draw, n: number, at: string, among: typeof named): Step {
  const kind = draw.weighed('kind', among);
  const fault: Fault | undefined =
    kind.by !== 'us' && draw.happens('fault', faultShare)
      ? {
          kind: draw.weighed<{ kind: FaultKind; weight: number }>('fault kind', faultsBy[kind.by]).kind,
          share: 1.1 * draw.share('fault share'),
        }
      : undefined;
  const isOnLine = fault?.kind === 'break' || fault?.kind === 'stall';
  const isEmbedded = kind.by === 'tool' && !kind.isInShards && !isOnLine && draw.happens('embedded', 0.3);
  return {
    n,
    at,
    kind: kind.name,
    params: kind.draw(draw, n),
    ...(fault === undefined ? {} : { fault }),
    ...(isEmbedded ? { isEmbedded } : {}),
  };
}

/** Several things at once: what each of them comes to does not depend on their order. */
function drawTogether(seed: number, n: number, at: string): Step {
  const count = 2 + new Draw(seed, n).below('how many', 5);
  const beside = Array.from({ length: count }, (_, index) =>
    drawOne(
      new Draw(seed, n, 'beside', index),
      n + (index + 1) / 100,
      at,
      index === 0 ? named.filter(besides) : atOnce,
    ),
  );
  const isShaken = beside.some(({ fault }) => fault && fault.kind !== 'kill' && fault.kind !== 'cut');
  return { n, at, kind: 'together', params: {}, beside: beside.map((step) => ({ ...step, isShaken })) };
}
