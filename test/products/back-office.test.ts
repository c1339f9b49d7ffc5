import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** What the back office of an app does with a login of an operator, in the place of the terminal. */
const desk = useDesk();
const now = '2026-11-10T12:00:00Z';
const rows = (sql: string, values: unknown[] = []) => desk.queryAt(now, sql, values);
const row = async (sql: string, values: unknown[] = []) => (await rows(sql, values))[0];
const audit = (action: string) =>
  row(
    `select a.actor, quota.audit_reason(a) as reason, a.service, a.subject from quota.audit_log a where action = $1 order by id desc limit 1`,
    [action],
  );
const desired = (user: string) =>
  rows(
    `select l.desired from quota.assistant_limits l join quota.users u on u.id = l.user_id where u.external_id = $1`,
    [user],
  );

/** A user of voice, used up, with one limited assistant. */
async function useUp(user: string) {
  await rows(`select quota.add_assistant($1, $1 || '-1')`, [user]);
  await rows(`select quota.record($1, 'voice', $1, 700)`, [user]);
  expect(await desired(user)).toEqual([{ desired: 'limited' }]);
}

beforeAll(async () => {
  const free = await desk.json('plan', 'show', 'voice-free');
  const large = { ...free, key: 'voice-large', name: 'Voice Large', isDefault: false };
  large.limits = free.limits.map((limit: object) => ({ ...limit, limit: '6000' }));
  await desk.json(
    'plan',
    'apply',
    desk.write('large.json', JSON.stringify(large)),
    '--yes',
    '--reason',
    'test',
  );
});

test('an upgrade holds at once, frees what was limited, and says who did it and why', async () => {
  await useUp('ada');
  expect(
    await row(
      `select service, plan_before, plan, changed from quota.set_plan('ada', 'voice-large', 'invoice 4711', 'mia')`,
    ),
  ).toEqual({ service: 'voice', plan_before: 'voice-free', plan: 'voice-large', changed: true });
  expect(await audit('plan.changed')).toEqual({
    actor: 'mia',
    reason: 'invoice 4711',
    service: 'voice',
    subject: 'voice-large',
  });
  expect(await desired('ada')).toEqual([{ desired: 'original' }]);
  expect(await row(`select allowed, remaining::text from quota.check('ada', 'voice')`)).toEqual({
    allowed: true,
    remaining: '5300.000',
  });
  const before = await desk.snapshot();
  expect(await row(`select changed, audit_id from quota.set_plan('ada', 'voice-large', 'twice')`)).toEqual({
    changed: false,
    audit_id: null,
  });
  expect(await desk.snapshot()).toEqual(before);
});

test('a reset takes back what is used, frees what was limited, and leaves the facts', async () => {
  await useUp('bob');
  expect(
    await rows(
      `select service, meter, used_before::text, used_after::text from quota.reset_usage('bob', 'outage', p_actor => 'mia')`,
    ),
  ).toEqual([{ service: 'voice', meter: 'voice_seconds', used_before: '700.000', used_after: '0.000' }]);
  expect(await audit('usage.reset')).toMatchObject({ actor: 'mia', reason: 'outage' });
  expect(await desired('bob')).toEqual([{ desired: 'original' }]);
  expect(
    await row(`select count(*)::integer as n from quota.call_logs where user_id = quota.find_user('bob')`),
  ).toEqual({
    n: 1,
  });
  expect(await row(`select audit_id from quota.reset_usage('bob', 'again')`)).toEqual({ audit_id: null });
  expect(await row(`select last_reset from quota.get_user_plan_limits('bob', 'voice')`)).toEqual({
    last_reset: new Date(now),
  });
});

test('a grant gives more, frees what was limited, and is told', async () => {
  await useUp('cleo');
  expect(
    await row(
      `select granted::text, remaining::text from quota.grant_allowance('cleo', 'voice_seconds', 300, 'sorry', p_actor => 'mia')`,
    ),
  ).toEqual({ granted: '300.000', remaining: '200.000' });
  expect(await audit('grant.added')).toEqual({
    actor: 'mia',
    reason: 'sorry',
    service: 'voice',
    subject: 'voice_seconds',
  });
  expect(await desired('cleo')).toEqual([{ desired: 'original' }]);
  expect((await desk.json('grants', 'list', 'cleo')).grants).toMatchObject([
    { actor: 'mia', reason: 'sorry' },
  ]);
});

test('who acts is named for that act alone', async () => {
  await desk.session(async (client) => {
    await client.query('begin');
    await client.query(`select quota.grant_allowance('cleo', 'messages', 5, 'promo', p_actor => 'mia')`);
    const { rows: found } = await client.query('select quota.actor() = session_user::text as own');
    expect(found).toEqual([{ own: true }]);
    await client.query('commit');
  });
});

describe('is refused, and changes nothing:', () => {
  test.each([
    ['a plan that there is not', `quota.set_plan('ada', 'voice-huge', 'x')`, 'QT002'],
    ['a plan without a reason', `quota.set_plan('ada', 'voice-free', ' ')`, 'QT003'],
    ['a plan for nobody', `quota.set_plan('nobody', 'voice-free', 'x')`, 'QT001'],
    ['a reset without a reason', `quota.reset_usage('ada', null)`, 'QT003'],
    [
      'a reset of what the user has not',
      `quota.reset_usage('ada', 'x', p_meter => 'avatar_seconds')`,
      'QT003',
    ],
    ['a grant of nothing', `quota.grant_allowance('ada', 'voice_seconds', 0, 'x')`, 'QT003'],
    ['a grant of half a message', `quota.grant_allowance('ada', 'messages', 1.5, 'x')`, 'QT003'],
    ['a grant without end', `quota.grant_allowance('ada', 'voice_seconds', 'Infinity', 'x')`, 'QT003'],
    ['a grant of no meter', `quota.grant_allowance('ada', 'credits', 5, 'x')`, 'QT003'],
    [
      'a grant that is over',
      `quota.grant_allowance('ada', 'voice_seconds', 5, 'x', '2026-11-10T12:00:00Z')`,
      'QT004',
    ],
    ['an actor of control characters', `quota.set_plan('ada', 'voice-free', 'x', e'\\x1b')`, 'QT003'],
  ])('%s', async (_, call, code) => {
    const before = await desk.snapshot({ sequences: false });
    await expect(rows(`select * from ${call}`)).rejects.toMatchObject({ code });
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });

  test.each(['set_plan', 'reset_usage', 'grant_allowance'])('%s, by a login of the app', async (name) => {
    expect(
      await row(
        `select bool_or(has_function_privilege('quota_app', p.oid, 'execute')) as app,
           bool_and(has_function_privilege('quota_operator', p.oid, 'execute')) as operator
         from pg_proc p where p.pronamespace = 'quota'::regnamespace and p.proname = $1`,
        [name],
      ),
    ).toEqual({ app: false, operator: true });
  });
});

describe('assistants', () => {
  const add = (user: string, id: string) =>
    row(
      `select allowed, reason, message, added, assistants, max_assistants from quota.add_assistant($1, $2)`,
      [user, id],
    );

  test('of ten at once three are added, and the others get a friendly answer', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => add('dan', `dan-${index}`)));
    expect(answers.filter((answer) => answer?.added)).toHaveLength(3);
    expect(answers.find((answer) => !answer?.allowed)).toEqual({
      allowed: false,
      reason: 'assistant_limit',
      message: 'The plan "Voice Free" includes 3 assistants.',
      added: false,
      assistants: 3,
      max_assistants: 3,
    });
  });

  test('the same again adds nothing, one that was removed leaves its place, and can come back', async () => {
    await add('eve', 'e1');
    expect(await add('eve', 'e1')).toMatchObject({ allowed: true, added: false, assistants: 1 });
    await add('eve', 'e2');
    await add('eve', 'e3');
    expect(await row(`select removed, assistants from quota.remove_assistant('eve', 'e1')`)).toEqual({
      removed: true,
      assistants: 2,
    });
    expect(await row(`select removed from quota.remove_assistant('eve', 'e1')`)).toEqual({ removed: false });
    expect(await add('eve', 'e4')).toMatchObject({ added: true, assistants: 3 });
    expect(await add('eve', 'e1')).toMatchObject({ allowed: false, added: false });
    await row(`select quota.remove_assistant('eve', 'e4')`);
    expect(await add('eve', 'e1')).toMatchObject({ added: true, assistants: 3 });
  });

  test('one of a limited user is limited when it comes, let go when it is removed, limited again when it is back', async () => {
    await useUp('fay');
    await add('fay', 'fay-2');
    const state = () =>
      rows(
        `select a.provider_assistant_id as id, l.desired, l.status from quota.assistants a
         join quota.assistant_limits l on l.assistant_id = a.id where a.user_id = quota.find_user('fay') order by 1`,
      );
    expect(await state()).toMatchObject([{ desired: 'limited' }, { id: 'fay-2', desired: 'limited' }]);
    await row(`select quota.remove_assistant('fay', 'fay-2')`);
    expect(await state()).toMatchObject([{ status: 'pending' }, { id: 'fay-2', status: 'gone' }]);
    await add('fay', 'fay-2');
    expect(await state()).toMatchObject([{}, { id: 'fay-2', desired: 'limited', status: 'pending' }]);
  });

  test.each([
    ['of another user', `quota.add_assistant('gus', 'e2')`, 'QT003'],
    ['of another user, to be removed', `quota.remove_assistant('dan', 'e2')`, 'QT003'],
    ['that nobody knows, to be removed', `quota.remove_assistant('eve', 'nothing')`, 'QT003'],
    ['without a name', `quota.add_assistant('gus', '')`, 'QT003'],
    ['of a service that there is not', `quota.add_assistant('gus', 'g1', p_service => 'vioce')`, 'QT002'],
  ])('one %s is refused, and nothing is written', async (_, call, code) => {
    const before = await desk.snapshot({ sequences: false });
    await expect(rows(`select * from ${call}`)).rejects.toMatchObject({ code });
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });
});
