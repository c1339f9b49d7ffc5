import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { embeddedStatus, startEmbedded, stopEmbedded } from '../../src/db/embedded/control.ts';
import { openEmbedded } from '../../src/db/embedded/session.ts';
import { needs } from '../desk/needs.ts';
import {
  asRoot,
  bundleChild,
  type Child,
  cluster,
  type Model,
  makeModel,
  makePassableDirectory,
  postmasterPid,
  removeDataDir,
  startChild,
} from './embedded-processes.ts';

let model: Model;
let bundle: string;
let program: string;
let dataDir: string;

beforeAll(async () => {
  model = await makeModel('create table kept as select 7 as answer');
  bundle = mkdtempSync(join(process.cwd(), 'node_modules', '.embedded-child-'));
  program = await bundleChild(bundle);
});

afterAll(async () => {
  await model.remove();
  rmSync(bundle, { recursive: true, force: true });
});

beforeEach(() => {
  dataDir = makePassableDirectory();
});

afterEach(() => removeDataDir(dataDir));

const open = () => startChild(program, ['open', dataDir]);
const gone = () => expect.poll(() => existsSync(join(cluster(dataDir), 'postmaster.pid')));
const leaveAll = async (children: Child[]) => {
  for (const child of children) {
    expect(await child.leave()).toEqual({ printed: { alive: true }, exitCode: 0 });
  }
};

describe('sharing', () => {
  test('the first session makes the cluster, another shares it, the last to leave stops it', async () => {
    const first = await openEmbedded({ dataDir });
    const second = await openEmbedded({ dataDir, clientConfig: { application_name: 'second' } });
    await first.client.query('create table made as select 7 as answer');
    expect((await second.client.query('table made')).rows).toEqual([{ answer: 7 }]);
    expect((await second.client.query('show application_name')).rows[0].application_name).toBe('second');
    await first.close();
    expect((await second.client.query('select 1 as alive')).rows).toEqual([{ alive: 1 }]);
    await second.close();
    await gone().toBe(false);
    const again = await openEmbedded({ dataDir });
    expect((await again.client.query('table made')).rows).toEqual([{ answer: 7 }]);
    await again.close();
  });

  test('eight processes started at once on an empty directory share one server', async () => {
    const children = Array.from({ length: 8 }, open);
    const printed = await Promise.all(children.map((child) => child.line()));
    expect(new Set(printed.map(({ pid }) => pid)).size).toBe(1);
    expect((await embeddedStatus(dataDir)).sessions).toBe(8);
    expect(readdirSync(dataDir).sort()).toEqual(['postgres-18', 'postgres-18.log']);
    await leaveAll(children.slice(1));
    expect(postmasterPid(dataDir)).toBe(printed[0].pid);
    await leaveAll(children.slice(0, 1));
    await gone().toBe(false);
  });

  test('processes that come and go all the time never meet a server that leaves them', async () => {
    model.copyTo(dataDir);
    const children = Array.from({ length: 4 }, () => startChild(program, ['churn', dataDir, '15']));
    for (const child of children) {
      expect(await child.leave()).toMatchObject({ printed: { rounds: '15' } });
    }
    const session = await openEmbedded({ dataDir });
    expect((await session.client.query('select count(*)::int from kept')).rows).toEqual([{ count: 61 }]);
    await session.close();
  });

  test('a client without a lease, such as psql, is not cut off by the last quota process', async () => {
    model.copyTo(dataDir);
    const session = await openEmbedded({ dataDir });
    const other = new pg.Client(session.url);
    await other.connect();
    await session.close();
    expect((await other.query('table kept')).rows).toEqual([{ answer: 7 }]);
    await other.end();
    await (await openEmbedded({ dataDir })).close();
    await gone().toBe(false);
  });

  test('a session left within a failed transaction still stops the server', async () => {
    model.copyTo(dataDir);
    const session = await openEmbedded({ dataDir });
    await session.client.query('begin');
    await expect(session.client.query('select 1/0')).rejects.toThrow('division by zero');
    await session.close();
    await session.close();
    await gone().toBe(false);
  });

  test('a directory whose path is too long for a socket, or has a comma, gets a short one', async () => {
    const long = join(dataDir, 'comma, space', 'x'.repeat(120));
    const session = await openEmbedded({ dataDir: long });
    const socketDirectory = new URL(session.url.replace('@/', '@h/')).searchParams.get('host') ?? '';
    expect(socketDirectory).toMatch(new RegExp(`^${tmpdir()}/quota-[0-9a-f]{16}$`));
    const elsewhere = startChild(program, ['open', long], { env: { TMPDIR: dataDir } });
    expect(await elsewhere.line()).toMatchObject({ url: session.url, pid: postmasterPid(long) });
    await leaveAll([elsewhere]);
    await session.close();
    await stopEmbedded(long);
    rmSync(socketDirectory, { recursive: true });
  });
});

describe('crashes', () => {
  beforeEach(() => model.copyTo(dataDir));

  test('the server of a process killed within a query is used and stopped by the next', async () => {
    const child = startChild(program, ['busy', dataDir]);
    const { pid } = await child.line();
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
    await expect.poll(async () => (await embeddedStatus(dataDir)).sessions).toBe(0);
    const next = open();
    expect((await next.line()).pid).toBe(pid);
    await leaveAll([next]);
    await gone().toBe(false);
  });

  test('a killed server is recovered; who used it loses the session, not the process', async () => {
    const child = open();
    const { pid } = await child.line();
    process.kill(pid, 'SIGKILL');
    const children = Array.from({ length: 4 }, open);
    const printed = await Promise.all(children.map((next) => next.line()));
    expect(new Set(printed.map((next) => next.pid)).size).toBe(1);
    expect(printed[0].pid).not.toBe(pid);
    expect(await child.leave()).toEqual({ printed: { alive: false }, exitCode: 0 });
    await leaveAll(children);
    await gone().toBe(false);
  });

  test('a process that got the number of a killed server is neither obeyed nor signalled', async () => {
    const session = await openEmbedded({ dataDir });
    const pid = postmasterPid(dataDir) ?? 0;
    const files = [join(cluster(dataDir), 'postmaster.pid'), join(cluster(dataDir), '.s.PGSQL.5432.lock')];
    const contents = files.map((file) => readFileSync(file, 'utf8'));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => session.client.query('select 1').catch(() => 'gone')).toBe('gone');
    await session.close();
    const bystander = spawn('sleep', ['60'], asRoot ? { uid: statSync(cluster(dataDir)).uid } : {});
    for (const [index, file] of files.entries()) {
      writeFileSync(file, (contents[index] ?? '').replace(`${pid}`, `${bystander.pid}`));
    }
    expect(await stopEmbedded(dataDir, { force: true })).toMatchObject({ outcome: 'not running' });
    expect(await embeddedStatus(dataDir)).toMatchObject({ state: 'stopped' });
    const next = await openEmbedded({ dataDir });
    expect((await next.client.query('table kept')).rows).toEqual([{ answer: 7 }]);
    await next.close();
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null);
    bystander.kill('SIGKILL');
  });

  test('a server that cannot start is reported with the end of its log', async () => {
    writeFileSync(join(cluster(dataDir), 'postgresql.auto.conf'), "shared_buffers = 'plenty'\n");
    await expect(openEmbedded({ dataDir })).rejects.toMatchObject({
      exitCode: 69,
      detail: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
  });
});

describe('a start that is cut short', () => {
  const temporaries = () => readdirSync(dataDir).filter((name) => name.includes('.new-'));

  test('by SIGKILL while the cluster is made: the next start clears up', async () => {
    const child = open();
    await expect.poll(temporaries, { interval: 5 }).toHaveLength(1);
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
    expect(temporaries()).toHaveLength(1);
    const next = open();
    await next.line();
    expect(temporaries()).toEqual([]);
    await leaveAll([next]);
  });

  test('by a signal while the cluster is made: nothing is left', async () => {
    const child = open();
    await expect.poll(temporaries, { interval: 5 }).toHaveLength(1);
    child.process.kill('SIGTERM');
    expect((await child.leave()).printed.error).toContain('terminated');
    expect(temporaries()).toEqual([]);
    expect(existsSync(cluster(dataDir))).toBe(false);
  });
});

describe('a server that stays', () => {
  test('runs until it is stopped', async () => {
    expect(await embeddedStatus(dataDir)).toMatchObject({ state: 'not initialised', stays: false });
    model.copyTo(dataDir);
    expect(await embeddedStatus(dataDir)).toMatchObject({ state: 'stopped', serverVersion: '18' });
    const started = await startEmbedded(dataDir);
    expect(started).toMatchObject({
      state: 'running',
      stays: true,
      sessions: 0,
      directory: cluster(dataDir),
    });
    expect(started.serverVersion).toMatch(/^18\./);
    await (await openEmbedded({ dataDir })).close();
    expect(await embeddedStatus(dataDir)).toEqual(started);
    expect(await startEmbedded(dataDir)).toEqual(started);
    expect(await stopEmbedded(dataDir)).toEqual({ outcome: 'stopped', clients: 0 });
    expect(await embeddedStatus(dataDir)).toMatchObject({ state: 'stopped', stays: false });
    expect(await stopEmbedded(dataDir)).toEqual({ outcome: 'not running', clients: 0 });
  });

  test('is left to the last user when it is stopped, unless by force', async () => {
    model.copyTo(dataDir);
    await startEmbedded(dataDir);
    const user = open();
    await user.line();
    expect(await stopEmbedded(dataDir)).toEqual({ outcome: 'in use', clients: 1 });
    expect(await embeddedStatus(dataDir)).toMatchObject({ state: 'running', stays: false, sessions: 1 });
    await leaveAll([user]);
    await gone().toBe(false);

    const cutOff = open();
    await cutOff.line();
    expect(await stopEmbedded(dataDir, { force: true })).toEqual({ outcome: 'stopped', clients: 0 });
    expect(await cutOff.leave()).toEqual({ printed: { alive: false }, exitCode: 0 });
  });
});

test('the server of the test run is there', async () => {
  const client = new pg.Client(inject('serverUrl'));
  await client.connect();
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'off' }]);
  await client.end();
});

test.runIf(needs(spawnSync('psql', ['--version']).status === 0, 'psql'))('and for psql', () => {
  const shown = execFileSync('psql', [inject('serverUrl'), '-Atc', 'show timezone'], { encoding: 'utf8' });
  expect(shown).toBe('UTC\n');
});
