import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const asOf = '2026-11-15T12:00:00Z';
const desk = useDesk({ asOf });
let adaId: string;

beforeAll(async () => {
  adaId = await desk.addUser({
    externalId: 'ada',
    timezone: 'Asia/Hong_Kong',
    assistants: ['desk'],
  });
  await desk.addCalls({
    userId: adaId,
    at: '2026-11-10T10:00:00Z',
    seconds: '1800',
    service: 'transcription',
  });
  await desk.addCalls({ userId: adaId, at: '2026-11-11T10:00:00Z', seconds: '700' });
});

const run = (args: string[], at = asOf) => desk.at(at).run(...args);
const json = (args: string[], at = asOf) => desk.at(at).json(...args);

async function shown(service: string, user = 'ada', at = asOf) {
  const { subscriptions } = await json(['user', 'show', user], at);
  const { plan, timezone, limitEnforcedAt, quotas } = subscriptions.find(
    (subscription: { service: string }) => subscription.service === service,
  );
  const [{ limit, used, state, period }] = quotas;
  return { plan, timezone, limitEnforcedAt, limit, used, state, period };
}

describe('user set-plan', () => {
  test('a refused check points to the plan that lets the call through, from the moment it is set', async () => {
    const refused = await run(['usage', 'check', 'ada', '--service', 'transcription', '--json']);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      allowed: false,
      reason: 'quota_exceeded',
      upgradeTo: 'transcription-starter',
      message: expect.stringContaining('Upgrade to Transcription Starter'),
    });
    const before = await shown('transcription');
    const dry = await json(['user', 'set-plan', 'ada', 'transcription-starter', '--dry-run']);
    expect(dry).toMatchObject({
      dryRun: true,
      auditId: null,
      metersAfter: [{ limit: '9000', used: '1800' }],
    });
    expect(await shown('transcription')).toEqual(before);

    const args = ['user', 'set-plan', 'ada', 'transcription-starter', '--reason', 'invoice 4711', '--yes'];
    const { auditId } = await json(args);
    const after = await shown('transcription');
    expect(after).toEqual({
      ...before,
      plan: 'transcription-starter',
      limit: '9000.000',
      state: 'ok',
    });
    expect(await json(['usage', 'check', 'ada', '--service', 'transcription'])).toMatchObject({
      allowed: true,
    });
    expect(
      await desk.query(
        `select user_id, actor, quota.audit_reason(a) as reason, before->>'plan' as before, after->>'plan' as after from quota.audit_log a where id = $1`,
        [auditId],
      ),
    ).toEqual([
      {
        user_id: adaId,
        actor: 'tester',
        reason: 'invoice 4711',
        before: 'transcription-free',
        after: 'transcription-starter',
      },
    ]);
    expect((await json(args)).isSame).toBe(true);
  });

  test('needs a reason, leave, a plan that there is and limits that can be', async () => {
    const set = (...more: string[]) => run(['user', 'set-plan', 'ada', 'voice-free', ...more]);
    expect((await set('--limit', 'voice_seconds=1', '--yes')).code).toBe(2);
    expect((await set('--limit', 'voice_seconds=1', '--reason', 'x')).code).toBe(5);
    for (const limit of ['messages=3', 'voice_seconds=-3', 'voice_seconds=much', 'voice_seconds']) {
      const { code, stderr } = await set('--limit', limit, '--reason', 'x', '--yes');
      expect(code, stderr).toBe(2);
    }
    expect((await run(['user', 'set-plan', 'ada', 'voice-gold', '--reason', 'x', '--yes'])).code).toBe(4);
    expect((await run(['user', 'set-plan', 'nobody', 'voice-free', '--reason', 'x', '--yes'])).code).toBe(4);
  });

  test('a custom limit frees at once, holds in later periods and in every answer, and ends with its plan', async () => {
    expect(await shown('voice')).toMatchObject({ state: 'exceeded', limit: '600.000' });
    const set = (...more: string[]) =>
      json(['user', 'set-plan', 'ada', 'voice-free', ...more, '--reason', 'pilot', '--yes']);
    expect((await set('--limit', 'voice_seconds=15m')).metersAfter).toMatchObject([{ limit: '900' }]);
    expect(await shown('voice')).toMatchObject({ limit: '900.000', state: 'ok', limitEnforcedAt: null });
    expect(await desk.query('select desired from quota.assistant_limits')).toEqual([{ desired: 'original' }]);
    expect(await json(['usage', 'check', 'ada', '--service', 'voice'])).toMatchObject({
      allowed: true,
      remaining: '200.000',
    });

    // A period that nobody has opened yet, opened by the reset, and one opened by a call.
    const later = '2027-01-05T00:00:00Z';
    expect(await json(['usage', 'check', 'ada', '--service', 'voice'], later)).toMatchObject({
      limit: '900.000',
    });
    expect(
      (await run(['jobs', 'reset-anniversaries', '--no-sync', '--user', 'ada'], '2026-12-05T00:00:00Z')).code,
    ).toBe(0);
    expect(await shown('voice', 'ada', '2026-12-05T00:00:00Z')).toMatchObject({
      limit: '900.000',
      used: '0.000',
    });
    await desk.addCalls({ userId: adaId, at: later, seconds: '850' });
    expect(await shown('voice', 'ada', later)).toMatchObject({ limit: '900.000', state: 'critical' });

    const gone = await json(
      ['user', 'set-plan', 'ada', 'voice-free', '--reason', 'pilot ended', '--yes'],
      later,
    );
    expect(gone).toMatchObject({ customBefore: [{ limit: '900' }], customAfter: [] });
    const limited = await shown('voice', 'ada', later);
    expect(limited).toMatchObject({ limit: '600.000', state: 'exceeded' });
    expect(limited.limitEnforcedAt).not.toBeNull();
    expect(await desk.differences()).toEqual([]);
  });

  test('a user without a plan gets one; in production the name is typed', async () => {
    await desk.addUser({ externalId: 'fresh', timezone: 'Europe/Berlin' });
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    const set = (...more: string[]) =>
      production.run('user', 'set-plan', 'fresh', 'chat-free', '--reason', 'x', ...more);
    expect((await set('--yes')).code).toBe(5);
    expect((await set('--confirm', 'fresh')).code).toBe(0);
    expect(await shown('chat', 'fresh')).toMatchObject({
      plan: 'chat-free',
      timezone: 'UTC',
      limit: '100.000',
    });
  });

  test.each(['table', 'ndjson', 'csv'])('as %s', async (format) => {
    const { code, stdout } = await run([
      ...['user', 'set-plan', 'ada', 'transcription-pro', '--limit', 'transcription_seconds=600m'],
      ...['--dry-run', '--output', format],
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('transcription_seconds');
    if (format === 'table') {
      expect(stdout).toContain('2:30:00 hours → 10:00:00 hours (custom); 0:30:00 used');
      expect(stdout).toContain('the running period and what is used of it stay');
    }
  });
});

describe('moving the monthly avatar plan to the lifetime one', () => {
  let ids: string[];
  const november = '2026-11-20T00:00:00Z';
  const state = () =>
    desk.queryAt(
      november,
      `select u.external_id, s.plan, s.timezone, s.anchor_local::text, s.next_reset_at::text,
         (select json_agg(row_to_json(c) order by c.meter) from quota.current_quotas(u.id) c where c.service = 'avatar') as quotas,
         (select json_agg(json_build_array(o.plan, o.meter, o.limit_quantity)) from quota.limit_overrides o where o.user_id = u.id) as custom
       from quota.users u join quota.subscriptions s on s.user_id = u.id and s.service = 'avatar'
       order by u.external_id`,
    );

  beforeAll(async () => {
    ids = [];
    for (const [externalId, timezone] of [
      ['light', 'Europe/Berlin'],
      ['heavy', 'UTC'],
      ['native', 'UTC'],
    ] as const) {
      const id = await desk.addUser({ externalId, timezone, createdAt: '2026-09-03T22:30:00Z' });
      ids.push(id);
      const plan = externalId === 'native' ? 'avatar-lifetime' : 'avatar-monthly';
      await desk.queryAt(
        '2026-09-03T22:30:00Z',
        `insert into quota.subscriptions (user_id, service, plan) values ($1, 'avatar', $2)`,
        [id, plan],
      );
      const seconds = externalId === 'light' ? '300' : '700';
      for (const at of ['2026-10-05T10:00:00Z', '2026-11-05T10:00:00Z']) {
        await desk.addCalls({ userId: id, at, seconds, service: 'avatar' });
      }
    }
    expect((await run(['jobs', 'reset-months'], november)).code).toBe(0);
    await json(
      [
        'user',
        'set-plan',
        'light',
        'avatar-monthly',
        '--limit',
        'avatar_seconds=2h',
        '--reason',
        'x',
        '--yes',
      ],
      november,
    );
  });

  test('a dry run counts them; a move needs a reason, leave and two plans of a service', async () => {
    const before = await state();
    const dry = await json(['plan', 'move', 'avatar-monthly', 'avatar-lifetime', '--dry-run'], november);
    expect(dry).toMatchObject({ users: 2, runId: null });
    expect(await state()).toEqual(before);
    const move = (...args: string[]) => run(['plan', 'move', ...args], november);
    expect((await move('avatar-monthly', 'avatar-lifetime', '--yes')).code).toBe(2);
    expect((await move('avatar-monthly', 'avatar-lifetime', '--reason', 'x')).code).toBe(5);
    expect((await move('avatar-monthly', 'chat-free', '--reason', 'x', '--yes')).code).toBe(2);
    expect((await move('avatar-monthly', 'avatar-gold', '--reason', 'x', '--yes')).code).toBe(4);
  });

  test('there: all that was ever used counts, exhausted for ever; and back: everything as before', async () => {
    const before = await state();
    const { runId, users } = await json(
      ['plan', 'move', 'avatar-monthly', 'avatar-lifetime', '--reason', '20 minutes ever', '--yes'],
      november,
    );
    expect(users).toBe(2);
    expect(await shown('avatar', 'light', november)).toMatchObject({
      used: '600.000',
      limit: '1200.000',
      state: 'ok',
    });
    expect(await shown('avatar', 'heavy', '2028-01-01T00:00:00Z')).toMatchObject({
      used: '1400.000',
      state: 'exceeded',
      period: { start: null, end: null },
    });
    expect(await json(['usage', 'check', 'heavy', '--service', 'avatar'], november)).toMatchObject({
      allowed: false,
      action: 'switch_to_static',
      resetsAt: null,
    });
    expect(await desk.differences()).toEqual([]);
    expect(
      await desk.query('select count(*)::integer as rows from quota.audit_log where run_id = $1', [runId]),
    ).toEqual([{ rows: 2 }]);

    const back = await json(
      ['plan', 'move', 'avatar-lifetime', 'avatar-monthly', '--moved-by', runId, '--reason', 'back', '--yes'],
      november,
    );
    expect(back.users).toBe(2);
    expect(await state()).toEqual(before);
    expect(await desk.differences()).toEqual([]);
    const again = [
      'plan',
      'move',
      'avatar-lifetime',
      'avatar-monthly',
      '--moved-by',
      runId,
      '--reason',
      'b',
      '--yes',
    ];
    expect((await json(again, november)).users).toBe(0);
  });
});
