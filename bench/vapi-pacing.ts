/**
 * How close the VAPI client comes to the rate that it is given: GET and PATCH of many assistants at a simulated
 * VAPI with latency and a strict rate limit, in a process of its own. Fails when it takes more than 1.1 times what
 * the limit dictates, or when the memory in use grows.
 *
 *   node scripts/bench.mjs vapi-pacing [--assistants 1000] [--rate 20] [--latency 50] [--concurrency 5]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { serveVapi } from '../fixtures/vapi-simulator/serve.ts';
import { VapiClient } from '../src/providers/vapi/client.ts';
import { judge, say } from './verdict.ts';

const ratioMax = 1.1;
/** Room for caches of the runtime that fill once; a leak of 1 kB per request would show after 2,000 of them. */
const growthMegabytesMax = 2;

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    assistants: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '20' },
    latency: { type: 'string', default: '50' },
    concurrency: { type: 'string', default: '5' },
  },
});
const assistants = Number(values.assistants);
const rate = Number(values.rate);
const latencyMs = Number(values.latency);

if (values.serve) {
  await serve();
} else {
  await measure();
}

async function serve(): Promise<void> {
  const stopped = new AbortController();
  process.on('disconnect', () => stopped.abort());
  const options = { assistants, latencyMs, rateLimitPerSecond: rate };
  await serveVapi(options, stopped.signal, (listening) => process.send?.(listening));
}

async function measure(): Promise<void> {
  const child = fork(process.argv[1] ?? '', ['--serve', ...process.argv.slice(2)]);
  try {
    const [{ url, apiKey }] = (await once(child, 'message')) as [{ url: string; apiKey: string }];
    const state = async (path: string) => (await fetch(`${url}/_sim/${path}`)).json();
    const ids = ((await state('assistants')) as { id: string }[]).map(({ id }) => id);
    const client = new VapiClient({
      apiKey,
      baseUrl: url,
      ratePerSecond: rate,
      concurrency: Number(values.concurrency),
    });
    const heapMegabytes: number[] = [];
    let done = 0;
    const work = async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        const { maxDurationSeconds } = await client.getAssistant(id);
        if (maxDurationSeconds !== 10) {
          await client.patchAssistant(id, { maxDurationSeconds: 10 });
        }
        if (++done % Math.ceil(assistants / 10) === 0) {
          heapMegabytes.push(heapInUse());
        }
      }
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: Number(values.concurrency) }, work));
    report((performance.now() - startMs) / 1000, heapMegabytes, (await state('state')) as SimulatorSummary);
  } finally {
    child.disconnect();
  }
}

interface SimulatorSummary {
  requests: number;
  patches: number;
  patchesWithoutChange: number;
  answers: { [status: string]: number };
}

function report(seconds: number, heapMegabytes: number[], summary: SimulatorSummary): void {
  // The first request waits for nobody, so that n requests have n - 1 pauses between them.
  const dictatedSeconds = (2 * assistants - 1) / rate;
  const ratio = seconds / dictatedSeconds;
  const growth = (heapMegabytes.at(-1) ?? 0) - (heapMegabytes[0] ?? 0);
  if (summary.patches !== assistants) {
    throw new Error(`${summary.patches} of ${assistants} assistants were changed`);
  }
  const { requests, answers, patches, patchesWithoutChange } = summary;
  const heap = heapMegabytes.map((megabytes) => megabytes.toFixed(1));
  say(JSON.stringify({ requests, answers, patches, patchesWithoutChange, heapMegabytes: heap }));
  judge('client / what the rate dictates', ratio, ratioMax, {
    ours: `${seconds.toFixed(1)} s`,
    baseline: `${dictatedSeconds.toFixed(1)} s`,
  });
  judge('megabytes that the heap grows by', growth, growthMegabytesMax, { kind: 'megabytes' });
}

function heapInUse(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
