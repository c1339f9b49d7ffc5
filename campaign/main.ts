import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { drawSteps } from './draw-steps.ts';
import { type Failure, play, spentMs } from './episode.ts';
import { struck } from './faults.ts';
import { Place } from './place.ts';
import { shrink } from './shrink.ts';
import type { Step } from './step.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    minutes: { type: 'string', default: '1' },
    steps: { type: 'string', default: '150' },
    'shrink-minutes': { type: 'string', default: '10' },
    replay: { type: 'string' },
    history: { type: 'string', default: tmpdir() },
    verbose: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);

interface History {
  seed: number;
  problems: string[];
  steps: readonly Step[];
}

const counts: { [kind: string]: number } = {};
let told: string[] = [];

function onStep(step: Step, words: string): void {
  counts[step.kind] = (counts[step.kind] ?? 0) + 1;
  const fault = step.fault ? ` [${step.fault.kind} after ${step.fault.afterMs} ms]` : '';
  const line = `${step.n} ${step.at} ${step.kind} ${JSON.stringify(step.params)}${fault} → ${words.replace(/\s+/g, ' ')}`;
  told.push(line);
  if (values.verbose) {
    say(line.slice(0, 300));
  }
}

/** Writes what has failed: the whole, then the short script, each of which can be replayed. */
async function report(place: Place, seed: number, steps: readonly Step[], failure: Failure): Promise<void> {
  const file = `${values.history}/quota-campaign-failed-${seed}.json`;
  mkdirSync(values.history, { recursive: true });
  const write = (history: History, lines: readonly string[]) =>
    writeFileSync(file, JSON.stringify({ ...history, lines }, null, 1));
  const lines = told;
  write({ seed, problems: failure.problems, steps: steps.slice(0, failure.played) }, lines);
  say(`FAILED after ${failure.played} steps of seed ${seed}:\n  ${failure.problems.join('\n  ')}`);
  say(`the last steps:\n  ${lines.slice(-6).join('\n  ')}`);
  say(await place.serverLog());
  say(`written to ${file}; it shrinks now`);
  const until = Date.now() + Number(values['shrink-minutes']) * 60_000;
  const short = await shrink(steps, failure, (fewer) => play(place, seed, fewer), until, say);
  told = [];
  await play(place, seed, short.steps, { onStep });
  write({ seed, problems: short.failure.problems, steps: short.steps }, told);
  say(
    `${short.steps.length} steps are enough:\n  ${told.join('\n  ')}\n  ${short.failure.problems.join('\n  ')}`,
  );
  say(`again: npm run campaign -- --replay ${file}`);
}

async function run(): Promise<number> {
  const until = Date.now() + Number(values.minutes) * 60_000;
  const place = await Place.open();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void place.close().finally(() => process.kill(process.pid, signal)));
  }
  let [episodes, steps] = [0, 0];
  try {
    if (values.replay !== undefined) {
      const history = JSON.parse(readFileSync(values.replay, 'utf8')) as History;
      const failure = await play(place, history.seed, history.steps, { onStep });
      say(failure === undefined ? 'it does not fail' : `it fails:\n  ${failure.problems.join('\n  ')}`);
      return failure === undefined ? 0 : 1;
    }
    while (Date.now() < until) {
      const seed = Number(values.seed) + episodes;
      const all = drawSteps(seed, Number(values.steps));
      told = [];
      say(`seed ${seed}: ${all.length} steps`);
      const failure = await play(place, seed, all, { onStep, untilMs: until });
      if (failure !== undefined) {
        await report(place, seed, all, failure);
        return 1;
      }
      episodes += 1;
      steps += told.length;
    }
    return 0;
  } finally {
    say(
      JSON.stringify({
        seed: Number(values.seed),
        episodes,
        steps,
        restarts: place.restarts,
        struck,
        spentMs,
        counts,
      }),
    );
    await place.close();
  }
}

process.exitCode = await run();
