import { join } from 'node:path';
import { startVapiSimulator } from '../../../fixtures/vapi-simulator/server.ts';
import type { VapiSimulator } from '../../../fixtures/vapi-simulator/simulator.ts';
import type { Context, Report, Style } from '../../context.ts';
import { withAdvisoryLock } from '../../db/advisory-lock.ts';
import { withDatabase } from '../../db/connection.ts';
import { locateEmbedded } from '../../db/embedded/location.ts';
import { readSchemaStatus } from '../../db/migration-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { type DemoPlace, demoContext } from './context.ts';
import { countAssistants, selectProviderState } from './demo-store.ts';
import { type DemoStep, demoSteps } from './steps.ts';

const monthMs = 32 * 86_400_000;
const seed = 1;
/** Of what a command prints; more would drown the story. */
const linesMax = 16;

/** One step of `quota demo --json`; `result` is the data of the command. */
interface DemoStepReport {
  title: string;
  command: string;
  explanation: string;
  exitCode: ExitCode;
  durationMs: number;
  result: unknown;
}

interface Told extends DemoStepReport {
  hasFailed: boolean;
  report: Report<unknown> | null;
}

/**
 * `quota demo`: the whole story on a database of its own in `demo` under the data directory, made anew each time,
 * and a simulated VAPI: `{dataDir, database, asOf, steps: [{title, command, explanation, exitCode, durationMs, result}]}`.
 * The exit code is that of the first step that did not go well.
 */
export const demo = defineCommand(
  {
    details: `The database is an embedded one in "demo" under the data directory, made anew each time; DATABASE_URL and the
database that you work with are left alone.`,
    examples: [
      ['quota demo', 'step by step, each with the command that does it'],
      ['quota demo --json', 'the same as a list of steps with their results'],
      ['quota demo --as-of 2026-12-31T23:00:00Z', 'as it would be told on another day'],
    ],
  },
  async (context) => {
    const dataDir = join(context.settings.dataDir, 'demo');
    const seedAsOf = context.now().toISOString();
    const nextMonth = `${new Date(context.now().getTime() + monthMs).toISOString().slice(0, 10)}T00:00:00Z`;
    const asOfFlag = context.asOf === null ? '' : ` --as-of ${context.asOf}`;
    const simulator = await startVapiSimulator({ seed });
    try {
      // Keeps the server running, and a second demo out, from the first step to the last.
      const told = await withDatabase(
        {
          settings: { ...context.settings, databaseUrl: undefined, dataDir },
          asOf: null,
          signal: context.signal,
          schema: 'any',
        },
        ({ client }) =>
          withAdvisoryLock(
            client,
            'demo',
            async () => {
              if (context.output.format === 'table') {
                await writeBeginning(context, dataDir);
              }
              const isAgain = (await readSchemaStatus(client)).state !== 'missing';
              const steps = demoSteps({ seedAsOf, nextMonth, asOfFlag, isAgain, folder: dataDir });
              return tellStory(context, { dataDir, vapi: simulator }, steps, simulator);
            },
            { mode: 'try', isSeeded: false },
          ),
      );
      await writeEnd(context, { dataDir, asOf: seedAsOf, nextMonth, told });
      return told.find(({ hasFailed }) => hasFailed)?.exitCode ?? exitCodes.ok;
    } finally {
      await simulator.stop();
    }
  },
);

async function tellStory(
  context: Context,
  place: DemoPlace,
  steps: readonly DemoStep[],
  simulator: VapiSimulator,
): Promise<Told[]> {
  const told: Told[] = [];
  for (const [index, step] of steps.entries()) {
    context.signal.throwIfAborted();
    const one = await takeStep(context, place, step);
    told.push(one);
    if (step.command.startsWith('quota fixtures seed')) {
      await fillSimulator(context, place, simulator);
    }
    if (context.output.format === 'table') {
      await context.output.write({
        data: { ...one, report: null },
        text: (data, style) => stepText(data, one.report, `${index + 1}/${steps.length}`, style),
      });
    }
  }
  return told;
}

async function takeStep(context: Context, place: DemoPlace, step: DemoStep): Promise<Told> {
  const { context: own, capture } = demoContext(context, place, step.asOf ?? context.asOf);
  const startedAtMs = performance.now();
  const exitCode = await step.run(own);
  const { title, command, explanation } = step;
  return {
    title,
    command,
    explanation,
    exitCode,
    hasFailed: exitCode !== (step.exitCode ?? exitCodes.ok),
    durationMs: Math.round(performance.now() - startedAtMs),
    result: capture.report?.data ?? null,
    report: capture.report,
  };
}

/** The provider has the assistants of the seed, as the seed says that they are. */
async function fillSimulator(context: Context, place: DemoPlace, simulator: VapiSimulator): Promise<void> {
  const { context: own } = demoContext(context, place, context.asOf);
  const { sampleAssistants } = await import('../../../fixtures/vapi-simulator/samples.ts');
  await own.withDatabase(async ({ client }) => {
    simulator.putAssistants(sampleAssistants(seed, await countAssistants(client)));
    for (const { id, status, applied } of await selectProviderState(client)) {
      if (status === 'gone') {
        simulator.deleteAssistant(id);
      } else {
        simulator.editAssistant(id, applied ?? {});
      }
    }
  });
}

function stepText(
  { title, command, explanation, result }: DemoStepReport,
  report: Report<unknown> | null,
  count: string,
  style: Style,
): string {
  const lines = (report?.text?.(result, style) ?? '').trimEnd().split('\n');
  const shown = lines.length > linesMax ? [...lines.slice(0, linesMax - 1), style.dim('…')] : lines;
  return [
    style.bold(style.cyan(`${count}  ${title}`)),
    style.dim(`$ ${command}`),
    ...shown.map((line) => (line === '' ? '' : `  ${line}`)),
    `→ ${explanation}`,
    '',
    '',
  ].join('\n');
}

async function writeBeginning(context: Context, dataDir: string): Promise<void> {
  await context.output.write({
    data: { files: dataDir, database: databaseOf(dataDir) },
    text: ({ files, database }) =>
      [
        'The story of an allowance, on an embedded PostgreSQL of its own and a simulated VAPI.',
        `database  ${database}`,
        `files     ${files}`,
        '',
        '',
      ].join('\n'),
  });
}

/** As root it may not lie in the folder that was asked for. */
const databaseOf = (dataDir: string) => locateEmbedded(dataDir).cluster;

async function writeEnd(
  context: Context,
  { dataDir, asOf, nextMonth, told }: { dataDir: string; asOf: string; nextMonth: string; told: Told[] },
): Promise<void> {
  const steps = told.map(({ report: _, hasFailed: __, ...step }) => step);
  await context.output.write({
    data: { dataDir, database: databaseOf(dataDir), asOf, steps },
    rows: steps.map(({ result: _, ...step }) => step),
    text: (data, style) =>
      [
        style.bold('Look around: the demo has a database of its own, until the next demo.'),
        style.dim(`$ export QUOTA_DATA_DIR=${shellWord(data.dataDir)}`),
        style.dim(`$ quota user show demo-all --as-of ${nextMonth}`),
        style.dim('$ quota --help'),
      ].join('\n'),
  });
}
