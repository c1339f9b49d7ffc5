import { arrange } from './arrange.ts';
import { compare } from './compare.ts';
import { kinds } from './draw-steps.ts';
import { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Step, StepKind, Told } from './step.ts';
import { userCount } from './steps/app-steps.ts';

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
  // Of an erased user nobody knows the name: who comes with it is somebody new.
  const steps = (step.beside ?? [step]).filter(
    ({ params }) => model.users[Number(params.user)]?.isErased !== true,
  );
  const all = await Promise.all(
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
