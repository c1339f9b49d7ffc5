import { arrange } from './arrange.ts';
import { compare } from './compare.ts';
import { kinds } from './draw-steps.ts';
import { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Step, Told } from './step.ts';
import type { StepKind } from './step-kind.ts';
import { userCount } from './steps/app-steps.ts';

export interface Failure {
  /** How many of the steps were played, the one that failed among them. */
  played: number;
  problems: string[];
}

/** Where the time goes, in milliseconds: making the databases, the steps, the server that comes back, looking at everything. */
export const spentMs = { making: 0, steps: 0, recovery: 0, looking: 0 };

async function timed<Result>(what: keyof typeof spentMs, work: Promise<Result>): Promise<Result> {
  const begin = performance.now();
  try {
    return await work;
  } finally {
    spentMs[what] += Math.round(performance.now() - begin);
  }
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
  await timed('making', place.begin(seed));
  const model = new Model(userCount, new Model(userCount));
  await timed('making', arrange(place, model, seed));
  const seen: Seen = { closed: new Map(), closedInShards: new Map() };
  for (const [index, step] of steps.entries()) {
    if (Date.now() > untilMs) {
      break;
    }
    const problems = await playOne(place, model, seen, step, onStep).catch((error: Error) => [
      `step ${step.n} (${step.kind}): ${error.message}`,
    ]);
    if (problems.length > 0) {
      return { played: index + 1, problems };
    }
  }
  return undefined;
}

/** The closings that were seen before. */
interface Seen {
  closed: Map<string, string>;
  closedInShards: Map<string, string>;
}

async function playOne(
  place: Place,
  model: Model,
  seen: Seen,
  step: Step,
  onStep: (step: Step, told: string) => void,
): Promise<string[]> {
  // Of an erased user nobody knows the name: who comes with it is somebody new.
  const steps = (step.beside ?? [step]).filter(
    (one) => modelOf(model, one).users[Number(one.params.user)]?.isErased !== true,
  );
  const begun = Promise.all(
    steps.map(async (one) => {
      const told = await kindOf(one)
        .run(place, one)
        .catch((error: Error): Told => {
          // Another one's crash met a look at the database.
          if (one.isShaken && /connect|terminat|ECONN|EPIPE/i.test(error.message)) {
            return { result: 'unknown', words: error.message };
          }
          throw error;
        });
      onStep(one, `${told.result}: ${told.words}`);
      return { one, told };
    }),
  );
  const all = await timed('steps', begun);
  await timed('recovery', place.recover());
  return timed('looking', examine(place, model, seen, step, all));
}

/** What is wrong after a step. */
async function examine(
  place: Place,
  model: Model,
  seen: Seen,
  step: Step,
  all: readonly { one: Step; told: Told }[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const { one, told } of all) {
    problems.push(...(await kindOf(one).settle(place, modelOf(model, one), one, told)));
  }
  problems.push(...(await compare(place, model, seen.closed, step)));
  // Nothing else comes near them but what ends the server, which they share.
  if (model.shards !== undefined && all.some(({ one }) => kindOf(one).isInShards)) {
    problems.push(...(await compare(place.shards, model.shards, seen.closedInShards, step)));
    problems.push(...(await place.shards.differences()));
  }
  return problems;
}

const modelOf = (model: Model, step: Step): Model =>
  (kindOf(step).isInShards ? model.shards : undefined) ?? model;

function kindOf({ kind }: Step): StepKind {
  const found = kinds[kind];
  if (found === undefined) {
    throw new RangeError(`no step is called ${kind}`);
  }
  return found;
}
