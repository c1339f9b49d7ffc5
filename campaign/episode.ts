import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleAssistants } from '../fixtures/vapi-simulator/samples.ts';
import { compare } from './compare.ts';
import { Draw } from './draw.ts';
import { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Fault, FaultKind, Step, StepKind } from './step.ts';
import { adoptSteps, shop } from './steps/adopt-steps.ts';
import { appSteps, userCount } from './steps/app-steps.ts';
import { changeSteps } from './steps/change-steps.ts';
import { limitSteps } from './steps/limit-steps.ts';
import { monthSteps } from './steps/month-steps.ts';
import { sessionSteps } from './steps/session-steps.ts';
import { runTool } from './tool.ts';

const kinds: { readonly [name: string]: StepKind } = {
  ...appSteps,
  ...sessionSteps,
  ...changeSteps,
  ...limitSteps,
  ...monthSteps,
  ...adoptSteps,
};
const named = Object.entries(kinds).map(([name, kind]) => ({ name, ...kind }));
/** What may be done at the same time by apps, and one of them by a command. */
const atOnce = named.filter(({ name }) =>
  /^(?:record|insert-row|record-again|check|start-session|shop-insert|shop-change)$/.test(name),
);
const besides = ({ name, by }: { name: string; by: string }) =>
  by === 'tool' && name !== 'reset' && name !== 'erase';
const assistantsPerUser = 2;
const firstDay = '2024-01-02T08:00:00Z';
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
  return { n, at, kind: kind.name, params: kind.draw(draw, n), ...(fault === undefined ? {} : { fault }) };
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

export interface Failure {
  /** How many of the steps were played, the one that failed among them. */
  played: number;
  problems: string[];
}

export interface PlayOptions {
  onStep?: (step: Step, told: string) => void;
  /** No step begins after it, by the clock of this machine. */
  untilMs?: number;
}

/** Plays steps on a new database, and checks everything after each; undefined: all was as it should be. */
export async function play(
  place: Place,
  seed: number,
  steps: readonly Step[],
  { onStep = () => {}, untilMs = Number.POSITIVE_INFINITY }: PlayOptions = {},
): Promise<Failure | undefined> {
  await place.begin(seed);
  const model = new Model(userCount);
  await arrange(place, model, seed);
  const closed = new Map<string, string>();
  for (const [index, step] of steps.entries()) {
    if (Date.now() > untilMs) {
      break;
    }
    const problems = await playOne(place, model, closed, step, onStep).catch((error: Error) => [
      `step ${step.n} (${step.kind}): ${error.message}`,
    ]);
    if (problems.length > 0) {
      return { played: index + 1, problems };
    }
  }
  return undefined;
}

async function playOne(
  place: Place,
  model: Model,
  closed: Map<string, string>,
  step: Step,
  onStep: (step: Step, told: string) => void,
): Promise<string[]> {
  const steps = step.beside ?? [step];
  const all = await Promise.all(
    steps.map(async (one) => {
      const told = await kindOf(one).run(place, one);
      onStep(one, `${told.result}: ${told.words}`);
      return { one, told };
    }),
  );
  await place.recover();
  const problems: string[] = [];
  for (const { one, told } of all) {
    problems.push(...(await kindOf(one).settle(place, model, one, told)));
  }
  return [...problems, ...(await compare(place, model, closed, step))];
}

function kindOf({ kind }: Step): StepKind {
  const found = kinds[kind];
  if (found === undefined) {
    throw new RangeError(`no step is called ${kind}`);
  }
  return found;
}

/** Users with their plans, and their assistants here and at VAPI. */
async function arrange(place: Place, model: Model, seed: number): Promise<void> {
  const step: Step = { n: -1, at: firstDay, kind: 'arrange', params: {} };
  await place.look(shop);
  const write = async (name: string, rows: object[]) => {
    const file = join(place.folder, name);
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  };
  const limits = (limit: number) => ({
    voice_seconds: { limit, reset_every: '1 month', on_exceeded: 'limit_assistants' },
  });
  const plans = await write('plans.json', [
    {
      plans: [
        { key: 'campaign-large', service: 'voice', limits: limits(900) },
        { key: 'campaign-small', service: 'voice', limits: limits(200) },
      ],
    },
  ]);
  const users = await write(
    'users.jsonl',
    model.users.map(({ name, signup, zone }) => ({
      external_id: name,
      email: `${name}@example.com`,
      signup_at: signup,
      timezone: zone,
      plan: 'voice-free;chat-free;avatar-lifetime',
    })),
  );
  const samples = sampleAssistants(seed % 1_000_000, userCount * assistantsPerUser);
  await place.vapi('PUT', 'assistants', samples);
  place.originals = new Map(samples.map((sample) => [sample.id, sample]));
  const assistants = await write(
    'assistants.jsonl',
    samples.map(({ id }, index) => ({
      provider_assistant_id: id,
      user_external_id: `user-${index % userCount}`,
    })),
  );
  for (const words of [
    ['plan', 'apply', plans],
    ['import', 'users', users],
    ['import', 'assistants', assistants],
  ]) {
    const told = await runTool(place, step, [...words, '--yes', '--reason', 'arranged']);
    if (told.result !== 'done') {
      throw new Error(`nothing can begin: ${told.words}`);
    }
  }
  for (const { id, name } of await place.look(`select id::text, external_id as name from quota.users`)) {
    model.numberOf(name ?? '', id ?? '');
  }
}
