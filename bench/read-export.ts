/**
 * How fast billing lines are read, relative to the least that reading a file by lines costs on the same machine:
 * `for await (const line of readline)`. Both in turn, each in a process of its own; medians, and the highest
 * memory. Fails when reading takes more memory than it may: it must not grow with the file.
 *
 *   node scripts/bench.mjs read-export [--lines 1000000] [--rounds 3]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { withExport } from '../src/providers/exports/open-export.ts';
import { judge, median, say } from './verdict.ts';

const memoryMegabytesMax = 200;

interface Measured {
  lines: number;
  seconds: number;
  megabytes: number;
}

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    read: { type: 'string' },
    baseline: { type: 'string' },
  },
});

if (values.read !== undefined) {
  report(await timed(readExport(values.read)));
} else if (values.baseline !== undefined) {
  report(await timed(readLines(values.baseline)));
} else {
  await measure(Number(values.lines), Number(values.rounds));
}

async function readExport(path: string): Promise<number> {
  return withExport({ path }, { provider: 'vapi' }, async (opened) => {
    for await (const batch of opened.batches()) {
      if (batch.length === 0) {
        throw new Error('an empty batch');
      }
    }
    return opened.summary().lines;
  });
}

async function readLines(path: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    lines += line === '' ? 0 : 1;
  }
  return lines;
}

async function timed(reading: Promise<number>): Promise<Measured> {
  const started = performance.now();
  const lines = await reading;
  const seconds = (performance.now() - started) / 1000;
  return { lines, seconds, megabytes: process.resourceUsage().maxRSS / 1024 };
}

function report(measured: Measured): void {
  process.send?.(measured);
}

async function measure(lines: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
  try {
    for (const format of ['csv', 'jsonl'] as const) {
      const path = join(folder, `calls.${format}`);
      await writeCalls(path, lines, format);
      const megabytes = (await stat(path)).size / 1e6;
      const baselines: Measured[] = [];
      const readings: Measured[] = [];
      for (let round = 0; round < rounds; round++) {
        baselines.push(await inOwnProcess('--baseline', path));
        readings.push(await inOwnProcess('--read', path));
      }
      print(format, lines, megabytes, baselines, readings);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function inOwnProcess(what: '--baseline' | '--read', path: string): Promise<Measured> {
  const [measured] = await once(fork(process.argv[1] ?? '', [what, path]), 'message');
  return measured;
}

function print(
  format: string,
  lines: number,
  megabytes: number,
  baselines: Measured[],
  readings: Measured[],
): void {
  const seconds = (measured: Measured[]) => median(measured.map((one) => one.seconds));
  const peak = Math.max(...readings.map((reading) => reading.megabytes));
  const perSecond = (all: Measured[]) => Math.round(lines / seconds(all)).toLocaleString('en');
  say(`${format}: ${lines.toLocaleString('en')} lines, ${Math.round(megabytes)} MB`);
  say(`  readline       ${seconds(baselines).toFixed(2)} s  ${perSecond(baselines)} lines/s`);
  const ratio = seconds(readings) / seconds(baselines);
  say(
    `  billing lines  ${seconds(readings).toFixed(2)} s  ${perSecond(readings)} lines/s, ${ratio.toFixed(2)} × readline`,
  );
  if (readings.some((reading) => reading.lines !== lines)) {
    throw new Error('not every line was read');
  }
  judge(`${format}: megabytes of node`, peak, memoryMegabytesMax, { kind: 'megabytes' });
}

/** The same calls every time: numbers from a small generator instead of a random one. */
async function writeCalls(path: string, lines: number, format: 'csv' | 'jsonl'): Promise<void> {
  const file = createWriteStream(path);
  const monthStart = Date.UTC(2026, 9, 1);
  let state = 1;
  const next = (below: number) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
  let text =
    format === 'csv' ? 'id,assistant_id,status,started_at,ended_at,duration_seconds,cost,currency\n' : '';
  for (let i = 0; i < lines; i++) {
    const millis = next(600_000);
    const start = monthStart + next(31 * 86_400) * 1000 + next(1000);
    const call = {
      id: `019aa141-${String(i).padStart(8, '0')}-7775-8d7e-006f2a64`,
      assistantId: `90292165-2fa1-4d65-bf93-${String(next(800)).padStart(12, '0')}`,
      startedAt: new Date(start).toISOString(),
      endedAt: new Date(start + millis).toISOString(),
      cost: (millis / 700_000).toFixed(4),
    };
    text += format === 'csv' ? csvLine(call, millis) : jsonLine(call);
    if (text.length > 1e6 || i === lines - 1) {
      if (!file.write(text)) {
        await once(file, 'drain');
      }
      text = '';
    }
  }
  file.end();
  await once(file, 'close');
}

type Call = Record<'id' | 'assistantId' | 'startedAt' | 'endedAt' | 'cost', string>;

function csvLine({ id, assistantId, startedAt, endedAt, cost }: Call, millis: number): string {
  return `${id},${assistantId},ended,${startedAt},${endedAt},${(millis / 1000).toFixed(3)},${cost},USD\n`;
}

function jsonLine({ id, assistantId, startedAt, endedAt, cost }: Call): string {
  return (
    `{"id": "${id}", "orgId": "0aa5b6f0-0000-4000-8000-000000000001", "createdAt": "${startedAt}", "updatedAt": "${endedAt}", ` +
    `"type": "webCall", "status": "ended", "endedReason": "customer-ended-call", "assistantId": "${assistantId}", ` +
    `"startedAt": "${startedAt}", "endedAt": "${endedAt}", "cost": ${cost}, "costBreakdown": {"transport": 0, "stt": 0.0385, ` +
    `"llm": 0.0577, "tts": 0.0962, "vapi": 0.1924, "total": ${cost}, "llmPromptTokens": 3050, "llmCompletionTokens": 67, "ttsCharacters": 1951}}\n`
  );
}
