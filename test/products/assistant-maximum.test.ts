import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** Plain rows of assistants, where the plan enforces its maximum. */
const desk = useDesk();
const insert = (user: string, ids: readonly string[]) =>
  desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id)
     select u.id, a from quota.users u, unnest($2::text[]) a where u.external_id = $1`,
    [user, ids],
  );
const count = async (user: string) =>
  (
    await desk.query<{ count: number }>(
      `select count(*)::integer from quota.assistants a join quota.users u on u.id = a.user_id where u.external_id = $1`,
      [user],
    )
  )[0]?.count;
const enforce = (yes: boolean) =>
  desk.json(
    'plan',
    'apply',
    desk.write('plan.yaml', [
      'plans:',
      '  voice-two:',
      '    service: voice',
      '    max_assistants: 2',
      ...(yes ? ['    enforce_max_assistants: true'] : []),
      '    limits:',
      '      voice_seconds: {limit: 10m, reset_every: 1 month}',
    ]),
    '--reason',
    'test',
    '--yes',
  );
const join = async (user: string) => {
  await desk.query(`select quota.ensure_user($1)`, [user]);
  await desk.query(`select quota.set_plan($1, 'voice-two', 'test')`, [user]);
};

test('plain rows beyond the maximum are refused where the plan says so, one by one, at once and in bulk', async () => {
  await enforce(false);
  await join('uma');
  await insert('uma', ['uma-1', 'uma-2', 'uma-3']);
  await enforce(true);
  expect((await desk.json('plan', 'show', 'voice-two')).enforceMaxAssistants).toBe(true);
  await expect(insert('uma', ['uma-4'])).rejects.toMatchObject({ code: 'QT008' });
  expect(await count('uma')).toBe(3);

  await join('vic');
  await expect(insert('vic', ['vic-1', 'vic-2', 'vic-3'])).rejects.toMatchObject({
    code: 'QT008',
    message: 'the plan "voice-two" includes 2 assistants, and "vic" would have more',
  });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => insert('vic', [`vic-at-once-${n}`])),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(await count('vic')).toBe(2);

  await join('wes');
  await expect(
    desk.query(
      `update quota.assistants a set user_id = (select id from quota.users where external_id = 'wes')
       from quota.users u where u.id = a.user_id and u.external_id = 'uma'`,
    ),
  ).rejects.toMatchObject({ code: 'QT008' });
  expect([await count('uma'), await count('wes')]).toEqual([3, 0]);
  await desk.query(`select quota.remove_assistant('vic', provider_assistant_id)
    from quota.assistants where provider_assistant_id like 'vic-at-once-%' limit 1`);
  await insert('vic', ['vic-instead']);
});

test('the door asks first, a file of too many is refused whole, and another plan is not asked', async () => {
  await enforce(true);
  await join('xia');
  const add = async (id: string) =>
    (await desk.query(`select allowed, reason from quota.add_assistant('xia', $1)`, [id]))[0];
  expect([await add('xia-1'), await add('xia-2'), await add('xia-3')]).toEqual([
    { allowed: true, reason: 'ok' },
    { allowed: true, reason: 'ok' },
    { allowed: false, reason: 'assistant_limit' },
  ]);
  await join('yan');
  const file = desk.write('assistants.csv', [
    'provider_assistant_id,user_external_id',
    ...['yan-1', 'yan-2', 'yan-3'].map((id) => `${id},yan`),
  ]);
  const { code, stderr } = await desk.run('import', 'assistants', file, '--yes');
  expect([code, stderr]).toEqual([5, expect.stringContaining('would have more')]);
  expect(await count('yan')).toBe(0);
  await desk.query(`select quota.ensure_user('zed')`);
  await insert('zed', ['zed-1', 'zed-2', 'zed-3', 'zed-4']);
  expect(await count('zed')).toBe(4);
});
