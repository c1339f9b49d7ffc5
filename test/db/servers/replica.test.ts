import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { commandTree } from '../../../src/commands/command-tree.ts';
import type { CommandEntry, Group } from '../../../src/declarations/command.ts';
import { query } from '../../database.ts';
import { Commands } from '../../desk/commands.ts';
import { Folder } from '../../desk/folder.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const asOf = '2026-11-15T12:00:00Z';
const doors = ['host replication postgres 127.0.0.1/32 trust', 'host all reader 127.0.0.1/32 trust'];
const away = 'postgres://reader@127.0.0.1:1/quota?sslmode=disable';
const waiting = { timeout: 20_000, interval: 50 };
/** In seconds: what is older is told of. */
const ageMax = 10;

const folder = new Folder();
let primary: PostgresServer;
let standby: PostgresServer;
/** On the standby, as a login that may do no more than an operator. */
const replicaUrl = (database = 'quota') => standby.url(database).replace('//postgres@', '//reader@');
const commands = new Commands(() => ({
  asOf,
  cwd: folder.place,
  env: { DATABASE_URL: primary.url('quota'), QUOTA_REPLICA_URL: replicaUrl() },
}));
const onPrimary = commands.with({ env: { QUOTA_REPLICA_URL: '' } });

beforeAll(async () => {
  primary = await startPostgres({ doors, settings: { autovacuum: 'off' } });
  await primary.run('create database quota');
  await primary.run('create database empty');
  const arrange = new Commands(() => ({ asOf, env: { DATABASE_URL: primary.url('quota') } }));
  await arrange.json('db', 'migrate');
  await primary.run('create role reader login in role quota_operator, quota_finance');
  const bill = ['--export', 'vapi-calls-jsonl', '--export-dir', folder.place, '--differences', 'unlogged=2'];
  const { exports } = await arrange.json('fixtures', 'seed', '--users', '12', ...bill, '--yes');
  await arrange.json(3, 'reconcile', '--month', '2026-10', '--export', exports[0].file);
  await arrange.json('user', 'add', 'ada', '--email', 'ada@example.com', '--reason', 'new', '--yes');
  await arrange.json('user', 'grant', 'ada', 'voice_seconds', '5m', '--reason', 'sorry', '--yes');
  standby = await startPostgres({ doors, follows: primary });
  await arrange.json('user', 'add', 'first', '--yes'); // From now on the standby knows how old its data is.
  await vi.waitFor(async () => expect(await onStandby(has('first'))).toHaveLength(1), waiting);
});
afterAll(async () => {
  await standby?.stop();
  await primary?.stop();
  folder.remove();
});

/** Commands that are read from a replica, by their path. */
async function replicaReaders(entries: Group['commands'], path = ''): Promise<[string, CommandEntry][]> {
  const found = await Promise.all(
    Object.entries(entries).map(async ([name, entry]): Promise<[string, CommandEntry][]> => {
      if ('loadGroup' in entry) {
        return replicaReaders((await entry.loadGroup()).commands, `${path}${name} `);
      }
      return entry.readsReplica === true ? [[`${path}${name}`, entry]] : [];
    }),
  );
  return found.flat();
}

test('each command that is read from a replica answers there as on the primary, which is not needed for it', async () => {
  const readers = await replicaReaders(commandTree);
  expect(readers.length).toBeGreaterThan(5);
  const noPrimary = commands.with({ env: { DATABASE_URL: away } });
  const codes = new Map<string, number | null>();
  for (const [, entry] of readers) {
    const { examples: lines } = await entry.load();
    // Its page would lie where the tests run.
    const examples = lines.map(([line]) =>
      line.replace(/^quota reconcile report(?!.* -o )/, '$& --report page.html'),
    );
    for (const line of [...examples, `${examples[0]} --json`, `${examples[0]} --output csv`]) {
      const words = wordsOf(line);
      const there = await noPrimary.run(...words);
      const here = await onPrimary.run(...words);
      expect(there.stderr, line).toMatch(unseen);
      expect({ ...there, stderr: there.stderr.replace(unseen, '') }, line).toEqual(here);
      codes.set(line, here.code);
    }
  }
  const failed = [...codes].filter(([, code]) => code !== 0).map(([line]) => line);
  expect(failed).toEqual([expect.stringContaining('--provider heygen')]);
});

const age = '; its last change is of [\\d-]{10} [\\d:]{8}Z, .+ ago';
const unseen = new RegExp(
  `^warning: the primary does not answer: whether the replica follows it is not known${age}\n`,
);
const behind = new RegExp(`^warning: the replica is behind the primary${age}\n$`);
const wordsOf = (line: string) =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .slice(1)
    .map(([, one, two, three]) => one ?? two ?? three ?? '')
    .map((word) => (word.endsWith('.html') ? folder.path(word) : word));

/** Which users the list has, and what is said beside it. */
async function listed(of: Commands = commands): Promise<{ users: string[]; stderr: string }> {
  const { code, data, stderr } = await of.answer('user', 'list', '--search', 'new-');
  expect(code, stderr).toBe(0);
  return { users: data.users.map(({ externalId }: { externalId: string }) => externalId), stderr };
}

const has = (externalId: string) => `select from quota.users where external_id = '${externalId}'`;
const onStandby = <Row extends QueryResultRow>(sql: string) => query<Row>(standby.url('quota'), sql);
/** What the standby has is older than what is passed over. */
const grownOld = () =>
  onStandby(
    `select pg_sleep(greatest(0, ${ageMax} + 0.1
       - extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8))`,
  );

test('a database that is named is the one that is asked, and a shard', async () => {
  const at = commands.with({ env: { QUOTA_REPLICA_URL: away } });
  const named = at.with({ besides: () => ['--database-url', primary.url('quota')] });
  expect(await listed(named)).toEqual({ users: [], stderr: '' });
  const lines = [
    'shards:',
    '  - name: eu',
    '    number: 0',
    '    url_variable: EU_URL',
    '    buckets: 0-1023',
  ];
  const env = { QUOTA_SHARDS: folder.write('shards.yaml', lines), EU_URL: primary.url('quota') };
  for (const words of [['--shard', 'eu'], ['--all-shards']]) {
    expect((await at.with({ env }).answer('user', 'list', ...words)).code).toBe(0);
  }
});

test.each([
  [
    'that is away',
    () => ({ QUOTA_REPLICA_URL: away }),
    69,
    'PostgreSQL cannot be reached at 127.0.0.1:1/quota',
  ],
  [
    'that is a primary',
    () => ({ QUOTA_REPLICA_URL: primary.url('quota') }),
    78,
    'the server of QUOTA_REPLICA_URL is no standby',
  ],
  [
    'of another database',
    () => ({ QUOTA_REPLICA_URL: replicaUrl('empty') }),
    78,
    'the server of QUOTA_REPLICA_URL follows another database',
  ],
  [
    'without the tables',
    () => ({ DATABASE_URL: primary.url('empty'), QUOTA_REPLICA_URL: replicaUrl('empty') }),
    78,
    'the database has no quota tables',
  ],
])('a replica %s is refused, and so is the list', async (_, env, code, message) => {
  const refused = await commands.with({ env: env() }).answer('user', 'list');
  expect(refused.code).toBe(code);
  expect(refused.stderr).toContain(`"message":"${message}`);
});

test('what changes goes to the primary; the list is as old as the replica, and says so when it is behind', async () => {
  await grownOld();
  expect(await listed()).toEqual({ users: [], stderr: '' }); // Nothing has happened since.
  await onStandby('select pg_wal_replay_pause()');
  expect((await commands.json('user', 'add', 'new-1', '--yes')).created).toBe(true);
  expect(await listed(onPrimary)).toEqual({ users: ['new-1'], stderr: '' });
  expect((await commands.answer('user', 'show', 'new-1')).code).toBe(0);
  expect(await listed()).toEqual({
    users: [],
    stderr: expect.stringMatching(behind),
  });
  await onStandby('select pg_wal_replay_resume()');
  await vi.waitFor(async () => expect(await listed()).toEqual({ users: ['new-1'], stderr: '' }), waiting);
});
