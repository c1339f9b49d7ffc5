import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const start = '2026-09-05T09:00:00Z';
const at = (instant: string) => desk.at(instant);

test('a grant that was a mistake is taken back: what it gave stays given, the rest is gone, once', async () => {
  const userId = await desk.addUser({ externalId: 'ada', createdAt: start, assistants: ['desk'] });
  await at('2026-09-06T00:00:00Z').json(
    ...['user', 'grant', 'ada', 'voice_seconds', '3000', '--reason', 'a typing error', '--yes'],
  );
  await desk.addCalls({ userId, at: '2026-09-10T10:00:00Z', seconds: '900' });
  const now = at('2026-09-11T00:00:00Z');
  const { grants } = await now.json('grants', 'list', 'ada');
  expect(grants).toMatchObject([
    {
      user: 'ada',
      meter: 'voice_seconds',
      quantity: '3000.000',
      given: '300.000',
      left: '2700.000',
      state: 'live',
    },
  ]);
  const [{ id }] = grants;
  const revoke = ['grants', 'revoke', id, '--reason', 'a typing error'];

  const before = await desk.snapshot();
  expect(await now.json(...revoke, '--dry-run')).toMatchObject({
    dryRun: true,
    grant: { left: '2700.000' },
    after: null,
  });
  expect((await now.run(...revoke)).code).toBe(5);
  expect(await desk.snapshot()).toEqual(before);

  expect(await now.json(...revoke, '--yes')).toMatchObject({
    dryRun: false,
    before: { remaining: '2700.000' },
    after: { granted: '300.000', used: '900.000', remaining: '0.000' },
    auditId: expect.any(String),
  });
  expect((await now.json('user', 'show', 'ada')).subscriptions[0]).toMatchObject({
    limitEnforcedAt: expect.any(String),
    quotas: [{ state: 'exceeded', remaining: '0.000' }],
  });
  expect((await now.json('grants', 'list', 'ada')).grants).toMatchObject([
    {
      given: '300.000',
      left: '0.000',
      state: 'revoked',
      revokedBy: 'tester',
      revokeReason: 'a typing error',
    },
  ]);
  const { entries } = await now.json('audit', 'log', '--action', 'grant.revoked');
  expect(entries).toMatchObject([
    { user: 'ada', reason: 'a typing error', before: { grantId: id, left: '2700.000' } },
  ]);

  const again = await now.run(...revoke, '--yes');
  expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('is revoked')]);
  expect((await now.run('grants', 'revoke', '999999', '--reason', 'x', '--yes')).code).toBe(4);
  expect((await now.run('grants', 'revoke', id, '--yes')).code).toBe(2);
  expect((await now.json('grants', 'list', '--live')).grants).toEqual([]);
});

/** What a user of the free voice plan may use, and did. */
const check = (name: string, instant: string) =>
  desk
    .queryAt<{ allowed: boolean; used: string; remaining: string }>(
      instant,
      `select allowed, used, remaining from quota.check($1, 'voice')`,
      [name],
    )
    .then(([row]) => row);

test('a top-up that is used up does not come back at the boundaries that no job has closed', async () => {
  const userId = await desk.addUser({ externalId: 'bea', createdAt: '2026-09-20T09:00:00Z' });
  await at('2026-09-21T00:00:00Z').json(
    ...['user', 'grant', 'bea', 'voice_seconds', '750', '--reason', 'bought', '--yes'],
  );
  await desk.addCalls({ userId, at: '2026-10-01T10:00:00Z', seconds: '1200' });
  expect(await check('bea', '2026-10-19T00:00:00Z')).toMatchObject({ remaining: '150.000' });
  for (const month of ['2026-10-20', '2026-11-20', '2026-12-20']) {
    expect(await check('bea', `${month}T00:30:00Z`)).toMatchObject({ allowed: true, remaining: '750.000' });
  }
  await desk.addCalls({ userId, at: '2026-10-20T00:30:00Z', seconds: '700' });
  expect(await check('bea', '2026-12-20T01:00:00Z')).toMatchObject({ remaining: '650.000' });
  await at('2026-12-20T02:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync');
  expect(await check('bea', '2026-12-20T03:00:00Z')).toMatchObject({ remaining: '650.000' });
  const [{ given, left }] = (await at('2026-12-20T03:00:00Z').json('grants', 'list', 'bea')).grants;
  expect([given, left]).toEqual(['700.000', '50.000']);
});

test('use that becomes known late draws on a top-up that is there, and the present knows it at once', async () => {
  const userId = await desk.addUser({ externalId: 'cid', createdAt: '2026-09-20T09:00:00Z' });
  await at('2026-09-21T00:00:00Z').json(
    ...['user', 'grant', 'cid', 'voice_seconds', '400', '--reason', 'bought', '--yes'],
  );
  await at('2026-10-20T02:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync');
  expect(await check('cid', '2026-10-21T00:00:00Z')).toMatchObject({ remaining: '1000.000' });
  await desk.addCalls({ userId, at: '2026-10-05T10:00:00Z', seconds: '850' });
  expect(await check('cid', '2026-10-21T00:00:00Z')).toMatchObject({ remaining: '750.000' });
});

test('a zone that cuts time anew, and a plan there and back, book nothing twice', async () => {
  const userId = await desk.addUser({ externalId: 'dan', createdAt: '2026-10-15T09:00:00Z' });
  await at('2026-10-16T00:00:00Z').json(
    ...['user', 'grant', 'dan', 'voice_seconds', '1000', '--reason', 'bought', '--yes'],
  );
  await desk.addCalls({ userId, at: '2026-10-20T10:00:00Z', seconds: '700' });
  const file = desk.write('zone.csv', 'external_id,timezone\ndan,Europe/Berlin\n');
  await at('2026-10-22T10:00:00Z').json('import', 'users', file, '--update', '--reason', 'moved', '--yes');
  await at('2026-11-15T02:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync');
  const [{ given, left }] = (await at('2026-11-15T03:00:00Z').json('grants', 'list', 'dan')).grants;
  expect([given, left]).toEqual(['100.000', '900.000']);
});
