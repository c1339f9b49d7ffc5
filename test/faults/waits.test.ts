import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { withAdvisoryLock } from '../../src/db/advisory-lock.ts';
import { withDatabase } from '../../src/db/connection.ts';
import { copyLine, copyPieces, copyText } from '../../src/db/copy.ts';
import { watchOver } from '../../src/db/lifeline.ts';
import { openClient } from '../../src/db/target/open-client.ts';
import { useDesk } from '../desk/desk.ts';
import { FaultProxy } from '../desk/fault-proxy.ts';
import { type BinRun, startBin } from '../run-cli.ts';

const desk = useDesk({ vapi: {} });

/** Enough for a run to hold its lock and to have begun. */
const afterBegin = 6000;

const purge = ['jobs', 'purge', '--json'];
const brief = ['--max-duration', '1s'];

async function behindProxy<T>(
  use: (proxy: FaultProxy, env: Record<string, string>) => Promise<T>,
): Promise<T> {
  const proxy = await FaultProxy.start(desk.url);
  try {
    return await use(proxy, { DATABASE_URL: proxy.url(desk.url) });
  } finally {
    await proxy.stop();
  }
}

/** Of a run that a signal has to end: it waits for what never comes. */
async function ended(run: BinRun, signal: NodeJS.Signals) {
  run.kill(signal);
  return run.result;
}

// What waits here waits at the same time: each test counts its own assertions.
describe.concurrent('a connection that stands still, and tells nobody', () => {
  test('does not hold a run beyond its deadline, wherever it stands still', async ({ expect }) => {
    const results = await Promise.all(
      [1000, afterBegin].map((afterBytes) =>
        behindProxy((proxy, env) => {
          proxy.strike({ fault: 'stall', direction: 'down', afterBytes });
          return startBin([...purge, ...brief], { env }).result;
        }),
      ),
    );
    for (const { code, stdout, stderr } of results) {
      expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
      expect(JSON.parse(stderr).error).toMatchObject({
        code: 'try_again',
        message: 'purge has reached its deadline while it waited',
      });
    }
  });

  test('nor one that is refused: it says why, whatever becomes of its place in the history', async ({
    expect,
  }) => {
    const { code, stderr } = await behindProxy((proxy, env) => {
      proxy.strike({ fault: 'stall', direction: 'down', afterBytes: 1000 });
      return startBin(['jobs', 'raise-alerts', '--json', ...brief], { env }).result;
    });
    expect(code).toBe(78);
    expect(JSON.parse(stderr).error.message).toBe('alerts have nowhere to go');
  });

  test('nor against a signal', async ({ expect }) => {
    const result = await behindProxy(async (proxy, env) => {
      proxy.strike({ fault: 'stall', direction: 'down', afterBytes: 1000 });
      const run = startBin(purge, { env });
      await expect.poll(() => proxy.struck).toBe(1);
      return ended(run, 'SIGTERM');
    });
    expect(result.code).toBe(143);
  });

  test('is found dead by asking the server, while a statement may take as long as it takes', async ({
    expect,
  }) => {
    await behindProxy(async (proxy, { DATABASE_URL = '' }) => {
      const opened = await openClient(DATABASE_URL);
      const endWatch = watchOver(opened.client, { ...opened, everyMs: 60, answerMsMax: 500 });
      try {
        const asked = async () => {
          expect((await opened.client.query('select pg_sleep(0.6)')).rowCount).toBe(1);
          return proxy.connections; // one for each time that it was asked meanwhile
        };
        await expect.poll(asked, { timeout: 15_000 }).toBeGreaterThan(2);
        // Nor is a COPY in whose source takes its time, and a COPY out that nobody reads yet.
        await opened.client.query('create temp table slow (n int)');
        const aWhile = () => desk.query('select pg_sleep(0.4)');
        const slowly = async function* () {
          yield copyLine([1]);
          await aWhile();
          yield copyLine([2]);
        };
        expect(await copyPieces(opened.client, { table: 'slow', columns: ['n'] }, slowly())).toBe(2);
        let length = 0;
        for await (const piece of copyText(
          opened.client,
          `select repeat('x', 1000) from generate_series(1, 20000)`,
        )) {
          await (length === 0 && aWhile());
          length += piece.length;
        }
        expect(length).toBe(20_020_000);
        // The answer gets lost on this connection alone; then all of them stand still.
        proxy.stallThose();
        await expect(opened.client.query('select 1')).rejects.toMatchObject({
          exitCode: 69,
          message: 'the connection to the database stands still',
          detail: expect.stringContaining('the server has answered'),
        });
      } finally {
        endWatch();
      }
      const another = await openClient(DATABASE_URL);
      const endOther = watchOver(another.client, { ...another, everyMs: 60, answerMsMax: 500 });
      proxy.stall();
      await expect(another.client.query('select 1')).rejects.toMatchObject({
        detail: expect.stringContaining('does not answer another connection'),
      });
      endOther();
    });
  });
});

describe.concurrent('what is never there', () => {
  test('a provider that never answers holds no run beyond its deadline', async ({ expect }) => {
    const userId = await desk.addUser({ externalId: 'ada', assistants: ['desk'] });
    await desk.query(
      `insert into quota.assistant_limits (assistant_id, user_id, desired, status)
       select id, user_id, 'limited', 'pending' from quota.assistants where user_id = $1`,
      [userId],
    );
    const silent = await FaultProxy.start(1);
    silent.stall();
    const result = await startBin(['jobs', 'sync-limits', '--json', ...brief], {
      env: { ...desk.env, VAPI_BASE_URL: `http://127.0.0.1:${silent.port}` },
    }).result;
    await silent.stop();
    expect(result.code).toBe(75);
    expect(JSON.parse(result.stderr).error.message).toContain('deadline');
  });

  test('a disk that never answers keeps no process after a signal', async ({ expect }) => {
    const pipe = desk.path('never');
    execFileSync('mkfifo', [pipe]);
    const run = startBin(['import', 'users', pipe], { env: desk.env });
    const end = await open(pipe, 'w'); // Once the other end is open, too: then it reads what never comes.
    // A thread that reads cannot be ended by any program: the system does it.
    expect((await ended(run, 'SIGTERM')).code).toBe(null);
    await end.close();
  });
});

describe('a lock that somebody holds', () => {
  let release = async () => {};
  beforeAll(async () => {
    let letGo = () => {};
    const held = desk.session(async (client) => {
      await client.query('begin; lock table quota.job_runs in exclusive mode');
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
    });
    release = async () => {
      letGo();
      await held;
    };
  });
  afterAll(() => release());

  test('is waited for until the deadline, or a signal; the run after it goes on', async ({ expect }) => {
    const words = ['jobs', 'reset-months', '--no-sync', '--max-duration', '3s', '--json'];
    const late = startBin(words, { env: desk.env });
    const struck = startBin(['jobs', 'reset-anniversaries', '--no-sync'], { env: desk.env });
    await expect
      .poll(async () => (await desk.sessions()).filter(({ waitsForLock }) => waitsForLock).length)
      .toBe(2);
    expect((await ended(struck, 'SIGTERM')).code).toBe(143);
    const { code, stderr } = await late.result;
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'try_again',
      message: 'reset-months has reached its deadline while it waited',
    });
    expect(code).toBe(75);
    await release();
    expect((await desk.run('jobs', 'reset-months', '--no-sync')).code).toBe(0);
    expect(await desk.sessions()).toEqual([]);
  });
});

describe('the server', () => {
  const settings = `select current_setting('tcp_user_timeout') as lost, current_setting('idle_session_timeout') as silent,
    current_setting('idle_in_transaction_session_timeout') as idle`;
  const openSession = <T>(url: string, use: Parameters<typeof withDatabase<T>>[1]) =>
    withDatabase(
      {
        settings: { databaseUrl: url, dataDir: '/nonexistent', actor: 'tester' },
        asOf: null,
        signal: new AbortController().signal,
      },
      use,
    );

  test('ends a session that holds a lock and says nothing for a minute, and what it has begun', async ({
    expect,
  }) => {
    await behindProxy((_proxy, { DATABASE_URL = '' }) =>
      openSession(DATABASE_URL, async ({ client }) => {
        const read = async () => (await client.query(settings)).rows[0];
        expect(await read()).toEqual({ lost: '0', silent: '0', idle: '1min' });
        expect(await withAdvisoryLock(client, 'job purge', read, { mode: 'try' })).toMatchObject({
          silent: '1min',
        });
        expect(await read()).toMatchObject({ silent: '0' });
      }),
    );
  });

  test('is not asked again for a setting that it refuses', async ({ expect }) => {
    await behindProxy(async (proxy, { DATABASE_URL = '' }) => {
      proxy.rewrite((text, direction) =>
        direction === 'up' && text.includes(`'tcp_user_timeout', '30s'`)
          ? Buffer.from(
              text.toString('latin1').replace(`'tcp_user_timeout', '30s'`, `'tcp_user_timeout', 'xxx'`),
              'latin1',
            )
          : text,
      );
      const { rows } = await openSession(DATABASE_URL, ({ client }) => client.query(settings));
      expect(rows[0]).toMatchObject({ idle: '1min' });
    });
  });
});
