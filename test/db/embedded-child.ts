/**
 * A process that uses the embedded server: `open`, `start`, `stop`, `force-stop` or `status` of a data directory.
 * Prints one JSON line; `open` then holds its session until its input ends, `busy` runs a query for a minute, and
 * `churn N` opens and leaves N times.
 */
import { once } from 'node:events';
import { embeddedStatus, startEmbedded, stopEmbedded } from '../../src/db/embedded/control.ts';
import { type EmbeddedSession, openEmbedded } from '../../src/db/embedded/session.ts';
import { QuotaError } from '../../src/errors.ts';

const [action, dataDir = '', rounds = '1'] = process.argv.slice(2);
const terminated = new AbortController();
process.once('SIGTERM', () => terminated.abort(new Error('terminated')));

const postmasterPidOf = async ({ client }: EmbeddedSession): Promise<number> =>
  (await client.query(`select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)::int as pid`)).rows[0]
    .pid;
const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const actions: Record<string, () => Promise<unknown>> = {
  start: () => startEmbedded(dataDir),
  stop: () => stopEmbedded(dataDir),
  'force-stop': () => stopEmbedded(dataDir, { force: true }),
  status: () => embeddedStatus(dataDir),
  async open() {
    const session = await openEmbedded({ dataDir, signal: terminated.signal });
    print({ pid: await postmasterPidOf(session), url: session.url });
    process.stdin.resume();
    await Promise.race([once(process.stdin, 'end'), once(terminated.signal, 'abort')]);
    const alive = await session.client.query('select 1').then(
      () => true,
      () => false,
    );
    await session.close();
    return { alive };
  },
  async busy() {
    const session = await openEmbedded({ dataDir });
    print({ pid: await postmasterPidOf(session) });
    await session.client.query('select pg_sleep(60)');
  },
  async churn() {
    for (let round = 0; round < Number(rounds); round += 1) {
      const session = await openEmbedded({ dataDir });
      try {
        await session.client.query('insert into kept values (8)');
      } finally {
        await session.close();
      }
    }
    return { rounds };
  },
};

try {
  print(await actions[action ?? '']?.());
} catch (error) {
  if (!(error instanceof QuotaError)) {
    print({ error: String(error instanceof Error ? error.stack : error) });
  } else {
    const { code, message, detail, suggestion } = error;
    print({ error: code, message, detail, suggestion });
    process.exitCode = error.exitCode;
  }
  process.exitCode ??= 1;
}
process.stdin.destroy();
