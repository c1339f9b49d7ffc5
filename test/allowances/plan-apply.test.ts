import { beforeAll, describe, expect, test } from 'vitest';
import type { Commands } from '../desk/commands.ts';
import { useDesk } from '../desk/desk.ts';
import { usePlanFiles } from './plan-file.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });
const planFile = usePlanFiles();
let adaId: string;

beforeAll(async () => {
  adaId = await desk.addUser({ externalId: 'ada', assistants: ['desk'] });
  await desk.addUser({ externalId: 'idle' });
  await desk.addCalls({ userId: adaId, at: '2026-11-10T10:00:00Z', seconds: '400' });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from quota.users where external_id = 'idle'`,
  );
});

const run = (args: string[]) => desk.run('plan', ...args);
const json = (args: string[]) => desk.json('plan', ...args);

async function voiceLimit(user: string, commands: Commands = desk) {
  const { subscriptions } = await commands.json('user', 'show', user);
  const [{ quotas, limitEnforcedAt }] = subscriptions;
  return { limit: quotas[0].limit, state: quotas[0].state, limitEnforcedAt };
}

/** Every row of every table that a plan can touch. */
const snapshot = () =>
  desk.query(`select (select json_agg(p order by p.key) from quota.plans p) as plans,
       (select json_agg(l order by l.plan, l.meter) from quota.plan_limits l) as limits,
       (select json_agg(q order by q.user_id, q.meter) from quota.usage_quotas q) as quotas,
       (select count(*) from quota.plan_versions) as versions, (select count(*) from quota.audit_log) as audit`);

const voice = (limit: string, more = '') => `
plans:
  voice-free:
    service: voice
    name: Voice Free
    max_assistants: 3
    default: true
    limits:
      voice_seconds:
        limit: ${limit}
        reset_every: 1 month
        on_exceeded: limit_assistants
${more}`;

describe('what there is', () => {
  test('every built-in plan is listed with its limits', async () => {
    const plans = await json(['list']);
    expect(plans.map(({ key }: { key: string }) => key)).toEqual([
      'avatar-lifetime',
      'avatar-monthly',
      'chat-free',
      'chat-anonymous',
      'transcription-free',
      'transcription-enterprise',
      'transcription-pro',
      'transcription-starter',
      'voice-free',
    ]);
    const { stdout } = await run(['list']);
    expect(stdout).toContain('voice_seconds 10m per month');
    expect(stdout).toContain('avatar_seconds 20m ever');
    expect(stdout).toContain('messages 100 per month; premium_messages 20 per month');
  });

  test('what is shown, as YAML and as JSON, can be applied and changes nothing', async () => {
    const before = await snapshot();
    for (const { key } of await json(['list'])) {
      for (const form of [[], ['--json']]) {
        const { code, stdout } = await run(['show', key, ...form]);
        expect(code).toBe(0);
        const result = await json(['apply', planFile(stdout, form.length === 0 ? 'yaml' : 'json'), '--yes']);
        expect(result.plans).toMatchObject([{ key, action: 'unchanged', changes: [] }]);
      }
    }
    expect(await snapshot()).toEqual(before);
    const { stdout } = await run(['show', 'avatar-monthly']);
    expect(stdout).toContain('limit: 1h\n    cost_limit: 50\n    unit_price: 0.5\n    reset_every: 1 month');
  });

  test('an unknown plan is answered with those that there are', async () => {
    const { code, stderr } = await run(['show', 'voice-fee']);
    expect(code).toBe(4);
    expect(stderr).toContain('voice-free');
  });
});

describe('a bad file', () => {
  test('all errors at once, each with its place, and nothing is applied', async () => {
    const before = await snapshot();
    const file = planFile(`
plans:
  chat-free:
    service: chat
    name: Chat
    default: true
    anonymous: true
    timezone: Mars/Olympus
    limits:
      messages: {limit: 100, reset_every: 1 month, warn_at: [0, 80, 101]}
      premium_messages: {limit: 200, reset_every: 0 days, on_exceeded: explode}
  voice-x:
    service: voice
    default: true
    limits:
      voice_minutes: {limit: 10m}
      voice_seconds: {limit: -5, cost_limit: -1, limt: 3, reset_every: -1 month}
  chat-y:
    service: chat
    max_concurrent: -1
    upgrade_to: nowhere
    limits:
      messages: {limit: 100, reset_every: 1 month}
      premium_messages: {limit: 101, reset_every: 1 month}
`);
    const { code, stdout, stderr } = await run(['apply', file, '--yes', '--json']);
    expect({ code, stdout }).toEqual({ code: 65, stdout: '' });
    const { error } = JSON.parse(stderr);
    expect(error.code).toBe('bad_input');
    for (const problem of [
      /line \d+: plans.chat-free: .*not both/,
      /line 8: plans.chat-free.timezone: "Mars\/Olympus"/,
      /line 10: plans.chat-free.limits.messages.warn_at: .*1 to 100, not "0", "101"/,
      /line 11: plans.chat-free.limits.premium_messages.reset_every: "0 days" has no periods/,
      /line 11: plans.chat-free.limits.premium_messages.on_exceeded: must be one of block, static_fallback, limit_assistants/,
      /plans.voice-x.default: "voice-free" is the default plan of voice already/,
      /line 16: plans.voice-x.limits.voice_minutes: unknown meter "voice_minutes"; known are voice_seconds/,
      /voice_seconds.limit: "-5" is negative/,
      /voice_seconds.cost_limit: "-1" is negative/,
      /voice_seconds.limt: there is no such field/,
      /voice_seconds.reset_every: "-1 month" is negative/,
      /plans.chat-y.max_concurrent: "-1" is not a whole number from 0 to/,
      /plans.chat-y.upgrade_to: there is no plan "nowhere"/,
      /plans.chat-y.limits.premium_messages: limit 101 is above the limit 100 of messages/,
    ]) {
      expect(error.detail).toMatch(problem);
    }
    expect(await snapshot()).toEqual(before);
  });

  test.each([
    ['plans: [', 'neither YAML nor JSON'],
    ['- 1', 'must have "plans"'],
    ['plans: {}', 'must be plans by key'],
    ['plans: {a-b: 3}', 'must be a plan'],
    ['key: voice-x\nlimits: {}', 'needs a "service"'],
    ['key: Voice X\nservice: voice', 'must be a key'],
    [
      'key: voice-x\nservice: voice\nlimits: {voice_seconds: {limit: 1.2345}}',
      '"1.2345" has more than 3 decimals',
    ],
    ['key: chat-x\nservice: chat\nlimits: {messages: {limit: 10m}}', 'whole number of messages'],
    ['key: chat-x\nservice: chat\nlimits: {voice_seconds: {limit: 10m}}', 'is a meter of voice'],
    ['key: voice-free\nservice: chat', 'is a plan of voice and stays one'],
    ['key: voice-free\nservice: voice', 'left without a default plan'],
    ['key: a\nkey: b', 'keys must be unique'],
    ['key: voice-x\nservice: voice\nlimited_state: {endCallAfterSpokenWords: 30}', 'VAPI has no such field'],
  ])('%s', async (text, message) => {
    const { code, stderr } = await run(['apply', planFile(text), '--yes']);
    expect(stderr.toLowerCase()).toContain(message.toLowerCase());
    expect(code).toBe(65);
  });

  test('there is no such file', async () => {
    expect((await run(['apply', '/nowhere/plans.yaml', '--yes'])).code).toBe(65);
  });
});

describe('a changed limit', () => {
  test('a dry run shows it and changes nothing', async () => {
    const before = await snapshot();
    const { code, stdout } = await run(['apply', planFile(voice('5m')), '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('limits.voice_seconds.limit: 10m → 5m');
    expect(stdout).toContain('2 subscribers');
    expect(stdout).toContain('would be applied');
    expect(await snapshot()).toEqual(before);
  });

  test('is refused without leave', async () => {
    expect((await run(['apply', planFile(voice('5m'))])).code).toBe(5);
  });

  test('running periods keep their limit, opened or not; the next have the new; versions and audit tell', async () => {
    const result = await json(['apply', planFile(voice('5m')), '--yes', '--reason', 'autumn']);
    expect(result).toMatchObject({
      dryRun: false,
      now: false,
      retaken: 0,
      plans: [
        {
          key: 'voice-free',
          action: 'update',
          version: 2,
          subscribers: 2,
          changes: [{ path: 'limits.voice_seconds.limit', before: '10m', after: '5m' }],
        },
      ],
    });
    expect(await voiceLimit('ada')).toMatchObject({ limit: '600.000', state: 'ok' });
    expect(await voiceLimit('idle')).toMatchObject({ limit: '600.000' });
    expect(await voiceLimit('ada', desk.at('2026-12-15T00:00:00Z'))).toMatchObject({ limit: '300.000' });
    const versions =
      await desk.query(`select version, definition->'limits'->0->>'limit' as limit, reason, actor from quota.plan_versions
       where plan = 'voice-free' order by version`);
    expect(versions).toMatchObject([
      { version: 1, limit: '600' },
      { version: 2, limit: '300', reason: 'autumn', actor: 'tester' },
    ]);
    const audit =
      await desk.query(`select id::text, quota.audit_reason(a) as reason, before->'limits'->0->>'limit' as before, after->'limits'->0->>'limit' as after
       from quota.audit_log a where action = 'plan.applied'`);
    expect(audit).toEqual([{ id: result.auditIds[0], reason: 'autumn', before: '600', after: '300' }]);
  });

  test('--now: running periods take it, and who is over it is limited; a higher one frees', async () => {
    const lower = await json(['apply', planFile(voice('6m')), '--yes', '--now']);
    expect(lower).toMatchObject({ now: true, retaken: 2 });
    const limited = await voiceLimit('ada');
    expect(limited).toMatchObject({ limit: '360.000', state: 'exceeded' });
    expect(limited.limitEnforcedAt).not.toBeNull();
    expect(await desk.query('select desired, status from quota.assistant_limits')).toEqual([
      { desired: 'limited', status: 'pending' },
    ]);
    await json(['apply', planFile(voice('10m')), '--yes', '--now']);
    expect(await voiceLimit('ada')).toEqual({ limit: '600.000', state: 'ok', limitEnforcedAt: null });
    expect(await desk.query('select desired from quota.assistant_limits')).toEqual([{ desired: 'original' }]);
    expect(await desk.differences()).toEqual([]);
  });

  test('--now after the fact: the same file once more, for the running periods that kept their terms', async () => {
    const file = planFile(voice('5m'));
    await json(['apply', file, '--yes']);
    expect(await voiceLimit('ada')).toMatchObject({ limit: '600.000' });
    expect((await json(['apply', file, '--yes'])).plans).toMatchObject([{ action: 'unchanged' }]);
    const before = await snapshot();
    const plans = [{ key: 'voice-free', action: 'retake', subscribers: 2, changes: [] }];
    expect(await json(['apply', file, '--now', '--dry-run'])).toMatchObject({ dryRun: true, plans });
    expect(await snapshot()).toEqual(before);

    const taken = await json(['apply', file, '--now', '--yes', '--reason', 'meant at once']);
    expect(taken).toMatchObject({ retaken: 2, plans });
    expect(await voiceLimit('ada')).toMatchObject({ limit: '300.000', state: 'exceeded' });
    expect(
      await desk.query(
        'select action, quota.audit_reason(a) as reason from quota.audit_log a where id = $1',
        taken.auditIds,
      ),
    ).toEqual([{ action: 'plan.applied', reason: 'meant at once' }]);
    expect((await json(['apply', file, '--now', '--yes'])).plans).toMatchObject([{ action: 'unchanged' }]);

    // A price that running periods kept: their calls are priced by the new one.
    const priced = planFile(voice('10m', '        unit_price: 0.6\n'));
    await json(['apply', priced, '--yes']);
    expect(await json(['apply', priced, '--now', '--yes'])).toMatchObject({ retaken: 2 });
    expect(
      await desk.query(
        `select cost::text from quota.usage_quotas where user_id = $1 and meter = 'voice_seconds' and calls > 0`,
        [adaId],
      ),
    ).toEqual([{ cost: '4.000000' }]);
    await json(['apply', planFile(voice('10m')), '--yes', '--now']);
    expect(await voiceLimit('ada')).toEqual({ limit: '600.000', state: 'ok', limitEnforcedAt: null });
    expect(await desk.differences()).toEqual([]);
  });

  test('other periods need --now, and then the calls are counted in them', async () => {
    const weekly = planFile(voice('10m').replace('1 month', '1 week'));
    const refused = await run(['apply', weekly, '--yes']);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('--now');
    await json(['apply', weekly, '--yes', '--now']);
    const { subscriptions } = await desk.json('user', 'show', 'ada');
    const [subscription] = subscriptions;
    // The week of the calls is over and no reset has closed it: that is due.
    expect(subscription.nextResetAt).toBe('2026-11-11T00:00:00.000Z');
    expect(subscription.quotas[0]).toMatchObject({
      period: { start: '2026-11-11T00:00:00.000Z' },
      used: '0.000',
    });
    expect(await desk.differences()).toEqual([]);
    await json(['apply', planFile(voice('10m')), '--yes', '--now']);
    expect(await voiceLimit('ada')).toMatchObject({ limit: '600.000', state: 'ok' });
    expect(await desk.differences()).toEqual([]);
  });

  test('a new price with --now prices the calls of the running period', async () => {
    const priced = voice('10m', '        unit_price: 0.60\n        cost_limit: 3.99\n');
    await json(['apply', planFile(priced), '--yes', '--now']);
    expect(await voiceLimit('ada')).toMatchObject({ state: 'exceeded' });
    expect(await desk.differences()).toEqual([]);
    await json(['apply', planFile(voice('10m')), '--yes', '--now']);
    expect(await voiceLimit('ada')).toMatchObject({ state: 'ok', limitEnforcedAt: null });
    expect(await desk.differences()).toEqual([]);
  });
});

test('a new plan, as a list with tabs in JSON, becomes the default in the same file', async () => {
  const { stdout } = await run(['show', 'transcription-free']);
  const file = planFile(
    JSON.stringify(
      {
        plans: [
          {
            key: 'chat-new',
            service: 'chat',
            isDefault: true,
            limits: [{ meter: 'messages', limit_quantity: 5 }],
          },
          { key: 'chat-free', service: 'chat', name: 'Chat Free', timezone: 'utc' },
        ],
      },
      null,
      '\t',
    ),
    'json',
  );
  expect(stdout).toContain('upgrade_to: transcription-starter');
  const result = await json(['apply', file, '--yes']);
  expect(result.plans).toMatchObject([
    { key: 'chat-new', action: 'create', version: 1 },
    { key: 'chat-free', action: 'update', version: 2 },
  ]);
  expect(await desk.query(`select key from quota.plans where service = 'chat' and is_default`)).toEqual([
    { key: 'chat-new' },
  ]);
});

test('in production the keys have to be named', async () => {
  const production = (args: string[]) =>
    desk.with({ env: { QUOTA_ENV: 'production' } }).run('plan', 'apply', planFile(voice('7m')), ...args);
  expect((await production(['--yes'])).code).toBe(5);
  expect((await production(['--confirm', 'voice-free'])).code).toBe(0);
});

test('--now, killed on its way through many users: the same file again gives the others the terms', async () => {
  await desk.query(`
    insert into quota.users (external_id) select 'many ' || n from generate_series(1, 500) n;
    insert into quota.call_logs (user_id, service, started_at, duration_seconds)
    select id, 'voice', '2026-11-12T10:00:00Z', 30 from quota.users where external_id like 'many %'`);
  const [last] = await desk.query('select max(user_id::text)::uuid as id from quota.subscriptions');
  const file = planFile(voice('9m'));
  const limits = () =>
    desk.query(`
      select limit_quantity::integer as limit, count(*)::integer as users from quota.usage_quotas
      where meter = 'voice_seconds' and period_end > '2026-11-15' group by 1 order by 1`);
  const [{ users }] = (await limits()) as [{ users: number }];
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query('select from quota.subscriptions where user_id = $1 for update', [last?.id]);
    const applying = await desk.start('plan', 'apply', file, '--now', '--yes', '--reason', 'less');
    await desk.untilLocked();
    applying.kill('SIGKILL');
    await applying.result;
    await holder.query('rollback');
  });
  const half = (await limits()) as { limit: number; users: number }[];
  expect(half.map(({ limit }) => limit)).toEqual([540, 600]);
  expect(half[0]?.users).toBeGreaterThanOrEqual(200);
  const { plans, retaken } = await json(['apply', file, '--now', '--yes', '--reason', 'less']);
  expect(plans).toMatchObject([{ action: 'retake' }]);
  expect(retaken).toBeGreaterThanOrEqual(500);
  expect(await limits()).toEqual([{ limit: 540, users }]);
  expect(await desk.differences()).toEqual([]);
});
