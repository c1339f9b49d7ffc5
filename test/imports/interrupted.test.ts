import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { withClient } from '../../src/db/client.ts';
import { fakeProcess, startBin } from '../run-cli.ts';
import { callHeader, type Desk, openDesk } from './desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.close());

const users = ['ada', 'bob'];

/** A file of calls that takes a while: of one second each, over three months. */
async function writeCalls(name: string, count: number): Promise<string> {
  const first = Date.UTC(2026, 7, 1);
  function* lines() {
    yield `${callHeader}\n`;
    for (let index = 0; index < count; index++) {
      const started = new Date(first + index * 100_000).toISOString();
      const user = users[index % users.length];
      yield `call-${index},assistant-of-${user},${user},${started},,1,0.01,completed\n`;
    }
  }
  const path = desk.path(name);
  await pipeline(Readable.from(lines()), createWriteStream(path));
  return path;
}

test('killed at any moment, an import leaves nothing; run again it completes', async () => {
  const file = await writeCalls('calls.csv', 20_000);
  const before = await desk.fingerprint({ sequences: false });
  let killed = 0;
  for (let attempt = 0; attempt < 12; attempt++) {
    const run = startBin(['import', 'call-logs', file], { env: desk.env });
    await sleep(150 + attempt * 80);
    run.kill('SIGKILL');
    const { code } = await run.result;
    if (code === 0) {
      break;
    }
    killed += 1;
    expect(await desk.fingerprint({ sequences: false })).toBe(before);
  }
  expect(killed).toBeGreaterThan(3);
  const report = await desk.report('call-logs', file);
  expect(report.new + report.existing).toBe(20_000);
  expect(await desk.drift()).toEqual([]);
  const [total] = await desk.query(
    'select sum(used) as used, sum(calls)::integer as calls from quota.usage_quotas',
  );
  expect(total).toEqual({ used: '20000.000', calls: 20_000 });
});

test('interrupted while stdin is silent, it ends at once', async () => {
  const before = await desk.fingerprint();
  const { process, signal } = fakeProcess(['import', 'call-logs', '-'], { env: desk.env });
  const stdin = new Readable({ read() {} });
  stdin.push(`${callHeader}\n${'x,assistant-of-ada,ada,2026-10-03T10:00:00Z,,1,,\n'.repeat(2000)}`);
  const done = main({ ...process, stdin });
  await sleep(500);
  const start = performance.now();
  signal('SIGINT');
  expect(await done).toBe(130);
  expect(performance.now() - start).toBeLessThan(2000);
  expect(await desk.fingerprint()).toBe(before);
});

test('an app that goes on recording calls neither deadlocks with an import nor loses any', async () => {
  const file = await writeCalls('calls.csv', 60_000);
  const importing = desk.report('call-logs', file);
  let isDone = false;
  const stop = () => {
    isDone = true;
  };
  importing.then(stop, stop);
  let recorded = 0;
  const record = (writer: number) =>
    withClient(desk.url, async (client) => {
      while (!isDone) {
        await client.query(
          `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
          select id, 'voice', 'vapi', $1, '2026-10-03T10:00:00Z', 2 from quota.users where external_id = $2`,
          [`live-${writer}-${recorded}`, users[recorded % 2]],
        );
        recorded += 1;
      }
    });
  await Promise.all([record(1), record(2), record(3)]);
  expect(await importing).toMatchObject({ new: 60_000 });
  expect(recorded).toBeGreaterThan(10);
  const [total] = await desk.query(
    'select sum(used) as used, sum(calls)::integer as calls from quota.usage_quotas',
  );
  expect(total).toEqual({ used: `${60_000 + 2 * recorded}.000`, calls: 60_000 + recorded });
  expect(await desk.drift()).toEqual([]);
});

test('a call that an app records while the same call is imported is counted once', async () => {
  const file = await writeCalls('calls.csv', 30_000);
  await withClient(desk.url, async (client) => {
    await client.query('begin');
    await client.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
      select id, 'voice', 'vapi', 'call-29999', '2026-10-03T10:00:00Z', 1 from quota.users where external_id = 'bob'`,
    );
    const importing = desk.report('call-logs', file);
    await sleep(2500); // By now the import waits for this transaction, at the same id.
    await client.query('commit');
    expect(await importing).toMatchObject({ lines: 30_000, new: 29_999, existing: 1, differing: 1 });
  });
  const [total] = await desk.query('select sum(calls)::integer as calls from quota.usage_quotas');
  expect(total).toEqual({ calls: 30_000 });
  expect(await desk.drift()).toEqual([]);
});

test('two imports of one file at once are one import', async () => {
  const file = await writeCalls('calls.csv', 20_000);
  const reports = await Promise.all([desk.report('call-logs', file), desk.report('call-logs', file)]);
  expect(reports.map((report) => report.new).sort((a, b) => a - b)).toEqual([0, 20_000]);
  expect(reports.map((report) => report.existing).sort((a, b) => a - b)).toEqual([0, 20_000]);
  expect(await desk.query(`select from quota.audit_log where action = 'call-logs.import'`)).toHaveLength(1);
  expect(await desk.drift()).toEqual([]);
});

test('a pipe is read with bounded memory', async () => {
  const file = await writeCalls('calls.csv', 200_000);
  const { process } = fakeProcess(['import', 'call-logs', '-', '--dry-run', '--json'], { env: desk.env });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, globalThis.process.memoryUsage().rss);
  }, 50);
  const start = globalThis.process.memoryUsage().rss;
  expect(await main({ ...process, stdin: createReadStream(file) })).toBe(0);
  clearInterval(timer);
  expect((peak - start) / 1024 / 1024).toBeLessThan(200);
});
