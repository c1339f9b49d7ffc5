/**
 * Import of call logs, with all that the triggers keep, against the least that loading the same file costs on the
 * same server: a bare COPY into a table without triggers that has the same indexes. Both in turn, medians, and
 * the highest memory of the import. Fails above the ratio or the memory that is aimed at.
 *
 *   node scripts/bench.mjs import-call-logs [--lines 1000000] [--users 10000] [--rounds 1] [--database-url URL]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { main } from '../src/cli/main.ts';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { migrate } from '../src/db/migrations.ts';
import { judge, median, say } from './verdict.ts';

const ratioMax = 1.4;
const memoryMegabytesMax = 300;

interface Measured {
  seconds: number;
  megabytes: number;
}

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '1' },
    'database-url': { type: 'string' },
    import: { type: 'string' },
  },
});

if (values.import !== undefined) {
  await runImport(values.import);
} else {
  await inFolder(measureAll);
}

/** In a process of its own: `import users FILE`, start and connection included. */
async function runImport(kind: string): Promise<void> {
  const file = process.env.FILE ?? '';
  const code = await main(
    Object.assign(process, { argv: ['node', 'quota', 'import', kind, file, '--quiet'] }),
  );
  process.send?.({ code, megabytes: process.resourceUsage().maxRSS / 1024 });
  process.disconnect?.();
}

async function inFolder(use: (folder: string, serverUrl: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
  await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
  const session =
    values['database-url'] === undefined ? await openEmbedded({ dataDir: join(folder, 'data') }) : null;
  try {
    await use(folder, session?.url ?? values['database-url'] ?? '');
  } finally {
    await session?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function measureAll(folder: string, serverUrl: string): Promise<void> {
  const [lines, users] = [Number(values.lines), Number(values.users)];
  await writeFiles(folder, lines, users);
  const client = new pg.Client(serverUrl);
  await client.connect();
  const [imports, copies]: [Measured[], number[]] = [[], []];
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      await client.query('drop schema if exists quota cascade');
      await migrate(serverUrl, { talk: { info: () => {}, verbose: () => {} } });
      for (const kind of ['users', 'assistants']) {
        const { seconds } = await importFile(folder, serverUrl, kind, `${kind}.csv`);
        say(`import of ${users} ${kind}: ${seconds.toFixed(1)} s`);
      }
      await client.query('checkpoint');
      copies.push(await bareCopy(client, join(folder, 'call_logs.csv')));
      await client.query('checkpoint');
      const imported = await importFile(folder, serverUrl, 'call-logs', 'call_logs.csv');
      imports.push(imported);
      say(
        `round ${round + 1}: bare COPY ${copies.at(-1)?.toFixed(1)} s, import ${imported.seconds.toFixed(1)} s`,
      );
    }
  } finally {
    await client.end();
  }
  const [copied, imported] = [median(copies), median(imports.map(({ seconds }) => seconds))];
  const megabytes = Math.max(...imports.map((one) => one.megabytes));
  judge('import / bare copy', imported / copied, ratioMax, {
    ours: `${imported.toFixed(1)} s`,
    baseline: `${copied.toFixed(1)} s`,
    megabytes,
  });
  judge('megabytes of node', megabytes, memoryMegabytesMax, { kind: 'megabytes' });
}

async function importFile(folder: string, url: string, kind: string, name: string): Promise<Measured> {
  const start = performance.now();
  const env = { ...process.env, DATABASE_URL: url, FILE: join(folder, name) };
  const child = fork(process.argv[1] ?? '', ['--import', kind], { env, execArgv: [] });
  const [{ code, megabytes }] = (await once(child, 'message')) as [{ code: number; megabytes: number }];
  if (code !== 0) {
    throw new Error(`import ${kind} ended with ${code}`);
  }
  return { seconds: (performance.now() - start) / 1000, megabytes };
}

/** What `\copy` of psql does, into a table like call_logs that takes the columns of the file as they are. */
async function bareCopy(client: pg.Client, path: string): Promise<number> {
  await client.query(`
    drop table if exists quota.bare;
    create table quota.bare (like quota.call_logs including defaults including identity including indexes);
    alter table quota.bare alter column user_id type text, alter column service set default 'voice',
      alter column provider set default 'vapi';`);
  const columns =
    'provider_call_id, assistant_id, user_id, started_at, ended_at, duration_seconds, cost, status';
  const start = performance.now();
  const query = client.query(
    copyStreams.from(`copy quota.bare (${columns}) from stdin with (format csv, header)`),
  );
  await pipeline(createReadStream(path), query);
  const seconds = (performance.now() - start) / 1000;
  await client.query('drop table quota.bare');
  return seconds;
}

/** The same files every time: calls of three months, in no order. */
async function writeFiles(folder: string, lines: number, users: number): Promise<void> {
  const random = createRandom(20_261_001);
  const uuid = () =>
    [8, 4, 4, 4, 12]
      .map((digits) =>
        Math.floor(random() * 16 ** digits)
          .toString(16)
          .padStart(digits, '0'),
      )
      .join('-');
  const userId = (user: number) => `user_${String(user).padStart(6, '0')}`;
  const assistants = Array.from({ length: users }, uuid);
  const zones = ['UTC', 'Europe/London', 'America/New_York', 'Asia/Kolkata', 'America/Santiago'];
  const write = (name: string, rows: Iterable<string>) =>
    pipeline(Readable.from(rows), createWriteStream(join(folder, name)));

  await write('users.csv', userRows());
  await write('assistants.csv', assistantRows());
  await write('call_logs.csv', callRows());

  function* userRows() {
    yield 'external_id,email,signup_at,timezone,plan\n';
    for (let user = 0; user < users; user++) {
      const signup = new Date(Date.UTC(2024, 0, 1) + Math.floor(random() * 600 * 86_400_000)).toISOString();
      yield `${userId(user)},user${user}@example.com,${signup},${zones[user % zones.length]},voice-free\n`;
    }
  }
  function* assistantRows() {
    yield 'provider_assistant_id,user_external_id,name\n';
    for (let user = 0; user < users; user++) {
      yield `${assistants[user]},${userId(user)},Assistant ${user}\n`;
    }
  }
  function* callRows() {
    yield 'provider_call_id,provider_assistant_id,user_external_id,started_at,ended_at,duration_seconds,cost,status\n';
    for (let line = 0; line < lines; line++) {
      const user = Math.floor(random() * users);
      const started = Date.UTC(2026, 7, 1) + Math.floor(random() * 92 * 86_400_000);
      const milliseconds = 1000 + Math.floor(random() * 20_000);
      const [start, end] = [started, started + milliseconds].map((at) => new Date(at).toISOString());
      const [seconds, cost] = [milliseconds / 1000, ((milliseconds * 93) / 6e7).toFixed(4)];
      yield `${uuid()},${assistants[user]},${userId(user)},${start},${end},${seconds},${cost},completed\n`;
    }
  }
}

/** Mulberry32: small, fast, the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
