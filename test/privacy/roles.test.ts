import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const ids: Record<string, string> = {};
const logins = ['app', 'operator', 'finance', 'readonly'] as const;

beforeAll(async () => {
  for (const name of ['ada', 'bob']) {
    const [row] = await desk.query<{ id: string }>(
      'insert into quota.users (external_id) values ($1) returning id',
      [name],
    );
    ids[name] = row?.id ?? '';
    await desk.query(`select quota.record($1, 'voice', $1, 60)`, [name]);
  }
  for (const role of logins) {
    await desk.query(`create role ${login(role)} login in role quota_${role}`);
  }
  await desk.query(`create role ${login('ada')} login in role quota_app, quota_readonly`);
  await desk.json('login', 'allow', login('app'), '--reason', 'the back end', '--yes');
  await desk.json('login', 'bind', login('ada'), '--user', 'ada', '--reason', 'her own login', '--yes');
});

/** Roles belong to the whole server: each run has its own. */
const login = (role: string) => `${desk.name}_${role}`.slice(0, 60);

const as = (role: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  desk.session(async (client) => {
    await client.query(`set session authorization ${login(role)}`);
    return (await client.query(sql, values)).rows;
  });

const denied = { code: '42501' };

describe('quota_app calls functions and touches no table', () => {
  test('checks, records, and runs sessions', async () => {
    expect(await as('app', `select allowed from quota.check('ada', 'voice')`)).toEqual([{ allowed: true }]);
    expect(await as('app', `select recorded from quota.record('ada', 'voice', 'r1', 1)`)).toEqual([
      { recorded: true },
    ]);
    const [session] = await as('app', `select session_id from quota.start_session('bob', 'avatar', 's1')`);
    expect(await as('app', 'select recorded from quota.end_session($1, 5)', [session?.session_id])).toEqual([
      { recorded: true },
    ]);
  });

  test.each([
    'select * from quota.users',
    'select * from quota.call_logs',
    `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason) select gen_random_uuid(), 'voice_seconds', now(), 'x', -1, 'x'`,
    'update quota.usage_quotas set used = 0',
    'select quota.reset_due(null, 1, null)',
    `select quota.mark_limited('{}', '{}', false)`,
    'select quota.erase_user(gen_random_uuid())',
  ])('is refused: %s', async (sql) => {
    await expect(as('app', sql)).rejects.toMatchObject(denied);
  });
});

describe('a role bound to one user', () => {
  test('sees the rows of that user only', async () => {
    expect(await as('ada', 'select external_id from quota.users')).toEqual([{ external_id: 'ada' }]);
    for (const table of ['call_logs', 'usage_quotas', 'subscriptions']) {
      expect(await as('ada', `select distinct user_id from quota.${table}`)).toEqual([{ user_id: ids.ada }]);
    }
  });

  test('asks about that user only', async () => {
    expect(await as('ada', `select allowed from quota.check('ada', 'voice')`)).toEqual([{ allowed: true }]);
    for (const sql of [
      `select quota.check('bob', 'voice')`,
      `select quota.record('bob', 'voice', 'x', 1)`,
      `select quota.start_session('bob', 'avatar', 'x')`,
      `select * from quota.get_user_plan_limits('bob')`,
      `select * from quota.calculate_usage_stats('bob')`,
    ]) {
      await expect(as('ada', sql)).rejects.toMatchObject({ code: 'QT006' });
    }
  });
});

describe('quota_readonly', () => {
  test('reads and computes', async () => {
    expect(await as('readonly', 'select count(*)::integer as n from quota.users')).toEqual([{ n: 2 }]);
    expect(
      await as('readonly', 'select state from quota.current_quotas($1) where meter = $2', [
        ids.ada,
        'voice_seconds',
      ]),
    ).toEqual([{ state: 'ok' }]);
  });

  test.each([
    `insert into quota.users (external_id) values ('eve')`,
    'delete from quota.call_logs',
    'select * from quota.audit_personal',
    `select quota.record('ada', 'voice', 'y', 1)`,
  ])('is refused: %s', async (sql) => {
    await expect(as('readonly', sql)).rejects.toMatchObject(denied);
  });
});

describe('quota_operator', () => {
  test('adjusts, grants and resets', async () => {
    await as(
      'operator',
      `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason)
       select user_id, meter, period_start, 'reset', -used, 'test' from quota.usage_quotas where user_id = $1 and meter = 'voice_seconds'`,
      [ids.bob],
    );
    expect(
      await desk.query(
        `select used::text from quota.usage_quotas where user_id = $1 and meter = 'voice_seconds'`,
        [ids.bob],
      ),
    ).toEqual([{ used: '0.000' }]);
    await as('operator', `insert into quota.audit_log (action, user_id) values ('test', $1)`, [ids.bob]);
  });

  test.each([
    `update quota.audit_log set reason = 'never happened'`,
    'delete from quota.call_logs',
    `insert into quota.billing_exports (provider, format, source, sha256) values ('vapi', 'x', 'x', 'x')`,
    `select quota.erase_user('${'00000000-0000-0000-0000-000000000000'}')`,
  ])('is refused: %s', async (sql) => {
    await expect(as('operator', sql)).rejects.toMatchObject(denied);
  });
});

describe('quota_finance', () => {
  test('keeps exports', async () => {
    await as(
      'finance',
      `insert into quota.billing_exports (provider, format, source, sha256) values ('vapi', 'x', 'x', 'x')`,
    );
    expect(await as('finance', 'select source from quota.billing_exports')).toEqual([{ source: 'x' }]);
  });

  test.each([
    'update quota.usage_quotas set used = 0',
    `insert into quota.grants (user_id, meter, quantity, reason) values (gen_random_uuid(), 'voice_seconds', 1, 'x')`,
    `update quota.subscriptions set plan = 'voice-free'`,
  ])('is refused: %s', async (sql) => {
    await expect(as('finance', sql)).rejects.toMatchObject(denied);
  });
});
