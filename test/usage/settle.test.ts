import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-10T14:00:00Z' });
const noon = '2026-11-10T12:00:00Z';

beforeAll(async () => {
  await desk.addUser({ externalId: 'ada' });
  await desk.addUser({ externalId: 'bob' });
  for (const [user, service, key, more] of [
    ['ada', 'avatar', 'crashed', ''],
    ['ada', 'voice', 'told', ', p_estimate => 300'],
    ['bob', 'chat', 'message', ', p_estimate => 2'],
  ]) {
    await desk.queryAt(noon, `select quota.start_session($1, $2, $3${more})`, [user, service, key]);
  }
  await desk.queryAt('2026-11-10T12:01:00Z', `select quota.touch_session('ada', 'told', 60)`);
  await desk.at('2026-11-10T13:30:00Z').json('jobs', 'reap-stale');
  await desk.queryAt(
    '2026-11-10T13:59:00Z',
    `select quota.start_session('bob', 'avatar', 'runs', p_estimate => 600)`,
  );
  await desk.queryAt('2026-11-10T13:59:30Z', `select quota.touch_session('bob', 'runs', 30)`);
});

const quotaOf = async (user: string, meter: string) => {
  const { subscriptions } = await desk.json('user', 'show', user);
  return subscriptions
    .flatMap(({ quotas }: { quotas: { meter: string }[] }) => quotas)
    .find((quota: { meter: string }) => quota.meter === meter);
};

test('what runs and what is estimated is listed, of everybody or of one user', async () => {
  const { sessions } = await desk.json('usage', 'sessions');
  expect(sessions).toMatchObject([
    {
      key: 'runs',
      state: 'running',
      reserved: '600.000',
      progress: '30.000',
      expiresAt: '2026-11-10T14:01:00.000Z',
    },
    {
      key: 'message',
      user: 'bob',
      state: 'estimated',
      unit: 'message',
      quantity: '2',
      settledBy: 'reservation',
    },
    { key: 'told', user: 'ada', state: 'estimated', quantity: '60.000', settledBy: 'heartbeat' },
    { key: 'crashed', state: 'estimated', quantity: '1200.000', isEstimate: true, reserved: null },
  ]);
  expect((await desk.json('usage', 'sessions', 'ada')).sessions).toHaveLength(2);
  const { stdout } = await desk.run('usage', 'sessions', 'bob', '--output', 'table');
  expect(stdout).toMatch(/runs.*running.*10:00.*0:30.*2026-11-10 14:01/);
});

test('estimates and reservations are shown as such', async () => {
  expect(await quotaOf('ada', 'avatar_seconds')).toMatchObject({ used: '1200.000', estimated: '1200.000' });
  expect(await quotaOf('bob', 'avatar_seconds')).toMatchObject({ estimated: '0.000', reserved: '600.000' });
  const { stdout } = await desk.run('user', 'show', 'ada', '--output', 'table');
  expect(stdout).toContain('20:00 of it estimated, for nobody told the end');
  const shown = await desk.run('user', 'show', 'bob', '--output', 'table');
  expect(shown.stdout).toContain('10:00 set aside for running sessions');
  const { periods } = await desk.json('user', 'history', 'ada', '--service', 'voice');
  expect(periods).toMatchObject([{ used: '60.000', estimated: '60.000' }]);
});

test('an operator who knows better replaces an estimate, and a later end does not replace that', async () => {
  const settle = ['usage', 'settle', 'crashed', '--seconds', '1:15', '--reason', 'by our own log', '--yes'];
  const { auditId, ...settled } = await desk.json(...settle);
  expect(settled).toMatchObject({
    dryRun: false,
    quantity: '75',
    session: { key: 'crashed', quantity: '1200.000' },
  });
  expect(await quotaOf('ada', 'avatar_seconds')).toMatchObject({
    used: '75.000',
    estimated: '0.000',
    state: 'ok',
  });
  const [audit] = await desk.query(
    `select action, before ->> 'quantity' as before, after ->> 'quantity' as after from quota.audit_log where id = $1`,
    [auditId],
  );
  expect(audit).toEqual({
    action: 'session.settled',
    before: '1200.000',
    after: '75',
  });
  const [late] = await desk.queryAt(
    '2026-11-10T15:00:00Z',
    `select recorded, differs, stored_quantity from quota.end_session('ada', 'crashed', 80)`,
  );
  expect(late).toEqual({ recorded: false, differs: true, stored_quantity: '75.000' });
});

test('a session that runs is settled, too, and frees what it had reserved; messages are counted as such', async () => {
  await desk.json(
    'usage',
    'settle',
    'runs',
    '--seconds',
    '40',
    '--user',
    'bob',
    '--reason',
    'stuck',
    '--yes',
  );
  expect(await quotaOf('bob', 'avatar_seconds')).toMatchObject({ used: '40.000', reserved: '0.000' });
  await desk.json('usage', 'settle', 'message', '--messages', '1', '--reason', 'one was sent', '--yes');
  expect(await quotaOf('bob', 'messages')).toMatchObject({ used: '1.000', estimated: '0.000' });
});

test.each([
  ['an unknown key', ['nothing', '--seconds', '5'], 4, 'no call "nothing"'],
  ['a call whose end is known', ['crashed', '--seconds', '5'], 5, 'is known: 75.000 seconds'],
  ['messages of a service in seconds', ['told', '--messages', '5'], 2, 'voice is counted in seconds'],
  ['no figure', ['told'], 2, 'voice is counted in seconds'],
  ['a session of somebody else', ['told', '--seconds', '5', '--user', 'bob'], 4, 'no call "told"'],
])('%s is refused', async (_, words, code, message) => {
  const before = await desk.snapshot();
  const run = await desk.run('usage', 'settle', ...words, '--reason', 'test', '--yes');
  expect(run).toMatchObject({ code, stderr: expect.stringContaining(message) });
  expect(await desk.snapshot()).toEqual(before);
});

test('recording by hand completes a call that runs, and tells what is stored of one whose end is known', async () => {
  await desk.queryAt(noon, `select quota.start_session('bob', 'voice', 'lost', p_estimate => 300)`);
  const line = [
    'usage',
    'record',
    'bob',
    '--service',
    'voice',
    '--key',
    'lost',
    '--reason',
    'lost webhook',
    '--yes',
  ];
  expect(await desk.json(...line, '--quantity', '240')).toMatchObject({
    recorded: true,
    differs: false,
    used: '240.000',
  });
  expect(await desk.json(...line, '--quantity', '250')).toMatchObject({
    recorded: false,
    differs: true,
    storedQuantity: '240.000',
  });
  const { stdout } = await desk.run(...line, '--quantity', '250', '--output', 'table');
  expect(stdout).toContain('was recorded before as 240.000, which stays');
});

test('all of it follows from the facts', async () => {
  expect(await desk.differences()).toEqual([]);
});
