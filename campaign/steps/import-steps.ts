import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Draw } from '../draw.ts';
import { provider, settleCall, storedCalls } from '../effects.ts';
import type { ModelCall, Service } from '../model.ts';
import type { Place } from '../place.ts';
import { contradiction, keyOf, type Step, type Told } from '../step.ts';
import type { StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { drawAgo, userCount } from './app-steps.ts';
import { because } from './change-steps.ts';

const lineKey = (step: Step, line: number) => `${keyOf(step)}-${line}`;

/** The lines of an import, the same whenever they are made. */
function linesOf(step: Step): ModelCall[] {
  return Array.from({ length: Number(step.params.lines) }, (_, line) => {
    const draw = new Draw(Number(step.params.salt), 'line', line);
    const service = draw.pick('service', ['chat', 'avatar'] as const) as Service;
    return {
      user: draw.below('user', userCount - 2),
      service,
      model: service === 'chat' ? draw.pick('model', [null, 'claude-3-opus'] as const) : null,
      startedMs: Date.parse(step.at) - drawAgo(draw) * 1000,
      thousandths: 1000 * (1 + draw.below('quantity', 3)),
    };
  });
}

async function runImport(place: Place, step: Step, more: readonly string[] = [], bad = 0): Promise<Told> {
  const file = join(place.folder, `calls-${step.n}.jsonl`);
  const rows = linesOf(step).map(({ user, service, model, startedMs, thousandths }, line) => ({
    provider,
    provider_call_id: lineKey(step, line),
    user_external_id: `user-${user}`,
    service,
    model,
    started_at: new Date(startedMs).toISOString(),
    [service === 'chat' ? 'messages' : 'duration_seconds']: (thousandths ?? 0) / 1000,
  }));
  const badRows = Array.from({ length: bad }, (_, line) => ({
    user_external_id: `nobody-${line}`,
    service: 'chat',
  }));
  await writeFile(file, [...rows, ...badRows].map((row) => `${JSON.stringify(row)}\n`).join(''));
  return runTool(place, step, ['import', 'call-logs', file, ...more, ...because(step)]);
}

/** All of a file, or none: it is small enough to be one transaction. */
const importCalls: StepKind = {
  weight: 3,
  by: 'tool',
  draw: (draw) => ({ lines: 1 + draw.below('lines', 60), salt: draw.below('salt', 1_000_000) }),
  run: (place, step) => runImport(place, step),
  settle: async (place, model, step, told) => {
    const stored = await storedCalls(place, model);
    const keys = linesOf(step).map((_, line) => lineKey(step, line));
    const there = keys.filter((key) => stored.has(key)).length;
    const problems: string[] = [];
    for (const [line, expected] of linesOf(step).entries()) {
      problems.push(...settleCall(stored, model, lineKey(step, line), expected).problems);
    }
    if (there !== 0 && there !== keys.length) {
      problems.push(`step ${step.n}: ${there} of the ${keys.length} lines of an import are there`);
    }
    return [...problems, ...contradiction(step, told, there === keys.length)];
  },
};

/** The bad lines of a file have no room where they are to be written. */
const importToFullDisk: StepKind = {
  ...importCalls,
  weight: 1,
  run: (place, step) =>
    place.fullDisk === undefined
      ? runImport(place, step)
      : runImport(
          place,
          { ...step, isShaken: true },
          ['--skip-invalid', '--rejects', join(place.fullDisk, `rejects-${step.n}.csv`)],
          2000,
        ),
};

/** Lines of an app's spool: each is told by itself, so some may be there where the command was struck. */
const importSpool: StepKind = {
  weight: 2,
  by: 'tool',
  draw: (draw) => ({ lines: 1 + draw.below('lines', 25), salt: draw.below('salt', 1_000_000) }),
  run: async (place, step) => {
    const file = join(place.folder, 'spool.jsonl');
    const rows = linesOf(step).map(({ user, service, model, startedMs, thousandths }, line) =>
      JSON.stringify({
        ...{ user: `user-${user}`, service, key: lineKey(step, line), quantity: (thousandths ?? 0) / 1000 },
        ...{ provider, model, startedAt: new Date(startedMs).toISOString() },
      }),
    );
    await writeFile(file, `${rows.join('\n')}\n`);
    return runTool(place, step, ['usage', 'import', file, '--format', 'quota-events', ...because(step)]);
  },
  settle: async (place, model, step, told) => {
    const problems: string[] = [];
    const stored = await storedCalls(place, model);
    let there = 0;
    for (const [line, expected] of linesOf(step).entries()) {
      const settled = settleCall(stored, model, lineKey(step, line), expected);
      problems.push(...settled.problems);
      there += settled.isThere ? 1 : 0;
    }
    return told.result === 'done' && there !== linesOf(step).length
      ? [...problems, `step ${step.n}: only ${there} lines of a spool are there: ${told.words}`]
      : problems;
  },
};

export const importSteps = {
  import: importCalls,
  'import-to-full-disk': importToFullDisk,
  'import-spool': importSpool,
};
