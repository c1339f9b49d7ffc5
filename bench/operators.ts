/**
 * What an operator waits for at size: each command of `operators/commands.ts`, by the built bin, against one database
 * that is kept between runs. Of each the least of some rounds (a busy machine only adds), start and connection
 * included, and the most memory of node. Fails above an aim.
 *
 *   node scripts/bench.mjs operators [--users 100000] [--calls 1000000] [--rounds 3] [--only REGEXP] [--data-dir DIR]
 *     [--database NAME] [--times 10: of a database with each user so many times]
 */
import { mkdir } from 'node:fs/promises';
import { homedir, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withClient } from '../src/db/client.ts';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { asOf, operatorCommands } from './operators/commands.ts';
import { fillDatabase } from './operators/fill-database.ts';
import { multiplyDatabase } from './operators/multiply-database.ts';
import { type QuotaProcess, runQuota } from './quota-process.ts';
import { judge, say } from './verdict.ts';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    calls: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: join(homedir(), '.cache', 'quota-bench-operators') },
    database: { type: 'string' },
    times: { type: 'string', default: '1' },
  },
});
const [users, calls, rounds] = [Number(values.users), Number(values.calls), Number(values.rounds)];
const times = Number(values.times);

/** A row of the table. */
interface Measured {
  name: string;
  milliseconds: number;
  aim: number;
  megabytes: number;
}

await mkdir(values['data-dir'], { recursive: true, mode: 0o711 });
const server = await openEmbedded({ dataDir: values['data-dir'] });
try {
  const name = values.database ?? `operators_${users}_${calls}`;
  const urlOf = (database: string) => server.url.replace(/\/quota\?/, `/${database}?`);
  await fillDatabase({ serverUrl: server.url, url: urlOf(name), name, users, calls });
  const measured = times === 1 ? name : `${name}_${times}`;
  if (measured !== name) {
    await multiplyDatabase(server.url, { from: name, to: measured, times });
  }
  await measureAll(urlOf(measured));
} finally {
  await server.close();
}

async function measureAll(url: string): Promise<void> {
  const commands = (await withClient(url, operatorCommands)).filter(({ args, name }) =>
    new RegExp(values.only).test(name ?? args.join(' ')),
  );
  say(`${users * times} users, ${calls * times} calls; load ${loadText()}`);
  const all: Measured[] = [];
  for (const command of commands) {
    const { args, name = args.join(' '), aimMs, exitCode = 0 } = command;
    const runs: QuotaProcess[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await runQuota([...args, '--as-of', asOf], { databaseUrl: url, exitCode }));
    }
    const measured = (times: number[], aim: number, what = name) => {
      const megabytes = Math.max(...runs.map((run) => run.megabytes));
      all.push({ name: what, milliseconds: 1000 * Math.min(...times), aim, megabytes });
      say(rowText(all.at(-1) as Measured));
    };
    if (command.firstMs !== undefined) {
      measured(
        runs.map(({ firstSeconds }) => firstSeconds),
        command.firstMs,
        `${name}: first rows`,
      );
    }
    measured(
      runs.map(({ seconds }) => seconds),
      aimMs,
    );
  }
  say(`\nload ${loadText()}\n\n| command | ms | aim | node, MB |\n| --- | --- | --- | --- |`);
  for (const row of all) {
    say(rowText(row));
  }
  for (const { name, milliseconds, aim } of all) {
    judge(name, milliseconds / 1000, aim / 1000, { kind: 'seconds' });
  }
}

function rowText({ name, milliseconds, aim, megabytes }: Measured): string {
  return `| ${name} | ${milliseconds.toFixed(0)} | ${Number.isFinite(aim) ? aim : ''} | ${megabytes.toFixed(0)} |`;
}

function loadText(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}
