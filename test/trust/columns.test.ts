import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { Logins, type RoleName } from './logins.ts';

const desk = useDesk();
const roles: readonly RoleName[] = ['app', 'operator', 'finance', 'readonly'];
const logins: Partial<Record<RoleName, string>> = {};
beforeAll(async () => {
  const made = new Logins(desk);
  await desk.addUser({ externalId: 'ada', assistants: ['ada-desk'] });
  await desk.query(`select quota.record('ada', 'voice', 'k', 60)`);
  for (const role of roles) {
    logins[role] = await made.add(role, role);
  }
});

/** As a role, and taken back. */
const attempt = (role: RoleName, sql: string) =>
  desk.session(async (client) => {
    await client.query(`set session authorization ${logins[role]}`);
    await client.query(sql);
  });

/** What no role may give: who did it, when it was done, and its number. */
const forgeries = [
  `insert into quota.grants (user_id, meter, quantity, reason, actor) select id, 'voice_seconds', 1, 'x', 'the.cfo' from quota.users`,
  `insert into quota.grants (user_id, meter, quantity, reason, created_at) select id, 'voice_seconds', 1, 'x', '2020-01-01' from quota.users`,
  `insert into quota.grants (user_id, meter, quantity, reason, id) overriding system value select id, 'voice_seconds', 1, 'x', 999 from quota.users`,
  `insert into quota.grants (user_id, meter, quantity, reason, consumed) select id, 'voice_seconds', 1, 'x', -9 from quota.users`,
  `update quota.grants set quantity = 9`,
  `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason, actor)
   select user_id, meter, period_start, 'reset', -1, 'x', 'the.cfo' from quota.usage_quotas`,
  `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason, created_at)
   select user_id, meter, period_start, 'reset', -1, 'x', '2020-01-01' from quota.usage_quotas`,
  `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason, id) overriding system value
   select user_id, meter, period_start, 'reset', -1, 'x', 9223372036854775000 from quota.usage_quotas`,
  `insert into quota.limit_overrides (user_id, plan, meter, limit_quantity, reason, actor)
   select id, 'voice-free', 'voice_seconds', 1, 'x', 'the.cfo' from quota.users`,
  `insert into quota.assistants (user_id, provider_assistant_id, created_at) select id, 'x', '2020-01-01' from quota.users`,
  `update quota.assistants set user_id = gen_random_uuid()`,
  `insert into quota.call_logs (id, user_id, service) overriding system value select 999999, id, 'voice' from quota.users`,
  `update quota.call_logs set id = default`,
  `update quota.call_logs set provider_call_id = 'x'`,
  `update quota.users set created_at = '2020-01-01'`,
  `update quota.users set id = gen_random_uuid()`,
  `update quota.users set erased_at = null`,
  `update quota.usage_quotas set used = 0`,
  `update quota.usage_alerts set acknowledged_at = now()`,
  `update quota.subscriptions set limit_enforced_at = null`,
  `update quota.subscriptions set next_reset_at = 'infinity'`,
  `insert into quota.job_runs (job, actor) values ('x', 'the.cfo')`,
  `insert into quota.job_runs (job, started_at) values ('x', '2020-01-01')`,
  `insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source, actor)
   select user_id, id, 1, '{}', '{}', 'x', 'the.cfo' from quota.assistants`,
  `insert into quota.assistant_limits (assistant_id, user_id, desired, status) select id, user_id, 'limited', 'applied' from quota.assistants`,
  `update quota.assistant_limits set desired = 'original', change = 9`,
  `insert into quota.billing_exports (provider, format, source, sha256, loaded_by) values ('vapi', 'x', 'x', 'x', 'the.cfo')`,
  `insert into quota.billing_exports (provider, format, source, sha256, loaded_at) values ('vapi', 'x', 'x', 'x', '2020-01-01')`,
  `update quota.billing_exports set billed = 0`,
  `delete from quota.billing_exports`,
  `update quota.billing_lines set cost = 0`,
  `insert into quota.reconciliations (id, provider, month) values (gen_random_uuid(), 'vapi', '2026-01-01')`,
  `insert into quota.reconciliations (provider, month, created_at) values ('vapi', '2026-01-01', '2020-01-01')`,
  `update quota.reconciliations set month = '2020-01-01'`,
  `update quota.discrepancies set billed = 0`,
  `delete from quota.discrepancies`,
  `update quota.reconciliation_items set billed = 0`,
  `update quota.reconciliation_matches set billed_sum = 0`,
  `insert into quota.audit_log (action, login) values ('x', 'the.cfo')`,
  `insert into quota.audit_log (action, recorded_at) values ('x', '2020-01-01')`,
  `insert into quota.audit_log (action, xid) values ('x', '1')`,
];

describe.each(forgeries)('%s', (sql) => {
  test.each(roles)('is refused to %s', async (role) => {
    await expect(attempt(role, sql)).rejects.toMatchObject({ code: '42501' });
  });
});

test('what an operator adds is signed and dated by the database', async () => {
  await attempt(
    'operator',
    `insert into quota.grants (user_id, meter, quantity, reason) select id, 'voice_seconds', 60, 'x' from quota.users`,
  );
  expect(
    await desk.query(
      `select actor, created_at > now() - interval '1 minute' as "isNow" from quota.grants where quantity = 60`,
    ),
  ).toEqual([{ actor: logins.operator, isNow: true }]);
});

test('a custom limit that is given anew is signed by who gave it', async () => {
  const give = (limit: number) => [
    ...['user', 'set-plan', 'ada', 'voice-free', '--limit', `voice_seconds=${limit}`],
    ...['--reason', 'a test', '--yes'],
  ];
  await desk.with({ env: { QUOTA_ACTOR: 'first' } }).json(...give(100));
  await desk.with({ env: { QUOTA_ACTOR: 'second' } }).json(...give(200));
  expect(await desk.query('select actor, limit_quantity::text from quota.limit_overrides')).toEqual([
    { actor: 'second', limit_quantity: '200.000' },
  ]);
});
