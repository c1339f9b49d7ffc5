import { beforeEach, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });
let userId: string;
let name: string;
let count = 0;

/** Each test has a user of its own: 500 of 600 seconds, two assistants. */
beforeEach(async () => {
  count += 1;
  name = `caller-${count}`;
  userId = await desk.addUser({ externalId: name, assistants: [`${name}-a`] });
  await desk.addCalls({ userId, at: '2026-11-10T10:00:00Z', seconds: '250', cost: '0.25', times: 2 });
});

const why = ['--reason', 'ticket 4711', '--yes', '--no-sync'];
const adjust = (...words: string[]) => desk.json('user', 'adjust', name, ...words, ...why);
const run = (...words: string[]) => desk.run('user', 'adjust', name, ...words, ...why);
const used = () =>
  desk.query(`select used, adjusted, cost::numeric(10,2), calls from quota.usage_quotas where user_id = $1`, [
    userId,
  ]);
const standing = () => desk.query('select desired from quota.assistant_limits where user_id = $1', [userId]);

describe('a correction', () => {
  test('takes off what is wrong, with its audit row; the calls stay', async () => {
    const result = await adjust('voice_seconds', '-1m20s');
    expect(result).toMatchObject({
      dryRun: false,
      meters: [
        { meter: 'voice_seconds', quantity: '-80', before: { used: '500.000' }, after: { used: '420.000' } },
      ],
    });
    expect(await used()).toEqual([{ used: '420.000', adjusted: '-80.000', cost: '0.50', calls: 2 }]);
    const [audit] = await desk.query(
      'select action, subject, actor, quota.audit_reason(a) as reason, before, after from quota.audit_log a where id = $1',
      result.auditIds,
    );
    expect(audit).toMatchObject({
      action: 'usage.adjusted',
      subject: 'voice_seconds',
      actor: 'tester',
      reason: 'ticket 4711',
      before: { used: '500.000' },
      after: { used: '420.000', kind: 'correction' },
    });
    expect(await desk.differences()).toEqual([]);
  });

  test('that uses the allowance up limits the user, one that frees it lifts the limit', async () => {
    await adjust('voice_seconds', '+100');
    expect(await standing()).toEqual([{ desired: 'limited' }]);
    await adjust('voice_seconds', '-1');
    expect(await standing()).toEqual([{ desired: 'original' }]);
    expect(await used()).toMatchObject([{ used: '599.000', adjusted: '99.000' }]);
  });

  test('of a user who has used nothing yet', async () => {
    await desk.addUser({ externalId: `${name}-new` });
    await desk.query(
      `insert into quota.subscriptions (user_id, service, plan) select id, 'chat', 'chat-free' from quota.users where external_id = $1`,
      [`${name}-new`],
    );
    const added = await desk.json('user', 'adjust', `${name}-new`, 'messages', '+20', ...why);
    expect(added.meters).toMatchObject([{ before: { used: '0.000' }, after: { used: '20.000' } }]);
    expect(await desk.differences()).toEqual([]);
  });

  test.each([
    [['voice_seconds', '-8m21s'], 2, 'only 500s of voice_seconds is used'],
    [['voice_seconds', '0'], 2, 'a correction by nothing'],
    [['voice_seconds', 'five'], 2, 'five'],
    [['voice_seconds'], 2, 'by how much?'],
    [['messages', '+1'], 4, 'no messages'],
    [['voice_seconds', '+5m', '--undo-reset'], 2, 'which is it?'],
    [['voice_seconds', '+6001'], 5, '10 times the 10m of the plan'],
    [['--undo-reset'], 5, 'no reset to undo'],
  ])('%j is refused with %i', async (words, code, message) => {
    const before = await desk.snapshot();
    const refused = await run(...words);
    expect(refused).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(await desk.snapshot()).toEqual(before);
  });

  test('far beyond the plan is done once its name is given', async () => {
    const done = await desk.json(
      'user',
      'adjust',
      name,
      'voice_seconds',
      '+6001',
      '--confirm',
      name,
      '--reason',
      'import',
      '--no-sync',
    );
    expect(done.meters).toMatchObject([{ after: { used: '6501.000' } }]);
  });

  test('a dry run changes nothing', async () => {
    const before = await desk.snapshot();
    const shown = await desk.run('user', 'adjust', name, 'voice_seconds', '-100', '--dry-run');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('8:20 → 6:40 of 10:00 minutes (-1:40)');
    expect(await desk.snapshot()).toEqual(before);
  });
});

test('a mistaken reset is taken back, once, with its cost; what was used meanwhile counts', async () => {
  await desk.json('user', 'reset', name, ...why);
  await desk.addCalls({ userId, at: '2026-11-15T12:05:00Z', seconds: '200', cost: '0.10' });
  expect(await used()).toMatchObject([{ used: '200.000', cost: '0.10' }]);
  await adjust('--undo-reset');
  expect(await used()).toMatchObject([{ used: '700.000', adjusted: '0.000', cost: '0.60' }]);
  expect(await standing()).toEqual([{ desired: 'limited' }]);
  expect((await run('--undo-reset')).code).toBe(5);
  expect((await desk.run('user', 'explain', name)).stdout).toContain('reset taken back');
  expect(await desk.differences()).toEqual([]);
});

test('what is told late of the time before a reset that was taken back counts, too', async () => {
  await desk.json('user', 'reset', name, ...why);
  await desk.addCalls({ userId, at: '2026-11-11T10:00:00Z', seconds: '40', cost: '0.02' });
  expect(await used()).toMatchObject([{ used: '0.000' }]);
  await adjust('--undo-reset');
  expect(await used()).toMatchObject([{ used: '540.000', cost: '0.52' }]);
  await desk.addCalls({ userId, at: '2026-11-12T10:00:00Z', seconds: '30', cost: '0.01' });
  expect(await used()).toMatchObject([{ used: '570.000', cost: '0.53' }]);
  expect(await desk.differences()).toEqual([]);
});

test('a grant far beyond the plan is asked for by name, one within is not', async () => {
  const grant = (amount: string, ...more: string[]) =>
    desk.run('user', 'grant', name, 'voice_seconds', amount, '--reason', 'promo', '--no-sync', ...more);
  expect(await grant('3000000', '--yes')).toMatchObject({ code: 5, stdout: '' });
  expect(await desk.query('select 1 from quota.grants where user_id = $1', [userId])).toEqual([]);
  expect((await grant('100m', '--yes')).code).toBe(0);
  expect((await grant('3000000', '--confirm', name)).code).toBe(0);
});

test('who has no plan for a service yet is given by that of the default plan what is far beyond it', async () => {
  const grant = (amount: string, ...more: string[]) =>
    desk.run('user', 'grant', name, 'messages', amount, '--reason', 'promo', '--no-sync', ...more);
  expect(await grant('1001', '--yes')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('10 times the 100 of the plan'),
  });
  expect((await grant('1000', '--yes')).code).toBe(0);
});
