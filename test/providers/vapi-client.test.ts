import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startVapiSimulator } from '../../fixtures/vapi-simulator/server.ts';
import type { SimulatorOptions, VapiSimulator } from '../../fixtures/vapi-simulator/simulator.ts';
import { VapiClient } from '../../src/providers/vapi/client.ts';
import { isVapiNotFound, VapiRequestError, VapiUnavailableError } from '../../src/providers/vapi/errors.ts';
import type { VapiRuntime } from '../../src/providers/vapi/runtime.ts';
import type { VapiClientOptions, VapiRetry } from '../../src/providers/vapi/settings.ts';

let simulator: VapiSimulator;
const startMs = Date.parse('2026-10-15T12:00:00.000Z');

beforeAll(async () => {
  simulator = await startVapiSimulator({ seed: 3 });
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.clearFaults();
  simulator.clearLogs();
  simulator.putAssistants([{ id: 'one', name: 'One', firstMessage: 'Hello', unheardOf: { deep: [1] } }]);
});

/** A clock that jumps to the end of every sleep, and remembers them. */
function heldTime(random = 0): VapiRuntime & { sleeps: number[] } {
  let nowMs = startMs;
  const sleeps: number[] = [];
  return {
    sleeps,
    nowMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      nowMs += ms;
    },
    random: () => random,
  };
}

function client(options: Partial<VapiClientOptions> = {}) {
  return new VapiClient({
    apiKey: simulator.apiKey,
    baseUrl: simulator.url,
    ratePerSecond: 1000,
    runtime: heldTime(),
    ...options,
  });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable('did not fail'),
    (error: unknown) => error,
  );
}

describe('assistants', () => {
  it('are read and changed, unknown fields kept', async () => {
    expect(await client().getAssistant('one')).toMatchObject({ name: 'One', unheardOf: { deep: [1] } });
    const after = await client().patchAssistant('one', { maxDurationSeconds: 10, firstMessage: null });
    expect(after).toEqual(simulator.assistant('one'));
    expect(after).toMatchObject({ maxDurationSeconds: 10, firstMessage: null });
  });

  it('that do not exist are told apart from every other refusal', async () => {
    const missing = await failure(client().getAssistant('nobody'));
    expect(isVapiNotFound(missing)).toBe(true);
    expect(missing).toMatchObject({ status: 404, exitCode: 4 });
    const bad = await failure(
      client().patchAssistant('one', { maxDurationSeconds: 5, name: 'n'.repeat(41) }),
    );
    expect(isVapiNotFound(bad)).toBe(false);
    expect(bad).toBeInstanceOf(VapiRequestError);
    expect(bad).toMatchObject({
      status: 400,
      words: [
        'maxDurationSeconds must not be less than 10',
        'name must be shorter than or equal to 40 characters',
      ],
    });
    expect(simulator.requests().map(({ status }) => status)).toEqual([404, 400]);
  });

  it('have ids that cannot lead to another endpoint', async () => {
    await expect(client().getAssistant('..')).rejects.toMatchObject({ code: 'usage' });
    await expect(client().getAssistant('')).rejects.toMatchObject({ code: 'usage' });
    expect(isVapiNotFound(await failure(client().getAssistant('a/../b?x')))).toBe(true);
    expect(simulator.requests().map(({ path }) => path)).toEqual(['/assistant/a%2F..%2Fb%3Fx']);
  });
});

describe('retries', () => {
  it.each([500, 502, 503, 504, 599])('repeat after %i, with a pause that doubles', async (status) => {
    const runtime = heldTime();
    simulator.scriptFaults([{ kind: 'error', status, times: 3 }]);
    expect(await client({ runtime }).getAssistant('one')).toMatchObject({ name: 'One' });
    expect(runtime.sleeps).toEqual([250, 500, 1000]);
  });

  it('spread the pause by luck, up to twice its least', async () => {
    const runtime = heldTime(0.999);
    simulator.scriptFaults([{ kind: 'error' }]);
    await client({ runtime }).getAssistant('one');
    expect(runtime.sleeps[0]).toBeCloseTo(499.75);
  });

  it('repeat after a dropped connection, a late answer and a page of HTML', async () => {
    const retries: VapiRetry[] = [];
    simulator.scriptFaults([{ kind: 'drop' }, { kind: 'slow', delayMs: 2000 }, { kind: 'html' }]);
    const patient = client({ timeoutMs: 100, onRetry: (retry) => retries.push(retry) });
    expect(await patient.getAssistant('one')).toMatchObject({ name: 'One' });
    expect(retries.map(({ reason }) => reason)).toEqual([
      expect.stringContaining(`VAPI cannot be reached at ${simulator.url}`),
      expect.stringContaining('within 100 ms'),
      expect.stringContaining('with 502: 502 Bad Gateway'),
    ]);
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it.each([
    ['2', 2000],
    ['0', 0],
    ['0.5', 500],
    [new Date(startMs + 7000).toUTCString(), 7000],
    [new Date(startMs - 7000).toUTCString(), 0],
    ['soon', 0],
  ])('wait for what Retry-After says: %s', async (retryAfter, leastMs) => {
    const runtime = heldTime();
    simulator.scriptFaults([{ kind: 'rateLimit', retryAfter }]);
    await client({ runtime }).getAssistant('one');
    expect(runtime.sleeps.reduce((sum, ms) => sum + ms, 0)).toBe(Math.max(250, leastMs));
  });

  it('do not wait for a Retry-After of hours, but say it', async () => {
    simulator.scriptFaults([{ kind: 'rateLimit', retryAfter: '7200' }]);
    const error = await failure(client().getAssistant('one'));
    expect(error).toMatchObject({ reason: 'rate_limit', status: 429, retryAfterMs: 7_200_000, exitCode: 69 });
    expect(simulator.requests()).toHaveLength(1);
  });

  it('end after the attempts allowed', async () => {
    simulator.scriptFaults([{ kind: 'error', status: 503, times: 9 }]);
    const error = await failure(client({ attempts: 3 }).getAssistant('one'));
    expect(error).toMatchObject({ reason: 'server', status: 503, exitCode: 69 });
    expect(simulator.requests()).toHaveLength(3);
  });

  it.each([400, 402, 404, 408, 409, 422])('never follow a %i', async (status) => {
    simulator.scriptFaults([{ kind: 'error', status }]);
    expect(await failure(client().getAssistant('one'))).toMatchObject({ status });
    expect(simulator.requests()).toHaveLength(1);
  });

  it('stop when the caller does', async () => {
    const controller = new AbortController();
    simulator.scriptFaults([{ kind: 'error', times: 9 }]);
    const impatient = client({ onRetry: () => controller.abort(new Error('stopped by the caller')) });
    await expect(impatient.getAssistant('one', { signal: controller.signal })).rejects.toThrow(
      'stopped by the caller',
    );
    expect(simulator.requests()).toHaveLength(1);
  });

  it('stop in the midst of a request', async () => {
    const controller = new AbortController();
    simulator.scriptFaults([{ kind: 'slow', delayMs: 5000 }]);
    const asked = failure(client().getAssistant('one', { signal: controller.signal }));
    await expect.poll(() => simulator.requests()).toHaveLength(1);
    controller.abort(new Error('stopped by the caller'));
    expect(await asked).toEqual(new Error('stopped by the caller'));
    // The answer is still to come.
    expect(simulator.requests()).toEqual([expect.objectContaining({ status: undefined })]);
  });
});

describe('a PATCH whose answer was lost', () => {
  it.each(['lost', 'lostHtml', 'slow'] as const)(
    'is not sent again when it was carried out (%s)',
    async (kind) => {
      simulator.scriptFaults([{ kind, method: 'PATCH', delayMs: 2000 }]);
      const after = await client({ timeoutMs: 150 }).patchAssistant('one', { maxDurationSeconds: 10 });
      expect(after).toEqual(simulator.assistant('one'));
      expect(simulator.patches('one')).toHaveLength(1);
      expect(simulator.requests().map(({ method }) => method)).toEqual(['PATCH', 'GET']);
    },
  );

  it.each(['drop', 'error', 'html'] as const)('is sent again when it was not (%s)', async (kind) => {
    simulator.scriptFaults([{ kind, method: 'PATCH' }]);
    await client().patchAssistant('one', { maxDurationSeconds: 10 });
    expect(simulator.requests().map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH']);
    expect(simulator.patches('one').map(({ changedFields }) => changedFields)).toEqual([
      ['maxDurationSeconds'],
    ]);
  });

  it('is sent again at once after a 429, which is given before anything is done', async () => {
    simulator.scriptFaults([{ kind: 'rateLimit', method: 'PATCH' }]);
    await client().patchAssistant('one', { maxDurationSeconds: 10 });
    expect(simulator.requests().map(({ method }) => method)).toEqual(['PATCH', 'PATCH']);
  });

  it('sends only what is still missing, or what the caller then wants', async () => {
    simulator.scriptFaults([{ kind: 'drop', method: 'PATCH' }]);
    const edit = () => simulator.editAssistant('one', { maxDurationSeconds: 10 });
    await client({ onRetry: edit }).patchAssistant('one', {
      maxDurationSeconds: 10,
      firstMessage: 'Limited',
    });
    expect(simulator.patches('one').at(-1)?.body).toEqual({ firstMessage: 'Limited' });

    simulator.scriptFaults([{ kind: 'drop', method: 'PATCH' }]);
    const seen: unknown[] = [];
    const current = await client().patchAssistant(
      'one',
      { firstMessage: 'Hello' },
      {
        recheck: (assistant) => {
          seen.push(assistant.firstMessage);
          return undefined;
        },
      },
    );
    expect(seen).toEqual(['Limited']);
    expect(current.firstMessage).toBe('Limited');
  });

  it('counts the reading among the attempts', async () => {
    simulator.setFaults({ rate: 1, kinds: ['drop'] });
    await failure(client({ attempts: 4 }).patchAssistant('one', { maxDurationSeconds: 10 }));
    expect(simulator.requests().map(({ method }) => method)).toEqual(['PATCH', 'GET', 'GET', 'GET']);
  });

  it('never changes nothing, whatever goes wrong', async () => {
    const many = await startVapiSimulator({ assistants: 60, seed: 11, faults: { rate: 0.4, slowMs: 400 } });
    const own = client({
      baseUrl: many.url,
      apiKey: many.apiKey,
      timeoutMs: 200,
      attempts: 10,
      concurrency: 10,
    });
    await Promise.all(
      many
        .assistants()
        .map(({ id }) =>
          own.patchAssistant(id, { maxDurationSeconds: 10, name: `limited ${id}`.slice(0, 40) }),
        ),
    );
    await many.stop();
    expect(many.assistants().map(({ maxDurationSeconds }) => maxDurationSeconds)).toEqual(Array(60).fill(10));
    expect(many.patches()).toHaveLength(60);
    expect(many.patches().some(({ answered }) => !answered)).toBe(true);
  });
});

describe('errors', () => {
  it.each([401, 403])('of a refused key (%i) are exit 69 in the words of VAPI', async (status) => {
    simulator.scriptFaults([{ kind: 'error', status }]);
    const error = await failure(client().getAssistant('one'));
    expect(error).toBeInstanceOf(VapiUnavailableError);
    expect(error).toMatchObject({ code: 'unavailable', exitCode: 69, reason: 'auth', status });
    expect(String(error)).toContain('Internal server error');
    expect(simulator.requests()).toHaveLength(1);
  });

  it('never show the key', async () => {
    const apiKey = 'sk-very-secret-0123456789';
    const own = new VapiClient({ apiKey, baseUrl: simulator.url, runtime: heldTime() });
    const refused = await failure(own.getAssistant('one'));
    expect(String(refused)).toContain('Invalid Key. Hot tip');
    const echo = createServer((request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: `bad header ${request.headers.authorization}` }));
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;
    const echoing = new VapiClient({ apiKey, baseUrl, runtime: heldTime() });
    const echoed = await failure(echoing.getAssistant('one'));
    echo.close();
    echo.closeAllConnections();
    const down = await failure(echoing.getAssistant('one'));
    const bad = (() => {
      try {
        return new VapiClient({ apiKey: `${apiKey}\n` });
      } catch (error) {
        return error;
      }
    })();
    expect(String(echoed)).toContain('bad header Bearer [redacted]');
    expect(bad).toMatchObject({ exitCode: 78 });
    const everything = [own, echoing, refused, echoed, down, bad];
    expect(inspect(everything, { depth: 20, showHidden: true })).not.toContain(apiKey);
    expect(JSON.stringify(everything)).not.toContain(apiKey);
  });

  it('of a network that is down name the base URL', async () => {
    const gone = await startVapiSimulator();
    await gone.stop();
    const error = await failure(client({ baseUrl: gone.url, attempts: 2 }).getAssistant('one'));
    expect(error).toMatchObject({ reason: 'network', exitCode: 69, mayHaveApplied: false });
    expect(String(error)).toContain(`VAPI cannot be reached at ${gone.url}: ECONNREFUSED`);
  });

  it('take another server for what it is, not for a VAPI without that assistant', async () => {
    const answers: { status: number; type: string; body: string }[] = [
      { status: 404, type: 'text/html', body: '<!doctype html><title>404 Not Found</title>' },
      {
        status: 404,
        type: 'application/json',
        body: '{"message":"Cannot GET /v1/assistant/one","statusCode":404}',
      },
      { status: 403, type: 'text/html', body: '<html><head><title>Just a moment...</title>' },
      { status: 302, type: 'text/html', body: '<html><title>Moved</title>' },
      { status: 200, type: 'text/html', body: '<html><title>Welcome</title>' },
      { status: 200, type: 'application/json', body: '[]' },
    ];
    let asked = 0;
    const other = createServer((_, response) => {
      const { status, type, body } = answers[asked++] ?? { status: 500, type: 'text/plain', body: '' };
      response.writeHead(status, { 'content-type': type, location: '/login' }).end(body);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}/v1/`;
    for (const { status } of answers) {
      const error = await failure(client({ baseUrl }).getAssistant('one'));
      expect(error).toMatchObject({ reason: 'bad_answer', exitCode: 69 });
      expect(String(error), String(status)).toContain('does not answer like VAPI');
    }
    expect(asked).toBe(answers.length);
    other.close();
    other.closeAllConnections();
  });

  it('carry a text that cannot drive a terminal or flood a log', async () => {
    const other = createServer((_, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: ['\u001b[2Jevil\nline', 'x'.repeat(9000)] }));
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const error = (await failure(client({ baseUrl }).getAssistant('one'))) as VapiRequestError;
    other.close();
    other.closeAllConnections();
    expect(error.words[0]).toBe('[2Jevil line');
    expect(error.message.length).toBeLessThan(700);
  });

  it('name every option out of bounds at once', () => {
    const options = {
      apiKey: '',
      baseUrl: 'ftp://x',
      ratePerSecond: 0,
      concurrency: 1.5,
      timeoutMs: Number.NaN,
      attempts: 11,
    };
    expect(() => new VapiClient(options)).toThrow(
      /API key.*base URL.*ratePerSecond.*timeoutMs.*attempts.*concurrency/s,
    );
    expect(() => client({ baseUrl: 'https://user:hunter2@api.vapi.ai' })).toThrow(
      'must not carry credentials',
    );
  });
});

describe('pace', () => {
  // How close it comes to the rate on real timers is measured by bench/vapi-pacing.ts: here a busy machine would decide.

  /** A simulator on the clock of its client, which goes on only when all that was sent has arrived. */
  async function startOnOneClock(ratePerSecond: number, options: SimulatorOptions = {}) {
    const held = heldTime();
    let arrived = 0;
    const own = await startVapiSimulator({
      ...options,
      nowMs: held.nowMs,
      onRequest: () => {
        arrived += 1;
      },
    });
    const sleep = async (ms: number, signal?: AbortSignal) => {
      // Each turn but the first is slept for.
      await expect.poll(() => arrived, { interval: 1 }).toBe(held.sleeps.length + 1);
      return held.sleep(ms, signal);
    };
    const paced = new VapiClient({
      apiKey: own.apiKey,
      baseUrl: own.url,
      ratePerSecond,
      runtime: { ...held, sleep },
    });
    return { own, paced };
  }

  it('is never above the rate, for callers that wait and callers that do not', async () => {
    const { own, paced } = await startOnOneClock(50, { assistants: 1 });
    const [{ id } = { id: '' }] = own.assistants();
    for (let count = 0; count < 25; count++) {
      await paced.getAssistant(id);
    }
    await Promise.all(Array.from({ length: 25 }, () => paced.getAssistant(id)));
    await own.stop();
    const times = own.requests().map(({ atMs }) => atMs);
    expect(times).toHaveLength(50);
    const tookMs = (from: number, to: number) => (times[to] ?? 0) - (times[from] ?? 0);
    expect(tookMs(0, 49)).toBeGreaterThanOrEqual(49 * 20);
    expect(tookMs(1, 24)).toBeGreaterThanOrEqual(23 * 20);
    expect(tookMs(25, 49)).toBeGreaterThanOrEqual(24 * 20);
  });

  it('keeps a strict limit of the same rate at peace', async () => {
    const { own, paced } = await startOnOneClock(40, { assistants: 100, rateLimitPerSecond: 40 });
    await Promise.all(own.assistants().map(({ id }) => paced.getAssistant(id)));
    await own.stop();
    expect(own.requests().map(({ status }) => status)).toEqual(Array(100).fill(200));
  });

  it('stops for everybody while VAPI asks for a pause', async () => {
    const runtime = heldTime();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const asleep: number[] = [];
    const paced = client({
      runtime: {
        ...runtime,
        sleep: async (ms) => {
          asleep.push(ms);
          await opened;
          await runtime.sleep(ms);
        },
      },
    });
    simulator.scriptFaults([{ kind: 'rateLimit', retryAfter: '3' }]);
    const first = paced.getAssistant('one');
    await expect.poll(() => asleep).toEqual([3000]);
    const second = paced.getAssistant('one');
    await expect.poll(() => asleep).toEqual([3000, 3000]);
    expect(simulator.requests()).toHaveLength(1);
    open();
    await Promise.all([first, second]);
    expect(simulator.requests().map(({ status }) => status)).toEqual([429, 200, 200]);
  });

  it.each([2, 6])('keeps no more than %i requests under way', async (concurrency) => {
    const waiting: ServerResponse[] = [];
    const counts: number[] = [];
    const server = createServer(async ({ url }, response) => {
      if (url === '/later') {
        response.end();
        return;
      }
      counts.push(waiting.push(response));
      // It answers when as many as may come are there - fewer would wait for ever - and, had more been sent, they too.
      if (waiting.length === concurrency) {
        await fetch(`${baseUrl}/later`);
        for (const one of waiting.splice(0)) {
          one.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"one"}');
        }
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const own = client({ baseUrl, concurrency });
    await Promise.all(Array.from({ length: 12 }, () => own.getAssistant('one')));
    server.close();
    server.closeAllConnections();
    expect(counts).toHaveLength(12);
    expect(Math.max(...counts)).toBe(concurrency);
  });
});

describe('lists of calls', () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 9, 1) + ms).toISOString();
  let calls: { id: string; createdAt: string; cost: number; status: string }[];
  let own: VapiSimulator;

  beforeAll(async () => {
    own = await startVapiSimulator();
    // Bursts of up to 40 calls in one millisecond, so that many pages end amidst a tie.
    calls = Array.from({ length: 1500 }, (_, index) => ({
      id: `call-${index}`,
      createdAt: at(Math.floor(index / (1 + (index % 40))) * 7),
      cost: 0.1931,
      status: index === 3 ? 'a-status-of-tomorrow' : 'ended',
    }));
    own.putCalls(calls);
  });
  afterAll(() => own.stop());

  const lister = (simulated = own) => client({ baseUrl: simulated.url, apiKey: simulated.apiKey });

  it.each([50, 100, 101, 1000])('give each call once, newest first, in pages of %i', async (pageSize) => {
    const found: { id: string; createdAt: string }[] = [];
    for await (const page of lister().callPages({ pageSize })) {
      found.push(...page.items);
    }
    expect(found).toHaveLength(calls.length);
    expect(new Set(found.map(({ id }) => id)).size).toBe(calls.length);
    const times = found.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('keep to their range, bounds included', async () => {
    const range = { createdAtGe: at(700), createdAtLe: at(7000) };
    const expected = calls.filter(
      ({ createdAt }) => createdAt >= range.createdAtGe && createdAt <= range.createdAtLe,
    );
    const found: string[] = [];
    for await (const page of lister().callPages({ ...range, pageSize: 60 })) {
      found.push(...page.items.map(({ id }) => id));
    }
    expect(found.sort()).toEqual(expected.map(({ id }) => id).sort());
  });

  it('resume from a stored cursor without loss or repetition', async () => {
    const found: string[] = [];
    let stored: string | undefined;
    for (let run = 0; run < 100; run++) {
      const cursor = stored === undefined ? undefined : JSON.parse(stored);
      const { value: page } = await lister().callPages({ pageSize: 97, cursor }).next();
      if (page === undefined) {
        break;
      }
      found.push(...page.items.map((call: { id: string }) => call.id));
      if (page.cursor === undefined) {
        break;
      }
      stored = JSON.stringify(page.cursor);
    }
    expect(found).toHaveLength(calls.length);
    expect(new Set(found).size).toBe(calls.length);
  });

  it('cope with a page that is all one instant, up to 1000 calls, and refuse to lose any beyond that', async () => {
    const crowded = await startVapiSimulator();
    const put = (count: number) =>
      crowded.putCalls(
        Array.from({ length: count }, (_, index) => ({ id: `same-${index}`, createdAt: at(50) })),
      );
    crowded.putCalls([
      { id: 'newer', createdAt: at(90) },
      { id: 'older', createdAt: at(10) },
    ]);
    put(900);
    const found: string[] = [];
    for await (const page of lister(crowded).callPages({ pageSize: 100 })) {
      found.push(...page.items.map(({ id }) => id));
    }
    expect(found).toHaveLength(902);
    expect(new Set(found).size).toBe(902);
    put(1001);
    const error = await failure(
      (async () => {
        for await (const _ of lister(crowded).callPages({ pageSize: 100 })) {
        }
      })(),
    );
    await crowded.stop();
    expect(String(error)).toContain('more than 1000 items created at');
  });

  it('say so when the newest no longer comes first', async () => {
    const other = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify([
          { id: 'a', createdAt: at(1) },
          { id: 'b', createdAt: at(9) },
        ]),
      );
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const error = await failure(client({ baseUrl }).callPages({ pageSize: 2 }).next());
    other.close();
    other.closeAllConnections();
    expect(String(error)).toContain('no longer lists the newest first');
  });

  it('walk the assistants in the same way', async () => {
    const many = await startVapiSimulator({ assistants: 250 });
    const found: string[] = [];
    for await (const page of lister(many).assistantPages()) {
      found.push(...page.items.map(({ id }) => id));
    }
    await many.stop();
    expect(found.sort()).toEqual(
      many
        .assistants()
        .map(({ id }) => id)
        .sort(),
    );
  });

  it('and analytics agree', async () => {
    const [answer] = await lister().analytics([
      {
        table: 'call',
        name: 'control total',
        timeRange: { start: at(0), end: at(86_400_000) },
        operations: [
          { operation: 'count', column: 'id' },
          { operation: 'sum', column: 'cost' },
        ],
      },
    ]);
    expect(answer?.result).toHaveLength(1);
    expect(answer?.result[0]?.countId).toBe(1500);
    expect(answer?.result[0]?.sumCost).toBeCloseTo(1500 * 0.1931);
  });
});

describe('the bundle', () => {
  it('does not load the SDK at run time', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: ['src/providers/vapi/client.ts'],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))).toEqual(
      expect.not.arrayContaining([expect.stringContaining('vapi')]),
    );
    expect(outputFiles[0]?.text).not.toContain('@vapi-ai');
  });
});
