import { beforeEach, describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { afterReset, asOf, LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 2 }));
let mine: string[] = [];
beforeEach(() => {
  mine = [...desk.assistantsOf('user_0')];
});

const states = async () =>
  (await desk.limits())
    .map(({ provider, desired, status }) => [mine.indexOf(provider), `${desired} ${status}`])
    .sort();
const held = () =>
  desk.query('select provider_assistant_id as id, held from quota.assistants where held is not null');
const limit = (...words: string[]) => desk.answer('limits', 'apply', ...words, '--yes', '--reason', 'abuse');
const restore = (...words: string[]) =>
  desk.answer('limits', 'restore', ...words, '--yes', '--reason', 'settled');

describe('several users', () => {
  test('are limited and restored together, each once, with an audit row each', async () => {
    const applied = await limit('user_0', 'user_1', 'user_0');
    expect(applied).toMatchObject({ code: 0, data: { users: ['user_0', 'user_1'], counts: { limited: 4 } } });
    expect((await limit('user_0', 'user_1')).data).toMatchObject({ counts: { limited: 0 } });
    expect(
      await desk.query(
        `select from quota.audit_log a where action = 'limit.applied' and quota.audit_reason(a) = 'abuse'`,
      ),
    ).toHaveLength(2);
    expect(await restore('user_1', 'user_0')).toMatchObject({ code: 0, data: { counts: { restored: 4 } } });
    expect((await desk.json('doctor')).ok).toBe(true);
  });

  test('one of whom nobody knows: nothing is changed; in production all are typed', async () => {
    const before = await desk.snapshot();
    expect((await limit('user_0', 'nobody')).code).toBe(4);
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    expect((await production.run('limits', 'apply', 'user_0', 'user_1', '--confirm', 'user_0')).code).toBe(5);
    expect(await desk.snapshot()).toEqual(before);
    const both = ['limits', 'apply', 'user_0', 'user_1', '--confirm', 'user_0,user_1', '--no-sync'];
    expect((await production.run(...both)).code).toBe(0);
  });
});

describe('one assistant alone', () => {
  const one = (index: number) => ['--assistant', mine[index] ?? ''];

  test('is limited whatever its user is, and no reset gives it back', async () => {
    expect(await limit(...one(0))).toMatchObject({
      code: 0,
      data: { users: ['user_0'], counts: { limited: 1 } },
    });
    expect(await states()).toEqual([[0, 'limited applied']]);
    expect((await limit(...one(0))).data).toMatchObject({ assistants: [] });
    expect(await desk.query('select from quota.subscriptions where limit_enforced_at is not null')).toEqual(
      [],
    );
    expect((await desk.json('doctor')).ok).toBe(true);
    const { assistants } = await desk.json('limits', 'status', 'user_0');
    expect(assistants).toMatchObject([
      { providerAssistantId: mine[0], status: 'applied', held: 'limited', gated: false },
      { providerAssistantId: mine[1], status: null, held: null },
    ]);
    expect((await desk.run('limits', 'status')).stdout).toContain('limited by hand');
    expect((await desk.run('user', 'show', 'user_0')).stdout).toMatch(/limited .*by hand/);
    expect((await restore('--all-reset')).data).toMatchObject({ assistants: [] });

    const later = desk.with({ asOf: afterReset });
    await later.answer('jobs', 'reset-anniversaries');
    await desk.json('user', 'reset', 'user_0', '--service', 'voice', '--reason', 'goodwill', '--yes');
    expect(await states()).toEqual([[0, 'limited applied']]);

    expect(await restore(...one(0))).toMatchObject({ code: 0, data: { counts: { restored: 1 } } });
    expect(await states()).toEqual([[0, 'original restored']]);
    expect(await held()).toEqual([]);
    expect((await restore(...one(0))).data).toMatchObject({ assistants: [] });
    const log = await desk.query(
      `select action, subject, quota.audit_reason(a) as reason from quota.audit_log a where action in ('assistant.limit_applied', 'assistant.limit_lifted') order by id`,
    );
    expect(log).toEqual([
      { action: 'assistant.limit_applied', subject: mine[0], reason: 'abuse' },
      { action: 'assistant.limit_lifted', subject: mine[0], reason: 'settled' },
    ]);
  });

  test('is restored with its user, too; the limit of its user that ends leaves it', async () => {
    await limit(...one(0));
    await limit('user_0');
    expect(await states()).toEqual([
      [0, 'limited applied'],
      [1, 'limited applied'],
    ]);
    await desk.json('user', 'reset', 'user_0', '--service', 'voice', '--reason', 'goodwill', '--yes');
    expect(await states()).toEqual([
      [0, 'limited applied'],
      [1, 'original restored'],
    ]);
    expect((await restore('user_0')).data).toMatchObject({ counts: { restored: 1 } });
    expect(await held()).toEqual([]);
  });

  test('of a user who is limited is left alone until that limit ends', async () => {
    await desk.exceed('user_0');
    await desk.answer('limits', 'sync');
    expect(await restore(...one(1))).toMatchObject({ code: 0, data: { counts: { restored: 1 } } });
    expect(await held()).toEqual([{ id: mine[1], held: 'original' }]);
    await desk.answer('limits', 'sync', '--recheck-after', '0s');
    await desk.answer('jobs', 'enforce-limits');
    expect(await states()).toEqual([
      [0, 'limited applied'],
      [1, 'original restored'],
    ]);
    expect((await desk.json('doctor')).ok).toBe(true);
    expect((await desk.run('limits', 'status')).stdout).toContain('restored by hand, its user stays limited');

    await desk.json('user', 'reset', 'user_0', '--service', 'voice', '--reason', 'goodwill', '--yes');
    expect(await held()).toEqual([]);
    await limit('user_0');
    expect(await states()).toEqual([
      [0, 'limited applied'],
      [1, 'limited applied'],
    ]);
  });

  test('that was gone is what it is to be when VAPI knows it again', async () => {
    await limit(...one(0));
    await desk.query(`update quota.assistant_limits set status = 'gone'`);
    await desk.query(`update quota.assistants set state = 'gone' where provider_assistant_id = $1`, [
      mine[0],
    ]);
    await desk.answer('limits', 'sync');
    expect(await states()).toEqual([[0, 'limited applied']]);
  });

  test('values and originals are for it alone', async () => {
    await desk.query(
      `insert into quota.assistant_limits (assistant_id, user_id, desired, status)
       select id, user_id, 'original', 'restored' from quota.assistants where provider_assistant_id = any ($1)`,
      [mine],
    );
    for (const id of mine) {
      desk.vapi.editAssistant(id, { maxDurationSeconds: 10, firstMessage: 'You have reached your limit' });
    }
    const given = await restore(...one(1), '--set', 'maxDurationSeconds=900', '--set', 'firstMessage=Hello');
    expect(given).toMatchObject({ code: 0, data: { counts: { restored: 1 } } });
    expect(desk.vapi.assistant(mine[1] ?? '')).toMatchObject({
      maxDurationSeconds: 900,
      firstMessage: 'Hello',
    });
    expect(desk.vapi.assistant(mine[0] ?? '')).toMatchObject({ maxDurationSeconds: 10 });
  });

  test('dry run, yes, production, somebody unknown and contradictions', async () => {
    const before = await desk.snapshot();
    const dry = await desk.answer('limits', 'apply', ...one(0), '--dry-run');
    expect(dry).toMatchObject({ code: 0, data: { dryRun: true, counts: { limited: 1 } } });
    expect((await desk.run('limits', 'apply', ...one(0))).code).toBe(5);
    const unknown = await desk.answer(
      'limits',
      'apply',
      ...one(0),
      '--assistant',
      'none',
      '--assistant',
      'nil',
      '--yes',
    );
    expect(unknown).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no assistant \\"none\\", \\"nil\\"'),
    });
    for (const words of [['user_0', ...one(0)], [...one(0), '--exceeded'], ['user_0', '--exceeded'], []]) {
      expect((await desk.run('limits', 'apply', ...words, '--yes')).code).toBe(2);
    }
    expect((await desk.run('limits', 'restore', ...one(0), '--all-reset', '--yes')).code).toBe(2);
    expect(await desk.snapshot()).toEqual(before);
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    expect((await production.run('limits', 'apply', ...one(0), '--confirm', mine[0] ?? '')).code).toBe(0);
  });

  test('that the gate lets in is refused, and shown as such', async () => {
    await desk.query(`select quota.add_assistant('user_0', $1, p_gated => true, p_numbers => '{+4930111}')`, [
      mine[0],
    ]);
    const refused = await limit(...one(1), ...one(0));
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`the gate lets in the calls of ${mine[0]}`),
    });
    expect((await limit('user_0')).data).toMatchObject({ counts: { limited: 1 } });
    expect(await states()).toEqual([[1, 'limited applied']]);
    const status = await desk.json('limits', 'status', 'user_0');
    expect(status).toMatchObject({ counts: { applied: 1, gated: 1, untouched: 0 } });
    expect(status.assistants).toMatchObject([
      { providerAssistantId: mine[1], gated: false },
      { providerAssistantId: mine[0], gated: true, status: null },
    ]);
    const { stdout } = await desk.run('limits', 'status', 'user_0');
    expect(stdout).toContain(`let in by the gate  user_0  ${mine[0]}`);
    expect(stdout).toContain('Recorded: 1 applied, 1 let in by the gate');
    const shown = await desk.json('user', 'show', 'user_0');
    const { assistants } = shown.subscriptions.find(
      ({ service }: { service: string }) => service === 'voice',
    );
    expect(assistants).toContainEqual(expect.objectContaining({ providerAssistantId: mine[0], gated: true }));
    expect((await desk.run('user', 'show', 'user_0')).stdout).toContain(`by the gate     ${mine[0]}`);
    expect((await desk.json('doctor')).ok).toBe(true);
  });
});

test('by hand, and gated then: it gets back what it had', async () => {
  await limit('--assistant', mine[0] ?? '');
  await desk.queryAt(asOf, `select quota.add_assistant('user_0', $1, p_gated => true)`, [mine[0]]);
  await desk.answer('limits', 'sync');
  expect(await states()).toEqual([[0, 'original restored']]);
  expect(await held()).toEqual([]);
});
