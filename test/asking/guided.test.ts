import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { keys, onTerminal } from '../desk/terminal.ts';
import { MonthDesk } from '../reconcile/month-desk.ts';
import { snapshot } from '../snapshot.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;
const desk = perFile(new MonthDesk());
const { enter, down, interrupt } = keys;

beforeAll(async () => {
  for (const [externalId, name] of [
    ['kenji-1', 'Kenji Sato'],
    ['kenji-2', 'Kenji Ito'],
    ['ada', 'Ada Byron'],
  ] as const) {
    const userId = await desk.addUser({ externalId, name });
    await desk.query(
      `insert into quota.subscriptions (user_id, service, plan)
       values ($1, 'voice', 'voice-free'), ($1, 'chat', 'chat-free')`,
      [userId],
    );
    await desk.addCalls({ userId, at: new Date().toISOString(), seconds: '120' });
  }
});

const lastReason = async (action: string) => {
  const [row] = await desk.query<{ user: string; reason: string }>(
    `select u.external_id as user, quota.audit_reason(a) as reason
     from quota.audit_log a join quota.users u on u.id = a.user_id where a.action = $1 order by a.id desc limit 1`,
    [action],
  );
  return row;
};

describe.runIf(needs(hasScript, 'script, of util-linux'))('a person at a terminal', () => {
  const talk = (words: readonly string[], ...answers: (readonly [RegExp, string])[]) =>
    onTerminal(words, { env: desk.env, answers });

  test('who starts quota alone is offered what can be done, finds any command by a word of it, and learns its line', async () => {
    const { code, screen } = await talk(
      [],
      [/What is to be done\?[\s\S]*user show[\s\S]*user grant/, 'plan one'],
      [/❯ plan show/, enter],
      [/plan \(key of the plan\)\?/, enter],
      [/something is needed/, `chat-free${enter}`],
    );
    expect(screen).toContain('$ quota plan show chat-free');
    expect(screen).toContain('premium_messages');
    expect(code).toBe(0);
  });

  test('who leaves the offer has done nothing', async () => {
    expect((await talk([], [/What is to be done\?/, interrupt])).code).toBe(130);
  });

  test('a part of a name that several have is a choice, narrowed by typing on', async () => {
    const { code, screen } = await talk(
      ['user', 'show', 'kenji'],
      [/Who is meant by "kenji"\?[\s\S]*❯ kenji-1[\s\S]*kenji-2/, ' it'],
      [/❯ kenji-2 · kenji-2@example.com · Kenji Ito/, enter],
    );
    expect(screen).toMatch(/Kenji Ito · kenji-2@example\.com/);
    expect(code).toBe(0);
    const none = await talk(['user', 'show', 'nobody-of-that-name']);
    expect(none).toMatchObject({ code: 4, screen: expect.stringContaining('no user "nobody-of-that-name"') });
  });

  test('a reset that names nobody asks for the user, what of it, the reason and the yes, after the plan', async () => {
    const { code, screen } = await talk(
      ['user', 'reset', '--no-sync'],
      [/Which user\?/, 'byron'],
      [/❯ ada/, enter],
      [
        /To be reset for ada:\s+voice_seconds {2}2:00 → 0:00 of 10:00 minutes[\s\S]*Why\?/,
        `ticket 7${enter}`,
      ],
      [/Reset the usage of ada\?/, `y${enter}`],
    );
    expect(code).toBe(0);
    expect(screen).toContain("without questions: quota user reset ada --reason 'ticket 7'");
    expect(await lastReason('usage.reset')).toEqual({ user: 'ada', reason: 'ticket 7' });
  });

  test('a grant asks for the meter and for an amount until it is one', async () => {
    const { code, screen } = await talk(
      ['user', 'grant', 'kenji-1', '--no-sync'],
      [/Which meter of kenji-1\?[\s\S]*❯ messages: 0 of 100/, down.repeat(2)],
      [/❯ voice_seconds: 2:00 of 10:00 minutes used, 8:00 left/, enter],
      [/How much of voice_seconds\?/, `lots${enter}`],
      [/"lots" is not/, `\u00155m${enter}`],
      [/To be granted to kenji-1:\s+5:00 minutes of voice_seconds[\s\S]*Why\?/, `promo${enter}`],
      [/Grant kenji-1 5:00 minutes of voice_seconds\?/, `y${enter}`],
    );
    expect(screen).toContain('granted kenji-1 5:00 minutes of voice_seconds');
    expect(screen).toContain('without questions: quota user grant kenji-1 voice_seconds 5m --reason promo');
    expect(code).toBe(0);
  });

  test('a correction asks for the meter and by how much, with its sign', async () => {
    const { code, screen } = await talk(
      ['user', 'adjust', 'kenji-2', '--no-sync'],
      [/Which meter of kenji-2\?[\s\S]*❯ messages/, down.repeat(2)],
      [/❯ voice_seconds: 2:00 of 10:00 minutes used/, enter],
      [/How much less \(-\) or more \(\+\) is used of voice_seconds\?/, `-1m${enter}`],
      [/To be corrected for kenji-2:\s+voice_seconds {2}2:00 → 1:00[\s\S]*Why\?/, `dropped${enter}`],
      [/Correct the usage of kenji-2\?/, `y${enter}`],
    );
    expect(screen).toContain('quota user adjust kenji-2 voice_seconds -1m --reason dropped');
    expect(code).toBe(0);
  });

  test('a change of plan offers the plans and shows what it does; who says no has changed nothing', async () => {
    const before = await snapshot(desk.url);
    const { code, screen } = await talk(
      ['user', 'set-plan', 'ada', '--no-sync'],
      [/Which plan for ada\?/, 'avatar-month'],
      [/❯ avatar-monthly: avatar, 1:00:00 hours/, enter],
      [/plan {2}none → avatar-monthly[\s\S]*Why\?/, `upgrade${enter}`],
      [/Put ada on avatar-monthly\?/, `n${enter}`],
    );
    expect(screen).toContain('not confirmed');
    expect(code).toBe(5);
    expect(await snapshot(desk.url)).toEqual(before);
  });

  test('a resolution asks for the month, the difference and the decision', async () => {
    const path = desk.write('bill.csv', [
      'id,started_at,duration_seconds,cost,provider',
      'k-1,2026-10-05T10:00:00Z,60,0.05,acme',
    ]);
    await desk.run('reconcile', '--month', '2026-10', '--export', path);
    const { code, screen } = await talk(
      ['reconcile', 'resolve'],
      [/Which month\?[\s\S]*❯ 2026-10 of acme: 1 open/, enter],
      [/Which difference\?[\s\S]*❯ all of unlogged \(1\): billed, not logged[\s\S]*1 unlogged/, enter],
      [/What is decided\?[\s\S]*❯ accepted/, down + enter],
      [/To be resolved as disputed:\s+unlogged 1: billed 0\.05[\s\S]*Why\?/, `ticket 8${enter}`],
      [/Resolve 1 discrepancy of acme 2026-10 as disputed\?/, `y${enter}`],
    );
    expect(screen).toContain(
      "quota reconcile resolve --month 2026-10 --provider acme --kind unlogged --as disputed --reason 'ticket 8'",
    );
    expect(code).toBe(0);
    expect((await talk(['reconcile', 'resolve', '--month', '2026-10'])).screen).toContain('nothing is open');
  });

  test('a look at a bill, a backfill and a closing ask for the month', async () => {
    const shown = await talk(['reconcile', 'show'], [/Which month\?[\s\S]*❯ 2026-10 of acme: 0 open/, enter]);
    expect(shown).toMatchObject({
      code: 0,
      screen: expect.stringContaining('acme 2026-10  0 open, 1 resolved'),
    });
    const none = await talk(['reconcile', 'backfill', '--reason', 'none'], [/Which month\?/, enter]);
    expect(none).toMatchObject({ code: 0 });
    const { code, screen } = await talk(
      ['reconcile', 'close'],
      [/Which month\?[\s\S]*❯ 2026-10 of acme/, enter],
      [/Close acme 2026-10: billed 0\.05 USD\?/, `y${enter}`],
    );
    expect(screen).toContain('quota reconcile close --month 2026-10 --provider acme');
    expect(code).toBe(0);
    const closed = await talk(['reconcile', 'show'], [/❯ 2026-10 of acme: closed/, enter]);
    expect(closed.code).toBe(0);
    expect((await talk(['reconcile', 'close'])).screen).toContain('no month is open');
  });
});

describe('nobody is led through anything', () => {
  const missing = [
    ['user', 'show'],
    ['user', 'reset'],
    ['user', 'grant', 'ada'],
    ['user', 'set-plan', 'ada'],
    ['reconcile', 'resolve', '--kind', 'unlogged', '--month', '2026-10'],
    ['reconcile', 'close'],
    ['reconcile', 'show'],
  ];
  test.each(missing)('without a terminal: %s %s %s', async (...words) => {
    const { code, stderr } = await desk.run(...words);
    expect(stderr).toMatch(
      /missing required argument|required option '--(?:as <resolution>|month <month>)' not specified/,
    );
    expect(code).toBe(2);
  });

  test.each([['--no-input'], ['--json'], ['--quiet'], ['-o', 'csv'], ['--jq', '.']])(
    'on a terminal with %s %s',
    async (...flags) => {
      const terminal = desk.with({ tty: true, input: '\r' });
      expect((await terminal.run('user', 'grant', 'ada', ...flags)).code).toBe(2);
      expect((await terminal.run('user', 'show', 'kenji', ...flags)).code).toBe(4);
    },
  );

  test('on a terminal that cannot move its cursor', async () => {
    const dumb = desk.with({ tty: true, env: { TERM: 'dumb' } });
    expect((await dumb.run('user', 'show', 'kenji')).code).toBe(4);
    expect((await dumb.run()).stderr).toContain('Usage: quota');
  });
});
