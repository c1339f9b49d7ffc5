import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { bucketOf } from '../../src/shards/shard.ts';
import { placeOf, shardNames, useThreeShards } from './three-shards.ts';

const shards = useThreeShards('2026-11-15T12:00:00Z');
const { commands } = shards;
const users = Array.from({ length: 12 }, (_, n) => `user_${n}`);
const of = (name: string) => users.filter((user) => placeOf(user) === name);

beforeAll(async () => {
  for (const { data } of await commands.json('db', 'migrate', '--all-shards')) {
    expect(data.numbered).toContain('quota.call_logs.id');
  }
  for (const user of users) {
    await commands.json('user', 'add', user, '--email', `${user}@example.com`, '--yes');
    await commands.json(
      'usage',
      'record',
      user,
      '--service',
      'voice',
      '--quantity',
      '30',
      '--key',
      `call ${user}`,
      '--yes',
    );
  }
});

test('buckets are those that any language computes', () => {
  // printf user_00042 | sha256sum: the first four digits, as a number, modulo 1024.
  expect(bucketOf('user_00042')).toBe(83);
});

test('each user is in the shard of his external id, and there only', async () => {
  for (const name of shardNames) {
    expect(of(name).length).toBeGreaterThan(0);
    const rows = await shards.on<{ external_id: string }>(name, 'select external_id from quota.users');
    expect(rows.map((row) => row.external_id).sort()).toEqual(of(name).sort());
  }
});

test('a command about a user finds the shard: by external id, id and email', async () => {
  const [user = ''] = users;
  const shown = await commands.json('user', 'show', user);
  expect(shown.user.externalId).toBe(user);
  for (const reference of [shown.user.id, `${user}@EXAMPLE.com`]) {
    expect((await commands.json('user', 'show', reference)).user.externalId).toBe(user);
  }
  expect(await commands.json('shards', 'where', user)).toEqual({
    ...{ user, shard: placeOf(user), number: shardNames.indexOf(placeOf(user) ?? 'eu-1') },
    ...{ bucket: bucketOf(user), isThere: true },
  });
  expect(await commands.json('shards', 'where', 'nobody yet')).toMatchObject({
    shard: placeOf('nobody yet'),
    isThere: false,
  });
  expect((await commands.json(4, 'user', 'show', 'nobody')).error.message).toMatch(
    /no shard has a user "nobody"/,
  );
});

test('ids name one row among all shards', async () => {
  const ids = [];
  for (const [number, name] of shardNames.entries()) {
    const rows = await shards.on<{ id: string }>(name, 'select id from quota.call_logs');
    for (const { id } of rows) {
      expect(Number(id) % 64).toBe(number + 1);
      ids.push(id);
    }
  }
  expect(ids).toHaveLength(users.length);
  expect(new Set(ids).size).toBe(users.length);
  const again = await commands.json('db', 'migrate', '--all-shards');
  expect(again.map(({ data }: { data: { numbered: string[] } }) => data.numbered)).toEqual([[], [], []]);
});

describe('all shards', () => {
  test('a list is one list', async () => {
    const { stdout } = await commands.run('user', 'list', '--all-shards', '--output', 'csv');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(lines[0]?.[0]).toBe('shard');
    const at = lines[0]?.indexOf('externalId') ?? -1;
    expect(lines.slice(1).map((cells) => `${cells[0]} ${cells[at]}`)).toEqual(
      shardNames.flatMap((name) =>
        of(name)
          .sort()
          .map((user) => `${name} ${user}`),
      ),
    );
    const table = await commands.run('user', 'list', '--all-shards');
    for (const user of users) {
      expect(table.stdout).toContain(user);
    }
  });

  test('by percent it is one order over all of them, page by page', async () => {
    for (const [n, user] of users.entries()) {
      await shards.on(
        placeOf(user) ?? 'eu-1',
        `select quota.record('${user}', 'voice', 'more ${n}', ${(n * 7) % 12} * 40 + 1, p_started_at => '2026-11-14T10:00:00Z')`,
      );
    }
    const page = async (...words: string[]) => {
      const list = ['user', 'list', '--all-shards', '--sort', 'percent', '--limit', '5', ...words];
      const { stdout, stderr } = await commands.run(...list, '--output', 'csv');
      const [head = '', ...rows] = stdout.trim().split('\n');
      const at = ['externalId', 'percent'].map((key) => head.split(',').indexOf(key));
      const [, after = null] = /There are more: --after (\S+)/.exec(stderr) ?? [];
      return { rows: rows.map((row) => at.map((place) => row.split(',')[place])), after };
    };
    const whole = (await page('--limit', '500')).rows;
    const percents = whole.map(([, percent]) => Number(percent));
    expect(percents).toEqual(percents.toSorted((one, other) => other - one));
    expect(whole.map(([user]) => user).toSorted()).toEqual(users.toSorted());
    expect(new Set(whole.slice(0, 5).map(([user = '']) => placeOf(user))).size).toBeGreaterThan(1);
    const pages: (string | undefined)[][] = [];
    for (let after: string | null = ''; after !== null; ) {
      const next = await page(...(after === '' ? [] : ['--after', after]));
      pages.push(...next.rows);
      after = next.after;
    }
    expect(pages).toEqual(whole);
    const table = await commands.run('user', 'list', '--all-shards', '--sort', 'percent', '--limit', '5');
    expect(table.stdout.match(/user_\d+\b(?!@)/g)).toEqual(whole.slice(0, 5).map(([user]) => user));
  });

  test('JSON has what each answered, and how it ended', async () => {
    const answers = await commands.json('user', 'list', '--all-shards');
    expect(
      answers.map(({ shard, exitCode, data }: never) => [
        shard,
        exitCode,
        (data as { users: [] }).users.length,
      ]),
    ).toEqual(shardNames.map((name) => [name, 0, of(name).length]));
  });

  test('a job runs on each, in turn, with a run of its own', async () => {
    const later = commands.at('2027-01-02T00:00:00Z');
    const answers = await later.json('jobs', 'reset-anniversaries', '--no-sync', '--all-shards');
    expect(answers.map(({ exitCode }: { exitCode: number }) => exitCode)).toEqual([0, 0, 0]);
    for (const name of shardNames) {
      const [row] = await shards.on<{ open: string; runs: string }>(
        name,
        `select (select count(*) from quota.usage_quotas where closed_at is null) as open,
           (select count(*) from quota.job_runs where job = 'reset-anniversaries') as runs`,
      );
      expect(Number(row?.runs)).toBe(1);
    }
  });

  test('the history of each is verified, and what is bent in one is said of that one', async () => {
    const codes = (answers: { shard: string; exitCode: number }[]) =>
      answers.map(({ shard, exitCode }) => [shard, exitCode]);
    for (const name of shardNames) {
      await shards.on(name, 'select quota.seal_audit(9223372036854775807)');
    }
    const verify = (code: number) => commands.json(code, 'audit', 'verify', '--all-shards');
    expect(codes(await verify(0))).toEqual(shardNames.map((name) => [name, 0]));
    await shards.on(
      'eu-2',
      `alter table quota.audit_log disable trigger user;
       update quota.audit_log set subject = 'another' where id = (select min(id) from quota.audit_log);
       alter table quota.audit_log enable trigger user`,
    );
    expect(codes(await verify(3))).toEqual(shardNames.map((name) => [name, name === 'eu-2' ? 3 : 0]));
  });

  test('one that is away stops only its users', async () => {
    const urls = shards.databases.map(({ url }) => url);
    shards.write([urls[0] ?? '', 'postgres://nobody@127.0.0.1:1/away', urls[2] ?? '']);
    try {
      const { code, stdout, stderr } = await commands.run('user', 'list', '--all-shards', '--json');
      expect(code).toBe(69);
      expect(stderr).toMatch(/^eu-2: error: /m);
      expect(JSON.parse(stdout).map(({ exitCode }: { exitCode: number }) => exitCode)).toEqual([0, 69, 0]);
      const [here = ''] = of('us-1');
      expect((await commands.json('user', 'show', here)).user.externalId).toBe(here);
      const [there = ''] = of('eu-2');
      expect((await commands.json(75, 'user', 'show', there)).error.message).toMatch(
        /shard eu-2 does not answer/,
      );
      const states = (await commands.answer('shards', 'list')).data;
      expect(states.map(({ state }: { state: string }) => state)).toEqual(['ok', 'away', 'ok']);
    } finally {
      shards.write(urls);
    }
  });

  test('plans that differ are told', async () => {
    await shards.on('us-1', `update quota.plans set max_concurrent = 7 where key = 'voice-free'`);
    const { code, data } = await commands.answer('shards', 'list');
    expect(code).toBe(3);
    expect(data.map(({ detail }: { detail: string[] }) => detail)).toEqual([[], [], ['plan voice-free']]);
    await shards.on('us-1', `update quota.plans set max_concurrent = null where key = 'voice-free'`);
  });
});

describe('refused', () => {
  test.each([
    [['user', 'list'], /which shard is meant/],
    [['fixtures', 'seed', '--users', '1'], /which shard is meant/],
    [['reconcile', 'list'], /which shard is meant/],
    [['user', 'show', 'user_0', '--all-shards'], /not done for all shards at once/],
    [['user', 'list', '--shard', 'us-9'], /there is no shard "us-9"/],
    [['user', 'list', '--shard', 'eu-1', '--all-shards'], /contradict/],
    [['limits', 'apply', ...users, '--yes'], /these users are in several shards/],
  ])('%j', async (words, message) => {
    expect((await commands.json(2, ...words)).error.message).toMatch(message);
  });

  test('a file with everything that is wrong with it, without a password', async () => {
    const urls = shards.databases.map(({ url }) => url);
    shards.folder.write('shards.yaml', [
      'shards:',
      '  - { name: a, number: 1, url: "postgres://u:geheim@h/d", buckets: 0-500 }',
      '  - { name: b, number: 1, url: "postgres://u:geheim@h/d", buckets: 400-900 }',
      '  - { name: c, number: 2, url: "postgres://u:geheim@h/e", buckets: 901-1000 }',
    ]);
    try {
      const { code, stderr } = await commands.run('user', 'list', '--all-shards');
      expect(code).toBe(78);
      expect(stderr).toContain('line 3: shards[1].number: is that of a, too');
      expect(stderr).toContain('line 3: shards[1].url: is that of a, too');
      expect(stderr).toContain('buckets are of two shards');
      expect(stderr).toContain('buckets 1001-1023 are of no shard');
      expect(stderr).not.toContain('geheim');
    } finally {
      shards.write(urls);
    }
  });
});

test('somebody who is elsewhere than the external id says is found there, and not made again', async () => {
  const elsewhere = shardNames.find((name) => name !== placeOf('moved')) ?? 'eu-1';
  await commands.json('user', 'add', 'moved', '--yes', '--shard', elsewhere);
  expect(await commands.json('shards', 'where', 'moved')).toMatchObject({ shard: elsewhere, isThere: true });
  expect((await commands.json('user', 'add', 'moved', '--yes')).created).toBe(false);
});

test('the file and the lines of docs/scale.md work', async () => {
  const page = readFileSync('docs/scale.md', 'utf8');
  const [, yaml = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
  const [, lines = ''] = /^```sh\n(.*?)^```/ms.exec(page) ?? [];
  const file = shards.folder.write('page.yaml', yaml);
  const env = { QUOTA_SHARDS: file, EU_1_URL: shards.urlOf('eu-1'), EU_2_URL: shards.urlOf('eu-2') };
  const onPage = commands.with({ env });
  expect(lines.trim().split('\n').length).toBeGreaterThan(5);
  for (const line of lines.trim().split('\n')) {
    const words = line.split(' ').slice(1);
    const { code, stderr } = await onPage.run(...words, ...(words[1] === 'add' ? ['--yes'] : []));
    expect([0, 3], `${line}: ${stderr}`).toContain(code);
  }
});
