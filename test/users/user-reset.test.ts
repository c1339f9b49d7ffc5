import { beforeEach, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { withClient } from '../../src/db/client.ts';
import { applyReset, planReset } from '../../src/resets/reset-usage.ts';
import { findUser } from '../../src/users/find-user.ts';
import { useDesk } from '../desk/desk.ts';
import { fakeProcess } from '../run-cli.ts';

const asOf = '2026-11-15T12:00:00Z';
const desk = useDesk({ asOf });
let userId: string;
let name: string;
let count = 0;

/** Each test has a user of its own: 612 of 600 seconds, so the assistants are limited. */
beforeEach(async () => {
  count += 1;
  name = `user-${count}`;
  userId = await desk.addUser({ externalId: name, assistants: [`${name}-a`, `${name}-b`] });
  await desk.addCalls({ userId, at: '2026-11-10T10:00:00Z', seconds: '306', cost: '0.25', times: 2 });
});

const run = (args: string[], env: Record<string, string> = {}) =>
  desk.with({ env }).run('user', 'reset', name, '--no-sync', ...args);
const reset = (...args: string[]) =>
  desk.json('user', 'reset', name, '--no-sync', '--reason', 'goodwill', '--yes', ...args);

const quotas = () =>
  desk.query<Record<string, string | null>>(
    `select meter, used, adjusted, cost::numeric(10,2), calls, exhausted_at from quota.usage_quotas
     where user_id = $1 order by meter, period_start`,
    [userId],
  );
const limits = () =>
  desk.query(
    `select a.provider_assistant_id as id, l.desired, l.status
     from quota.assistant_limits l join quota.assistants a on a.id = l.assistant_id where l.user_id = $1 order by 1`,
    [userId],
  );
const audits = () =>
  desk.query<Record<string, unknown>>(
    'select id, action, service, subject, quota.audit_reason(a) as reason, actor, before, after, at from quota.audit_log a where user_id = $1 order by id',
    [userId],
  );
describe('a reset', () => {
  test('is an adjustment, an audit row and a queued restore', async () => {
    const result = await reset();
    const [audit] = await audits();
    expect(result).toMatchObject({
      user: { id: userId, externalId: name },
      dryRun: false,
      meters: [{ meter: 'voice_seconds', before: { used: '612.000' }, after: { used: '0.000' } }],
      assistants: [
        { providerAssistantId: `${name}-a`, status: 'pending', error: null },
        { providerAssistantId: `${name}-b`, status: 'pending', error: null },
      ],
      auditId: audit?.id,
    });
    expect(audit).toMatchObject({
      action: 'usage.reset',
      service: 'voice',
      subject: 'voice_seconds',
      reason: 'goodwill',
      actor: 'tester',
      before: { meters: [{ meter: 'voice_seconds', used: '612.000', cost: '0.5', state: 'exceeded' }] },
      after: { meters: [{ used: '0.000', state: 'ok' }], restoring: [`${name}-a`, `${name}-b`] },
      at: new Date(asOf),
    });
    expect(await quotas()).toMatchObject([
      { used: '0.000', adjusted: '-612.000', cost: '0.00', calls: 2, exhausted_at: null },
    ]);
    expect(await limits()).toMatchObject([
      { desired: 'original', status: 'pending' },
      { desired: 'original', status: 'pending' },
    ]);
    const [calls] = await desk.query('select count(*) from quota.call_logs where user_id = $1', [userId]);
    expect(calls).toEqual({ count: '2' });
    expect(await desk.differences()).toEqual([]);
  });

  test('done twice changes nothing the second time', async () => {
    await reset();
    const before = await desk.snapshot();
    expect(await reset()).toMatchObject({ meters: [], assistants: [], auditId: null });
    expect(await desk.snapshot()).toEqual(before);
    const { code, stdout } = await run(['--reason', 'again', '--yes']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Nothing to reset') });
  });

  test('counts on from nothing', async () => {
    await reset();
    await desk.addCalls({ userId, at: '2026-11-15T13:00:00Z', seconds: '601' });
    expect(await quotas()).toMatchObject([{ used: '601.000', adjusted: '-612.000' }]);
    expect(await limits()).toMatchObject([{ desired: 'limited' }, { desired: 'limited' }]);
    expect(await reset()).toMatchObject({ meters: [{ before: { used: '601.000' } }] });
    expect(await audits()).toHaveLength(2);
    expect(await desk.differences()).toEqual([]);
  });

  test('holds for calls of before it that are told later, also where corrections since come to as much', async () => {
    await reset();
    const later = desk.at('2026-11-15T12:30:00Z');
    await later.json(
      ...['user', 'adjust', name, 'voice_seconds', '612', '--reason', 'back', '--yes', '--no-sync'],
    );
    expect(await quotas()).toMatchObject([{ used: '612.000', adjusted: '0.000' }]);
    const before = { userId, at: '2026-11-15T11:00:00Z' };
    await desk.addCalls({ ...before, seconds: '50' });
    await desk.addCalls({ ...before, seconds: '7', times: 2 });
    await desk.query(
      `select quota.record($1, 'voice', 'told-late', 40, p_started_at => '2026-11-15T11:30:00Z')`,
      [userId],
    );
    expect(await quotas()).toMatchObject([{ used: '612.000', adjusted: '-104.000' }]);
    expect(await desk.differences()).toEqual([]);
  });

  test('takes off what a call of before it has cost, and gives nothing for what was taken back meanwhile', async () => {
    await reset();
    const before = { userId, at: '2026-11-15T11:00:00Z' };
    // It never connected, and is billed all the same.
    await desk.addCalls({ ...before, seconds: '0', cost: '0.25' });
    expect(await quotas()).toMatchObject([{ used: '0.000', adjusted: '-612.000', cost: '0.00' }]);
    await desk.query(
      `delete from quota.call_logs where id = (select min(id) from quota.call_logs where user_id = $1)`,
      [userId],
    );
    await desk.addCalls({ ...before, seconds: '1', cost: '0.75' });
    expect(await quotas()).toMatchObject([{ used: '-305.000', adjusted: '-612.000', cost: '0.00' }]);
    expect(await desk.differences()).toEqual([]);
  });

  test('frees assistants that a period of the past has left limited', async () => {
    // Without a key at the provider the restore is left queued, which the exit code tells.
    const late = await desk
      .at('2026-12-31T00:00:00Z')
      .answer('user', 'reset', name, '--reason', 'late', '--yes');
    expect(late.code).toBe(75);
    expect(late.data).toMatchObject({
      meters: [],
      assistants: [{ status: 'pending' }, { status: 'pending' }],
      auditId: expect.stringMatching(/^\d+$/),
    });
    expect(await limits()).toMatchObject([{ desired: 'original' }, { desired: 'original' }]);
    const [subscription] = await desk.query(
      'select limit_enforced_at from quota.subscriptions where user_id = $1',
      [userId],
    );
    expect(subscription).toEqual({ limit_enforced_at: null });
    expect(await quotas()).toMatchObject([{ used: '612.000', adjusted: '0.000' }]);
    expect(await audits()).toMatchObject([{ subject: 'limits', service: 'voice' }]);
  });

  test('of a lifetime quota', async () => {
    await desk.addCalls({ userId, at: '2026-01-10T10:00:00Z', seconds: '1300', service: 'avatar', asOf });
    expect(await reset('--service', 'avatar')).toMatchObject({
      meters: [
        {
          meter: 'avatar_seconds',
          before: { used: '1300.000', state: 'exceeded' },
          after: { used: '0.000' },
        },
      ],
      assistants: [],
    });
    expect(await quotas()).toMatchObject([
      { meter: 'avatar_seconds', used: '0.000', exhausted_at: null },
      { meter: 'voice_seconds', used: '612.000' },
    ]);
    expect(await limits()).toMatchObject([{ desired: 'limited' }, { desired: 'limited' }]);
  });

  test('of chosen meters and services only', async () => {
    const chat = { userId, service: 'chat', at: '2026-11-04T10:00:00Z', model: 'claude-3-opus' };
    await desk.addCalls({ ...chat, times: 7 });
    expect((await reset('--meter', 'premium_messages', '--dry-run')).meters).toHaveLength(1);
    expect(
      (await reset('--meter', 'premium_messages', '--service', 'voice', '--dry-run')).meters,
    ).toHaveLength(2);
    await reset('--service', 'chat');
    expect(await quotas()).toMatchObject([
      { meter: 'messages', used: '0.000', adjusted: '-7.000' },
      { meter: 'premium_messages', used: '0.000', adjusted: '-7.000' },
      { meter: 'voice_seconds', used: '612.000', adjusted: '0.000' },
    ]);
    expect(await audits()).toMatchObject([{ service: 'chat', subject: 'messages, premium_messages' }]);
  });

  test('does not touch a period that a reset has closed', async () => {
    await desk.query(
      `update quota.usage_quotas set closed_at = now(), used_at_close = used where user_id = $1`,
      [userId],
    );
    const before = await desk.snapshot();
    const { code, stderr } = await run(['--reason', 'x', '--yes']);
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining('voice_seconds is closed since'),
    });
    expect(await desk.snapshot()).toEqual(before);
  });
});

describe('a dry run', () => {
  test('says the same and leaves every table and sequence as it is', async () => {
    const before = await desk.snapshot();
    const { code, stdout } = await run(['--json', '--dry-run']);
    const planned = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(await desk.snapshot()).toEqual(before);
    const text = await run(['--dry-run', '--yes', '--reason', 'x', '--confirm', name], {
      QUOTA_ENV: 'production',
    });
    expect(text.stdout).toBe(
      [
        `would reset ${name}`,
        '  voice_seconds  10:12 → 0:00 of 10:00 minutes',
        '  limit of voice lifted',
        `    restore queued  ${name}-a`,
        `    restore queued  ${name}-b`,
        '',
      ].join('\n'),
    );
    expect(await desk.snapshot()).toEqual(before);
    const done = await reset();
    expect(planned).toEqual({ ...done, dryRun: true, auditId: null });
  });
});

describe('leave to change', () => {
  test.each([[[]], [['--reason', ' ']]])('a reason is required (%j)', async (args) => {
    const { code, stderr } = await run([...args, '--yes']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('needs a reason') });
  });

  test('without --yes and without a terminal nothing is changed', async () => {
    const before = await desk.snapshot();
    const { code, stderr } = await run(['--reason', 'x']);
    expect(code).toBe(5);
    expect(stderr).toContain('voice_seconds  10:12 → 0:00 of 10:00 minutes');
    expect(stderr).toContain('then add --yes');
    expect(await desk.snapshot()).toEqual(before);
  });

  test('in production --yes does not do, the name does', async () => {
    const before = await desk.snapshot();
    const production = { QUOTA_ENV: 'production' };
    const refused = await run(['--reason', 'x', '--yes'], production);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toContain(`add --confirm ${name}`);
    expect(await run(['--reason', 'x', '--confirm', 'somebody'], production)).toMatchObject({ code: 5 });
    expect(await desk.snapshot()).toEqual(before);
    expect(await run(['--reason', 'x', '--confirm', name], production)).toMatchObject({ code: 0 });
  });

  test('what is reset must be what was agreed to', async () => {
    await withClient(desk.url, async (client) => {
      await client.query(`select set_config('quota.as_of', $1, false)`, [asOf]);
      const user = await findUser(client, name);
      const scope = { services: [], meters: [] };
      const agreed = await planReset(client, user, scope);
      await desk.addCalls({ userId, at: '2026-11-12T10:00:00Z', seconds: '5' });
      const before = await desk.snapshot();
      expect(await applyReset(client, user, { scope, reason: 'x', agreed })).toBeNull();
      expect(await desk.snapshot()).toEqual(before);
      const shownAgain = await planReset(client, user, scope);
      expect(await applyReset(client, user, { scope, reason: 'x', agreed: shownAgain })).toMatchObject({
        plan: { meters: [{ before: { used: '617.000' } }] },
      });
    });
  });

  test('usage that moves while a person decides is shown anew', async () => {
    const args = ['user', 'reset', name, '--as-of', asOf, '--no-sync', '--reason', 'x'];
    const { process, stdout, stderr } = fakeProcess(args, { env: desk.env, tty: true });
    const done = main(process);
    const asked = async (times: number) => {
      await expect.poll(() => stderr().split(`Reset the usage of ${name}?`).length).toBeGreaterThan(times);
    };
    await asked(1);
    await desk.addCalls({ userId, at: '2026-11-12T10:00:00Z', seconds: '8' });
    process.stdin.push('y\n');
    await expect.poll(stderr).toContain('10:20 → 0:00');
    expect(stderr()).toContain('the usage has moved since the plan was shown');
    expect(await audits()).toEqual([]);
    process.stdin.push('y\n');
    expect(await done).toBe(0);
    expect(stdout()).toContain('10:20 → 0:00');
    expect(await quotas()).toMatchObject([{ used: '0.000' }]);
  });
});

describe('names', () => {
  test.each([
    [['--service', 'vioce'], 'has no "vioce"'],
    [['--meter', 'seconds'], 'has no "seconds"'],
  ])('a service or meter that the user does not have: %j', async (args, message) => {
    const { code, stderr } = await run([...args, '--reason', 'x', '--yes']);
    expect(code).toBe(4);
    expect(stderr).toContain(message);
    expect(stderr).toContain('the meters of the user are voice_seconds (voice)');
  });
});

test('csv has a line per meter', async () => {
  const { stdout } = await run(['--reason', 'x', '--yes', '--output', 'csv']);
  const [audit] = await audits();
  expect(stdout).toBe(
    `externalId,service,meter,usedBefore,usedAfter,dryRun,auditId\n${name},voice,voice_seconds,612.000,0.000,false,${audit?.id}\n`,
  );
});

test('resets beside writers and beside each other lose nothing', async () => {
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let call = 0; call < 15; call += 1) {
      await desk.addCalls({ userId, at: `2026-11-1${writer}T1${call % 9}:00:00Z`, seconds: '60', asOf });
    }
  });
  const resets = Array.from({ length: 3 }, async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      expect((await run(['--reason', 'race', '--yes', '--json'])).code).toBe(0);
    }
  });
  await Promise.all([...writers, ...resets]);
  expect(await desk.differences()).toEqual([]);
  const [sums] = await desk.query<{ adjusted: string; resets: string }>(
    `select sum(quantity) as adjusted, count(*) filter (where kind = 'reset') as resets from quota.adjustments where user_id = $1`,
    [userId],
  );
  expect(await quotas()).toMatchObject([{ calls: 62, adjusted: sums?.adjusted }]);
  expect((await audits()).length).toBe(Number(sums?.resets));
  await reset();
  expect(await quotas()).toMatchObject([{ used: '0.000', adjusted: '-4212.000', exhausted_at: null }]);
});
