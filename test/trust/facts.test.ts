import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { Logins } from './logins.ts';

const desk = useDeskPerTest({ asOf: '2026-11-15T12:00:00Z' });
let logins: Logins;
let [operator, finance] = ['', ''];
beforeAll(() => {
  logins = new Logins(desk);
});
beforeEach(async () => {
  operator = await logins.add('operator', 'operator');
  finance = await logins.add('finance', 'finance');
  for (const externalId of ['ada', 'bob']) {
    const userId = await desk.addUser({ externalId, name: 'A Person', assistants: [`${externalId}-desk`] });
    await desk.addCalls({ userId, at: '2026-11-10T10:00:00Z', seconds: '60', times: 3 });
  }
});
const noted = () =>
  desk.query(`select action, login, before, after from quota.audit_log where action like '%.%ed' and login <> current_user
    and action ~ '^(users|subscriptions|call_logs|grants|adjustments|assistants|discrepancies|reconciliations|limit_overrides)[.]'
    order by id`);

describe('facts that a role rewrites by SQL of its own', () => {
  test.each([
    [
      'a call made shorter',
      'update quota.call_logs set duration_seconds = 0 where id = 1',
      'call_logs.updated',
      { duration_seconds: 60 },
      { duration_seconds: 0 },
    ],
    [
      'by merge',
      `merge into quota.call_logs c using (select 2 as id) x on c.id = x.id when matched then update set cost = 7`,
      'call_logs.updated',
      { cost: null },
      { cost: 7 },
    ],
    [
      'by a query with others',
      `with u as (update quota.call_logs set model = 'x' where id = 3 returning 1) select 1 from u`,
      'call_logs.updated',
      { model: null },
      { model: 'x' },
    ],
    [
      'in a block',
      `do $$ begin update quota.call_logs set messages = 5 where id = 1; end $$`,
      'call_logs.updated',
      { messages: null },
      { messages: 5 },
    ],
    [
      'a user renamed',
      `update quota.users set timezone = 'Asia/Kolkata', name = 'Eve' where external_id = 'ada'`,
      'users.updated',
      { timezone: 'UTC' },
      { timezone: 'Asia/Kolkata', name: '(personal)' },
    ],
  ])('%s', async (_, sql, action, before, after) => {
    await logins.as(operator, `set quota.actor = 'the.cfo'`, sql);
    expect(await noted()).toMatchObject([{ action, login: operator, before, after }]);
  });

  test('a call that is moved to another user is there as both', async () => {
    await logins.as(
      operator,
      `update quota.call_logs set user_id = (select id from quota.users where external_id = 'bob') where id = 1`,
    );
    expect(await noted()).toMatchObject([
      {
        action: 'call_logs.updated',
        before: { user_id: expect.any(String) },
        after: { user_id: expect.any(String) },
      },
    ]);
  });

  test('a grant under another name shows the login that gave it', async () => {
    const forged = `insert into quota.grants (user_id, meter, quantity, reason, actor)
      select id, 'voice_seconds', 600, 'for a friend', 'the.cfo' from quota.users where external_id = 'ada'`;
    await expect(logins.as(operator, forged)).rejects.toMatchObject({ code: '42501' });
    await logins.as(
      operator,
      `set quota.actor = 'the.cfo'`,
      forged.replace(', actor)', ')').replace(", 'the.cfo'", ''),
    );
    const [row] = await noted();
    expect(row).toMatchObject({ action: 'grants.inserted', login: operator, after: { actor: 'the.cfo' } });
    expect(JSON.stringify(row)).not.toContain('for a friend');
  });

  test('functions of the schema leave the rows of their own, and no others', async () => {
    await logins
      .as(operator, `select quota.reset_usage('ada', 'voice', 'asked for by phone')`)
      .catch(() => []);
    await logins.as(operator, `select quota.record('ada', 'voice', 'k1', 30)`);
    expect(await noted()).toEqual([]);
  });
});

describe('a closed month', () => {
  beforeEach(async () => {
    const bill = desk.write(
      'bill.csv',
      'id,started_at,duration_seconds,cost\nx1,2026-10-05T10:00:00Z,60,0.05\n',
    );
    await desk.answer('reconcile', '--month', '2026-10', '--provider', 'vapi', '--export', bill);
    await desk.run('reconcile', 'close', '--month', '2026-10', '--force', '--reason', 'agreed', '--yes');
    expect(await desk.query('select closed_at is not null as closed from quota.reconciliations')).toEqual([
      { closed: true },
    ]);
  });

  test.each([
    'update quota.reconciliations set closed_at = null',
    'update quota.reconciliations set closed_at = null, closed_by = null, close_reason = null',
    `update quota.reconciliations set closed_at = now() - interval '1 day'`,
    `update quota.reconciliations set close_reason = 'another'`,
    `merge into quota.reconciliations r using (select 1) x on true when matched then update set closed_at = null`,
  ])('is not opened or changed by: %s', async (sql) => {
    await expect(desk.query(sql)).rejects.toMatchObject({ code: 'QT007' });
    await expect(logins.as(finance, `set quota.reopens_month = 'on'`, sql)).rejects.toMatchObject({
      code: 'QT007',
    });
    expect(await desk.query('select closed_at is not null as closed from quota.reconciliations')).toEqual([
      { closed: true },
    ]);
  });

  test('is opened by the command, and by finance through its function, with a row in the history', async () => {
    const reopen = ['reconcile', 'reopen', '--month', '2026-10', '--reason', 'a corrected bill', '--yes'];
    expect((await desk.json(...reopen)).reopened).toBe(true);
    await desk.run('reconcile', 'close', '--month', '2026-10', '--force', '--reason', 'agreed', '--yes');
    await logins.as(finance, `select quota.reopen_month(id, 'by hand') from quota.reconciliations`);
    await expect(
      logins.as(operator, `select quota.reopen_month(id, 'by hand') from quota.reconciliations`),
    ).rejects.toMatchObject({ code: '42501' });
    const { entries } = await desk.json('audit', 'log', '--action', 'reconciliation.reopen');
    expect(entries).toMatchObject([{ login: finance, reason: 'by hand' }, { reason: 'a corrected bill' }]);
    await logins.as(finance, `update quota.reconciliations set closed_at = now(), closed_by = 'the.cfo'`);
    expect(await noted()).toMatchObject([
      { action: 'reconciliations.updated', login: finance, after: { closed_by: 'the.cfo' } },
    ]);
  });
});
