import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { snapshot } from '../snapshot.ts';

/** Every changing command on something that it would change, without a reason and without a yes. */
const required = {
  'user reset': ['ada'],
  'user adjust': ['ada', 'voice_seconds', '-10s'],
  'user grant': ['ada', 'voice_seconds', '300'],
  'user set-plan': ['ada', 'voice-free', '--limit', 'voice_seconds=20m'],
  'user erase': ['ada'],
  'plan move': ['voice-free', 'voice-test'],
  'grants revoke': ['GRANT'],
  'usage settle': ['tab-1', '--seconds', '30'],
  'reconcile resolve': ['--month', '2026-10', '--kind', 'unlogged', '--as', 'accepted'],
  'reconcile backfill': ['--month', '2026-10'],
  'login allow': ['quota_app'],
  'login bind': ['quota_app', '--claim', 'sub'],
  'login revoke': ['quota_readonly'],
  'db restore': ['BACKUP', '--replace'],
};
const optional = {
  'plan apply': ['PLANS'],
  'meter apply': ['METERS'],
  'user add': ['carol'],
  'alerts ack': ['--user', 'bob'],
  'service set': ['all', '--max-daily-cost', '50'],
  'limits apply': ['ada', '--no-sync'],
  'limits restore': ['bob', '--no-sync'],
  'user edit': ['ada', '--name', 'Ada'],
  'usage record': ['ada', '--service', 'voice', '--key', 'k1', '--quantity', '60'],
  'reconcile close': ['--month', '2026-09'],
  'db rollback': [],
  'db partition': ['--from', '2027-01'],
};

const desk = useDesk({ asOf: '2026-10-15T12:00:00Z' });
let plans = '';
let meters = '';
let grant = '';
let backup = '';
beforeAll(async () => {
  const [ada, bob] = [
    await desk.addUser({ externalId: 'ada', assistants: ['a1', 'a2'] }),
    await desk.addUser({ externalId: 'bob', assistants: ['b1'] }),
  ];
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) select unnest($1::uuid[]), 'voice', 'voice-free'`,
    [[ada, bob]],
  );
  const definition = await desk.json('plan', 'show', 'voice-free');
  await desk.json(
    'plan',
    'apply',
    desk.write('test.json', JSON.stringify({ ...definition, key: 'voice-test', isDefault: false })),
    '--yes',
  );
  const meter = await desk.json('meter', 'show', 'premium_messages');
  meters = desk.write('meters.json', JSON.stringify({ ...meter, models: ['claude-*'] }));
  plans = desk.write('plans.json', JSON.stringify({ ...definition, name: 'Another name' }));
  await desk.addCalls({ userId: ada, at: '2026-10-10T10:00:00Z', seconds: '120' });
  await desk.addCalls({ userId: bob, at: '2026-10-10T10:00:00Z', seconds: '900' });
  await desk.queryAt('2026-10-15T11:50:00Z', `select quota.start_session('bob', 'avatar', 'tab-1')`);
  const added = await desk.json('user', 'grant', 'ada', 'voice_seconds', '60', '--reason', 'promo', '--yes');
  grant = added.grantId;
  await desk.json('login', 'allow', 'quota_readonly', '--reason', 'to be revoked', '--yes');
  await desk.json(3, 'reconcile', '--month', '2026-10', '--export', bill('2026-10-05'));
  const recorded = ['--key', 'call-2026-09-05', '--quantity', '60', '--cost', '0.05', '--yes'];
  await desk.json(
    ...['usage', 'record', 'ada', '--service', 'voice', '--provider', 'vapi', '--assistant', 'a1'],
    ...['--started-at', '2026-09-05T10:00:00Z', ...recorded],
  );
  await desk.json('reconcile', '--month', '2026-09', '--export', bill('2026-09-05'));
  backup = (await desk.json('db', 'backup', desk.path('backup'), '--method', 'copy')).folder;
});

/** What VAPI billed for one call of ada's assistant. */
const bill = (day: string) =>
  desk.write(
    `${day}.json`,
    JSON.stringify([
      {
        id: `call-${day}`,
        assistantId: 'a1',
        type: 'inboundPhoneCall',
        status: 'ended',
        createdAt: `${day}T10:00:00.000Z`,
        startedAt: `${day}T10:00:00.000Z`,
        endedAt: `${day}T10:01:00.000Z`,
        cost: 0.05,
      },
    ]),
  );

const line = (name: string, words: readonly string[]) => {
  const known: Record<string, string> = { PLANS: plans, METERS: meters, GRANT: grant, BACKUP: backup };
  return [...name.split(' '), ...words.map((word) => known[word] ?? word)];
};

/** Other ways to name what is changed. */
const others = {
  'limits apply': [
    ['ada', 'bob', '--no-sync'],
    ['--assistant', 'a1', '--assistant', 'b1', '--no-sync'],
  ],
  'limits restore': [['--assistant', 'b1', '--no-sync']],
};

const cases = [
  ...Object.entries({ ...required, ...optional }),
  ...Object.entries(others).flatMap(([name, lines]) =>
    lines.map((words): [string, string[]] => [name, words]),
  ),
];
const lines = (table: Record<string, string[]>) => Object.entries(table);

describe.each(cases)('quota %s %j', (name, words) => {
  test('a dry run needs no reason, shows what would be done and leaves every table as it was', async () => {
    const before = await snapshot(desk.url);
    const { code, data, stderr } = await desk.answer(...line(name, words), '--dry-run');
    expect(code, stderr).toBe(0);
    expect(data.dryRun ?? data.recorded).not.toBe(false);
    expect(await snapshot(desk.url)).toEqual(before);
  });

  test('without a yes, nothing is changed: without a terminal, and by somebody who says no', async () => {
    const before = await snapshot(desk.url);
    const alone = await desk.run(...line(name, words), '--reason', 'because');
    expect(alone).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining('add --yes') });
    const declined = await desk
      .with({ tty: true, input: 'n\n' })
      .run(...line(name, words), '--reason', 'because');
    expect(declined).toMatchObject({ code: 5, stderr: expect.stringMatching(/not\s+confirmed/) });
    expect(await snapshot(desk.url)).toEqual(before);
  });

  test('in production --yes is not enough', async () => {
    const before = await snapshot(desk.url);
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    const { code, stderr } = await production.run(...line(name, words), '--reason', 'because', '--yes');
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('--confirm') });
    expect(await snapshot(desk.url)).toEqual(before);
  });
});

describe.each(lines(required))('quota %s', (name, words) => {
  test('needs a reason: without a terminal, and where nothing may be asked', async () => {
    const before = await snapshot(desk.url);
    for (const commands of [desk, desk.with({ tty: true, input: 'never read\n' })]) {
      const asking = commands === desk ? [] : ['--no-input'];
      const { code, stderr } = await commands.run(...line(name, words), '--yes', ...asking);
      expect(code, stderr).toBe(2);
      expect(stderr).toMatch(/needs a reason.*\n.*--reason "/s);
    }
    const blank = await desk.run(...line(name, words), '--yes', '--reason', '  ');
    expect(blank.code).toBe(2);
    expect(await snapshot(desk.url)).toEqual(before);
  });
});

test('on a terminal a missing reason is asked for, after the plan and before the yes', async () => {
  const terminal = desk.with({ tty: true, input: 'goodwill, ticket 7\n' });
  const { code, stderr } = await terminal.run('user', 'reset', 'ada', '--no-sync', '--yes');
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('Why?');
  const [row] = await desk.query(
    `select quota.audit_reason(a) as reason from quota.audit_log a where action = 'usage.reset' order by id desc limit 1`,
  );
  expect(row).toEqual({ reason: 'goodwill, ticket 7' });
});

test.each([
  ['production', 'erin'],
  ['development', 'frank'],
])('in %s --yes before the plan is a consent or not: without it the plan is shown', async (place, who) => {
  const user = await desk.addUser({ externalId: who });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
    [user],
  );
  await desk.addCalls({ userId: user, at: '2026-10-10T10:00:00Z', seconds: '120' });
  const before = await snapshot(desk.url);
  const terminal = desk.with({ tty: true, input: 'somebody else\n', env: { QUOTA_ENV: place } });
  const { code, stderr } = await terminal.run(
    ...['user', 'reset', who, '--no-sync', '--yes', '--reason', 'goodwill'],
  );
  if (place === 'production') {
    expect(stderr).toMatch(new RegExp(`To be reset for ${who}:.*Type ${who} to go on`, 's'));
    expect(code).toBe(5);
    expect(await snapshot(desk.url)).toEqual(before);
  } else {
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('To be reset');
    expect(await snapshot(desk.url)).not.toEqual(before);
  }
});

test('an empty answer is no reason', async () => {
  const before = await snapshot(desk.url);
  const terminal = desk.with({ tty: true, input: '\n' });
  expect(
    await terminal.run('user', 'grant', 'ada', 'voice_seconds', '60', '--no-sync', '--yes'),
  ).toMatchObject({ code: 2, stderr: expect.stringContaining('needs a reason') });
  expect(await snapshot(desk.url)).toEqual(before);
});

/** They ask in the middle of a load that is taken back, or where only production asks. */
const askThemselves = ['fixtures/seed.ts', 'import/file-options.ts', 'reconcile/run.ts'];

test('every command with the options of a change goes through the bracket', () => {
  const commands = readdirSync('src/commands', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join('src/commands', path), 'utf8') }));
  const changing = commands.filter(({ text }) => /\bchangeOptions\b/.test(text));
  const outside = changing
    .filter(({ text }) => !/\b(?:runChange|runLimitsChange|reconcileResolve\.run)\(/.test(text))
    .map(({ path }) => path);
  expect(outside.sort()).toEqual(askThemselves);
  const named = cases.map(([name]) => `${name.replace(' ', '/')}.ts`);
  const untested = changing
    .map(({ path }) => path)
    .filter((path) => ![...named, ...askThemselves].includes(path));
  // Tested where an app, a mark, a database, a seed, a month, a name of a model, shards or a clock that was ahead is at hand.
  expect(untested.sort()).toEqual([
    'adopt/attach.ts',
    'adopt/authority.ts',
    'adopt/backfill.ts',
    'adopt/detach.ts',
    'db/mark.ts',
    'db/reset.ts',
    'fixtures/clear.ts',
    'jobs/reopen.ts',
    'reconcile/alias.ts',
    'reconcile/reopen.ts',
    'shards/finance.ts',
    'shards/move.ts',
    'shards/router.ts',
  ]);
});
