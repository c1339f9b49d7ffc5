import { describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** Users that are made, and changed, from the terminal. */
const desk = useDesk({ asOf: '2026-06-10T12:00:00Z' });
const add = (...words: string[]) => desk.json('user', 'add', ...words, '--yes');
const historyOf = (externalId: string) =>
  desk.query(
    `select a.action, quota.audit_reason(a) as reason, a.after, p.after as personal
     from quota.audit_log a join quota.users u on u.id = a.user_id
     left join quota.audit_personal p on p.audit_id = a.id
     where u.external_id = $1 order by a.id`,
    [externalId],
  );

describe('user add', () => {
  test('makes somebody with everything that is told, and notes it, the person apart', async () => {
    const words = ['kim', '--email', 'kim@example.org', '--name', 'Kim Lee', '--timezone', 'Asia/Seoul'];
    const besides = [
      '--signup',
      '2026-01-31T03:00:00Z',
      '--plan',
      'transcription-pro',
      '--plan',
      'voice-free',
    ];
    const answer = await add(...words, ...besides, '--reason', 'contract 12');
    expect(answer).toMatchObject({
      user: {
        externalId: 'kim',
        email: 'kim@example.org',
        name: 'Kim Lee',
        timezone: 'Asia/Seoul',
        createdAt: '2026-01-31T03:00:00.000Z',
      },
      plans: ['transcription-pro', 'voice-free'],
      created: true,
      dryRun: false,
    });
    expect(await historyOf('kim')).toEqual([
      {
        action: 'user.added',
        reason: 'contract 12',
        after: {
          timezone: 'Asia/Seoul',
          createdAt: '2026-01-31T03:00:00.000Z',
          plans: ['transcription-pro', 'voice-free'],
        },
        personal: { externalId: 'kim', email: 'kim@example.org', name: 'Kim Lee' },
      },
    ]);
    const { subscriptions } = await desk.json('user', 'show', 'kim');
    expect(
      subscriptions.map(({ plan, nextResetAt }: Record<string, string>) => [plan, nextResetAt]).sort(),
    ).toEqual([
      ['transcription-pro', '2026-06-29T15:00:00.000Z'],
      ['voice-free', '2026-06-29T15:00:00.000Z'],
    ]);
  });

  test('a dry run, and somebody who is so already, change nothing', async () => {
    await add('lou', '--email', 'lou@example.org');
    const before = await desk.snapshot();
    expect(await desk.json('user', 'add', 'max', '--plan', 'chat-free', '--dry-run')).toMatchObject({
      user: { externalId: 'max' },
      created: false,
      dryRun: true,
      auditId: null,
    });
    expect(await add('lou', '--email', 'lou@example.org')).toMatchObject({ created: false, auditId: null });
    expect(await desk.snapshot()).toEqual(before);
  });

  test('an id that is a uuid is our id, too', async () => {
    const id = '5d3a0c64-8a5e-4c0b-9a0e-6f2f3f9e1c55';
    expect((await add(id)).user).toMatchObject({ id, externalId: id });
  });

  test.each([
    [['lou', '--name', 'Other'], 5, 'already'],
    [['nia', '--email', 'nowhere'], 2, 'email'],
    [['nia', '--timezone', 'Mars/Olympus'], 2, 'time zone'],
    [['nia', '--signup', '2026-06-11'], 2, 'future'],
    [['nia', '--plan', 'gold'], 4, 'plan'],
    [['nia', '--plan', 'transcription-pro', '--plan', 'transcription-free'], 2, 'one plan'],
    [[' '], 2, 'characters'],
    [['tab\tbed'], 2, 'control'],
  ])('%j is refused (%i) and writes nothing', async (words, code, text) => {
    await add('lou', '--email', 'lou@example.org');
    const before = await desk.snapshot();
    const result = await desk.run('user', 'add', ...words, '--yes');
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(await desk.snapshot()).toEqual(before);
  });
});

describe('user edit', () => {
  const edit = (...words: string[]) => desk.run('user', 'edit', ...words, '--reason', 'as agreed', '--yes');

  test('another signup moves the anniversaries; what is used in the running period stays used', async () => {
    await add('oda', '--signup', '2026-03-05');
    await desk.json(
      'usage',
      'record',
      'oda',
      '--service',
      'voice',
      '--quantity',
      '90s',
      '--key',
      'oda-1',
      '--yes',
    );
    const { code, stdout } = await edit('oda', '--signup', '2026-03-20', '--json');
    expect([code, JSON.parse(stdout).after]).toEqual([0, { createdAt: '2026-03-20T00:00:00.000Z' }]);
    const { user, subscriptions } = await desk.json('user', 'show', 'oda');
    expect([user.createdAt, subscriptions[0].nextResetAt, subscriptions[0].quotas[0].used]).toEqual([
      '2026-03-20T00:00:00.000Z',
      '2026-06-20T00:00:00.000Z',
      '90.000',
    ]);
    expect(await desk.differences()).toEqual([]);
  });

  test.each([
    ['--email', 'a b@c'],
    ['--signup', '2026-06-12'],
    ['--signup', '1969-12-31'],
    ['--timezone', 'Nowhere/Else'],
  ])('%s %s cannot be', async (flag, value) => {
    await add('pia', '--signup', '2026-04-05');
    const before = await desk.snapshot();
    expect((await edit('pia', flag, value)).code).toBe(2);
    expect(await desk.snapshot()).toEqual(before);
  });
});
