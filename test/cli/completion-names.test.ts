import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeWords } from '../../src/cli/completion/complete-words.ts';
import { readNames } from '../../src/cli/completion/read-names.ts';
import { useDesk } from '../desk/desk.ts';
import { runBin } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

const desk = useDesk();

beforeAll(async () => {
  for (const externalId of ['ada', 'adam', 'bob', '$(touch x)', '-rf', 'a b', "a'b"]) {
    await desk.addUser({ externalId });
  }
  await desk.addUser({ externalId: 'assisted', assistants: ['asst-1', 'asst-2'] });
  await desk.query(
    `update quota.users set name = case external_id when 'ada' then $1 end,
       email = case external_id when 'ada' then 'ada@example.com' end`,
    ['Ada\n\u001b[31mred\tbell'],
  );
});

const tree = await wholeTree();
/** Nobody types here: a busy machine takes its time. */
const patienceMs = 60_000;

/** As the command does it, but for the time that it takes. */
async function values(...words: string[]): Promise<string[]> {
  const { completions, names } = await completeWords(tree, words);
  const known = completions.map(({ value }) => value);
  if (names === undefined) {
    return known;
  }
  const settings = { databaseUrl: desk.url, dataDir: '/nowhere' };
  const found = await readNames(settings, names.kind, names.start, patienceMs);
  const fitting = found.filter(({ value }) => value.startsWith(names.start));
  return [...known, ...fitting.map(({ value }) => `${names.before}${value}`)];
}

/** What the built bin answers, line by line. */
async function offered(words: string[], env: Record<string, string> = desk.env) {
  const { code, stdout, stderr } = await runBin(['complete', '--', ...words], { env });
  expect([code, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test.each([
  ['users', ['user', 'show', 'ada'], ['ada', 'adam', 'ada@example.com']],
  ['users who are asked for by an option', ['reconcile', 'show', '--user', 'bo'], ['bob']],
  ['a value behind its flag', ['reconcile', 'show', '--user=bo'], ['--user=bob']],
  ['plans', ['plan', 'show', 'voice-f'], ['voice-free']],
  ['plans to move to', ['plan', 'move', 'voice-free', 'voice-f'], ['voice-free']],
  ['meters', ['user', 'grant', 'ada', 'voice_'], ['voice_seconds']],
  ['services', ['usage', 'check', 'ada', '--service', 'voi'], ['voice']],
  ['several users', ['limits', 'apply', 'ada', 'bo'], ['bob']],
  ['assistants', ['limits', 'apply', '--assistant', 'asst-'], ['asst-1', 'asst-2']],
  ['what the flag says', ['user', 'add', 'eve', '--plan', 'voice-f'], ['voice-free']],
  ['jobs', ['jobs', 'history', 'reset-m'], ['reset-months']],
  ['nobody where a user is to be made', ['user', 'add', 'ad'], []],
  ['only what a shell takes for a plain word', ['user', 'show', ''], ['ada', 'adam', 'assisted', 'bob']],
])('%s', async (_what, words, expected) => {
  expect(await values(...words)).toEqual(expected);
});

test('months: this one, those before it, and those that were reconciled', async () => {
  await desk.query(`insert into quota.reconciliations (provider, month) values ('vapi', '2019-05-01')`);
  expect(await values('reconcile', '--month', '2019')).toEqual(['2019-05']);
  expect(await values('reconcile', '--month', '')).toHaveLength(14);
});

test('the program asks the database of the env file in the line; a description is a line without control characters', async () => {
  const file = desk.write('other.env', `DATABASE_URL=${desk.url}\n`);
  const words = ['user', 'show', '--env-file', file, 'ada'];
  // It waits only as long as a person would: on a busy machine it is asked once more.
  await expect
    .poll(() => offered(words, {}), { interval: 200 })
    .toEqual(['ada\tAda red bell', 'adam\t', 'ada@example.com\tada']);
  await expect.poll(() => offered(['plan', 'show', ' ']), { interval: 200 }).toHaveLength(9);
});

describe('a database that is away', () => {
  let silent: Server;
  let port = 0;
  beforeAll(async () => {
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    port = (silent.address() as { port: number }).port;
  });
  afterAll(() => silent.close());

  test.each([
    ['nobody listens', () => 'postgres://nobody@127.0.0.1:1/x'],
    ['somebody listens and says nothing', () => `postgres://nobody@127.0.0.1:${port}/x?sslmode=disable`],
    ['no tables', () => desk.url.replace(desk.name, 'template1')],
  ])('%s: silent, and what needs none is there', async (_what, url) => {
    expect(await offered(['user', 'show', 'a'], { DATABASE_URL: url() })).toEqual([]);
    expect(await offered(['user', 'sho'], { DATABASE_URL: url() })).toHaveLength(1);
  });

  test('an embedded server that does not run is not started', async () => {
    const data = desk.path('nothing-there');
    expect(await offered(['user', 'show', 'a'], { QUOTA_DATA_DIR: data })).toEqual([]);
  });
});
