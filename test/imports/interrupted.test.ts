import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { perTest } from '../desk/desk.ts';
import { strike } from '../desk/strike.ts';
import { fakeProcess } from '../run-cli.ts';
import { callHeader, ImportDesk } from './import-desk.ts';

const desk = perTest(new ImportDesk());

const users = ['ada', 'bob'];

/** A file of calls that takes a while: of one second each, over three months. */
async function writeCalls(name: string, count: number, callers = users): Promise<string> {
  const first = Date.UTC(2026, 7, 1);
  function* lines() {
    yield `${callHeader}\n`;
    for (let index = 0; index < count; index++) {
      const started = new Date(first + index * 100_000).toISOString();
      const user = callers[index % callers.length];
      const assistant = callers === users ? `assistant-of-${user}` : '';
      yield `call-${index},${assistant},${user},${started},,1,0.01,completed\n`;
    }
  }
  const path = desk.path(name);
  await pipeline(Readable.from(lines()), createWriteStream(path));
  return path;
}

/** What the imports on the database are doing. */
async function doing(): Promise<string[]> {
  const sessions = await desk.sessions();
  return sessions
    .filter(({ state }) => state === 'active')
    .map(({ query }) =>
      /^\s*copy import_rows/.test(query)
        ? 'reading'
        : /^\s*insert into quota.call_logs/.test(query)
          ? 'loading'
          : 'planning',
    );
}

test('killed at any moment, an import at once leaves nothing; run again it completes', async () => {
  const file = await writeCalls('calls.csv', 20_000);
  const before = await desk.snapshot({ sequences: false });
  const wanted = ['reading', 'planning', 'loading'];
  let struck: string | undefined;
  const found = await strike({
    kills: 12,
    start: () => desk.start('import', 'call-logs', file, '--at-once'),
    isDue: async (attempt) => {
      [struck] = await doing();
      return struck === wanted[attempt % wanted.length];
    },
    evidence: async () => {
      await expect.poll(() => desk.sessions(), { interval: 5 }).toEqual([]);
      expect(await desk.snapshot({ sequences: false })).toEqual(before);
      return struck ?? null;
    },
  });
  expect(Object.keys(found).sort()).toEqual([...wanted].sort());
  const report = await desk.report('call-logs', file);
  expect(report).toMatchObject({ new: 20_000, existing: 0 });
  expect(await desk.differences()).toEqual([]);
  const [total] = await desk.query(
    'select sum(used) as used, sum(calls)::integer as calls from quota.usage_quotas',
  );
  expect(total).toEqual({ used: '20000.000', calls: 20_000 });
});

test('killed between users, an import leaves what its audit rows say, of each user all or nothing; run again it completes', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `caller-${index}`);
  await desk.query(
    `insert into quota.users (external_id, created_at) select unnest($1::text[]), '2026-01-31T12:00:00Z'`,
    [names],
  );
  const lines = 20_000;
  const file = await writeCalls('calls.csv', lines, names);
  const parts = async () =>
    (await desk.query(`select from quota.audit_log where action = 'call-logs.import-part'`)).length;
  const found = await strike({
    kills: 2,
    start: () => desk.start('import', 'call-logs', file),
    isDue: async (attempt) => (await parts()) > attempt,
    evidence: async () => {
      await expect.poll(() => desk.sessions(), { interval: 5 }).toEqual([]);
      const [stored] = await desk.query(`
        select count(*)::integer as users, sum(calls)::integer as calls, min(calls) = max(calls) as whole
        from (select count(*)::integer as calls from quota.call_logs group by user_id) c`);
      expect(stored).toMatchObject({
        whole: true,
        calls: (stored?.users as number) * (lines / names.length),
      });
      const [audited] = await desk.query(
        `select sum((after->>'new')::integer)::integer as calls from quota.audit_log where action like 'call-logs.import%'`,
      );
      expect(audited?.calls).toBe(stored?.calls);
      expect(await desk.differences()).toEqual([]);
      return (stored?.users as number) < names.length ? 'loading' : null;
    },
  });
  expect(found).toEqual({ loading: 2 });
  const loaded = (await desk.query('select from quota.call_logs')).length;
  const report = await desk.report('call-logs', file);
  expect(report).toMatchObject({ lines, new: lines - loaded, existing: loaded });
  expect(await desk.report('call-logs', file)).toMatchObject({ new: 0, existing: lines });
  expect(
    await desk.query(
      `select sum(used) as used, sum(calls)::integer as calls from quota.usage_quotas having count(distinct user_id) = 40`,
    ),
  ).toEqual([{ used: `${lines}.000`, calls: lines }]);
  expect(await desk.query(`select from quota.audit_log where action = 'call-logs.import'`)).toHaveLength(1);
  expect(await desk.differences()).toEqual([]);
});

test('stopped in the midst, it says how much is loaded', async () => {
  const file = await writeCalls('calls.csv', 12_000);
  const { process, signal, stderr } = fakeProcess(['import', 'call-logs', file], { env: desk.env });
  const bobs = await desk.query(`select id from quota.users order by id desc limit 1`);
  const code = await desk.session(async (client) => {
    await client.query('begin');
    // The user who comes last cannot be counted yet: the import waits, with the first one loaded, or most of it.
    await client.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
      values ($1, 'voice', 'vapi', 'live', '2026-10-03T10:00:00Z', 1)`,
      [bobs[0]?.id],
    );
    const done = main(process);
    await desk.untilLocked();
    signal('SIGINT');
    const ended = await done;
    await client.query('rollback');
    return ended;
  });
  expect(code).toBe(130);
  const parts = await desk.query<{ lines: number }>(
    `select (after->>'new')::integer as lines from quota.audit_log where action = 'call-logs.import-part' order by id`,
  );
  // Nobody is held for all 6,000 of a user; how many at once is as the machine is: the last of the first user's may be so
  // few that they come with the other's.
  expect(parts.length).toBeGreaterThan(1);
  expect(parts[0]).toEqual({ lines: 1_000 });
  const loaded = parts.reduce((sum, { lines }) => sum + lines, 0);
  expect(loaded).toBeLessThanOrEqual(6_000);
  expect(await desk.query(`select count(*)::integer as calls from quota.call_logs`)).toEqual([
    { calls: loaded },
  ]);
  expect(stderr()).toContain(`${loaded} of 12000 lines are loaded: the same command again loads the others`);
  expect(await desk.report('call-logs', file)).toMatchObject({ new: 12_000 - loaded, existing: loaded });
  expect(await desk.differences()).toEqual([]);
});

test('interrupted while stdin is silent, it ends without waiting for more', async () => {
  const before = await desk.snapshot();
  const { process, signal } = fakeProcess(['import', 'call-logs', '-'], { env: desk.env });
  const stdin = new Readable({ read() {} });
  stdin.push(`${callHeader}\n${'x,assistant-of-ada,ada,2026-10-03T10:00:00Z,,1,,\n'.repeat(2000)}`);
  const done = main({ ...process, stdin });
  await expect.poll(doing).toEqual(['reading']);
  signal('SIGINT');
  expect(await done).toBe(130);
  expect(await desk.snapshot()).toEqual(before);
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
    desk.session(async (client) => {
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
  expect(await desk.differences()).toEqual([]);
});

test('a call that an app records while the same call is imported is counted once', async () => {
  const file = await writeCalls('calls.csv', 30_000);
  await desk.session(async (client) => {
    await client.query('begin');
    await client.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
      select id, 'voice', 'vapi', 'call-29999', '2026-10-03T10:00:00Z', 1 from quota.users where external_id = 'bob'`,
    );
    const importing = desk.report('call-logs', file);
    await desk.untilLocked(); // The import waits for this transaction, at the same id.
    await client.query('commit');
    expect(await importing).toMatchObject({ lines: 30_000, new: 29_999, existing: 1, differing: 1 });
  });
  const [total] = await desk.query('select sum(calls)::integer as calls from quota.usage_quotas');
  expect(total).toEqual({ calls: 30_000 });
  expect(await desk.differences()).toEqual([]);
});

test('two imports of one file at once are one import', async () => {
  const file = await writeCalls('calls.csv', 20_000);
  const reports = await Promise.all([desk.report('call-logs', file), desk.report('call-logs', file)]);
  expect(reports.map((report) => report.new).sort((a, b) => a - b)).toEqual([0, 20_000]);
  expect(reports.map((report) => report.existing).sort((a, b) => a - b)).toEqual([0, 20_000]);
  expect(await desk.query(`select from quota.audit_log where action = 'call-logs.import'`)).toHaveLength(1);
  expect(await desk.differences()).toEqual([]);
});

test('a pipe is read with bounded memory', async () => {
  const file = await writeCalls('calls.csv', 200_000);
  const { process } = fakeProcess(
    ['import', 'call-logs', '-', '--dry-run', '--json', '--as-of', '2030-01-01T00:00:00Z'],
    { env: desk.env },
  );
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, globalThis.process.memoryUsage().rss);
  }, 50);
  const start = globalThis.process.memoryUsage().rss;
  expect(await main({ ...process, stdin: createReadStream(file) })).toBe(0);
  clearInterval(timer);
  expect((peak - start) / 1024 / 1024).toBeLessThan(200);
});

test.each([1, 40])(
  'the last row of an import of %i users stands for all of it, whichever session ended first',
  async (count) => {
    const callers = Array.from({ length: count }, (_, index) => `caller-${index}`);
    await desk.query(
      `insert into quota.users (external_id, created_at) select unnest($1::text[]), '2026-01-31T12:00:00Z'`,
      [callers],
    );
    const file = await writeCalls('calls.csv', 20_000, callers);
    const report = await desk.report('call-logs', file);
    expect(report).toMatchObject({ new: 20_000, existing: 0 });
    const rows = await desk.query<{ id: string; action: string; parts: number; new: number }>(
      `select id, action, coalesce(after->>'part', after->>'parts')::integer as parts, (after->>'new')::integer as new
     from quota.audit_log where action like 'call-logs.import%' order by id`,
    );
    const last = rows.at(-1);
    expect(last).toEqual({ id: report.auditId, action: 'call-logs.import', parts: rows.length, new: 20_000 });
    expect(rows.map(({ parts }) => parts).sort((a, b) => a - b)).toEqual(rows.map((_, index) => index + 1));
    expect(await desk.differences()).toEqual([]);
  },
);
