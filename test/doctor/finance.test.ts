import { beforeAll, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/doctor/examine.ts';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from '../reconcile/month-desk.ts';

const sample = `${process.cwd()}/fixtures/voice-2026-10/vapi-calls.jsonl`;
const of = ['--month', '2026-10'];
const desk = perFile(new MonthDesk());

beforeAll(async () => {
  await desk.loadSample();
  await desk.json(3, 'reconcile', ...of, '--export', sample);
});

const checks = ['exports', 'items', 'months', 'closings'];
async function findings(...args: string[]) {
  const { stdout } = await desk.run('doctor', '--json', ...args);
  const { checks: results }: Diagnosis = JSON.parse(stdout);
  return Object.fromEntries(
    results
      .filter(({ check, count }) => checks.includes(check) && count > 0)
      .map(({ check, findings: found }) => [check, found]),
  );
}

/** Behind the triggers' back; what is done is undone after `look`. */
async function meddle(doIt: string, undoIt: string, look: () => Promise<void>) {
  const change = (sql: string) =>
    desk.query(`do $$ begin set local session_replication_role = replica; ${sql}; end $$`);
  await change(doIt);
  try {
    await look();
  } finally {
    await change(undoIt);
  }
}

test('finds nothing in a month as it was reconciled, and changes nothing', async () => {
  const before = await desk.snapshot();
  const { stdout } = await desk.run('doctor');
  for (const check of checks) {
    expect(stdout).toMatch(new RegExp(`^ok +${check} +every `, 'm'));
  }
  expect(await desk.snapshot()).toEqual(before);
});

test('lines without an export, and exports that have lost lines or money', async () => {
  await meddle(
    `insert into quota.billing_lines (export_id, line, kind, cost) values (99, 1, 'fee', 1.50);
     update quota.billing_lines set cost = cost + 0.01 where line = 1 and export_id = 1`,
    `delete from quota.billing_lines where export_id = 99;
     update quota.billing_lines set cost = cost - 0.01 where line = 1 and export_id = 1`,
    async () => {
      const { exports, ...others } = await findings();
      expect(others).toEqual({});
      expect(exports).toMatchObject([
        { export: 1, provider: 'vapi', source: sample },
        { export: 99, provider: null, lines: 0, linesByFacts: 1, callsByFacts: 0, billedByFacts: '1.5' },
      ]);
      const [first] = exports ?? [];
      expect(first?.lines).toBe(first?.linesByFacts);
      expect(Number(first?.billedByFacts)).toBeCloseTo(Number(first?.billed) + 0.01, 6);
      expect((await desk.run('doctor')).code).toBe(3);
      const [user] = await desk.query<{ id: string }>('select id from quota.users limit 1');
      expect(await findings('--user', user?.id ?? '')).toEqual({});
    },
  );
});

test('items and discrepancies whose line or call is gone', async () => {
  await meddle(
    `update quota.reconciliation_matches set log_ids[1] = -log_ids[1] where ctid in (select min(ctid) from quota.reconciliation_matches);
     update quota.discrepancies set log_id = -log_id where id in (select min(id) from quota.discrepancies where kind = 'cost_mismatch');
     update quota.billing_lines set line = -line where line in (select line from quota.reconciliation_items where kind = 'unlogged' limit 1);
     update quota.discrepancies set line = -line where id in (select id from quota.discrepancies where kind = 'duplicate_line' limit 1)`,
    `update quota.reconciliation_matches set log_ids[1] = -log_ids[1] where log_ids[1] < 0;
     update quota.discrepancies set log_id = -log_id where log_id < 0; update quota.billing_lines set line = -line where line < 0;
     update quota.discrepancies set line = -line where line < 0`,
    async () =>
      expect(await findings()).toMatchObject({
        items: [
          { provider: 'vapi', month: '2026-10', of: 'items', count: 2, withoutLine: 1, withoutLog: 1 },
          { of: 'discrepancies', count: 2, withoutLine: 1, withoutLog: 1 },
        ],
      }),
  );
});

test('a month that does not come to what its items come to', async () => {
  await meddle(
    `update quota.reconciliation_items set kind = 'fee' where kind = 'unsettled'`,
    `update quota.reconciliation_items set kind = 'unsettled' where kind = 'fee'`,
    async () => {
      const { months } = await findings();
      expect(months).toMatchObject([
        { month: '2026-10', closed: false, kind: 'fee', count: null },
        { kind: 'unsettled', countByFacts: null },
      ]);
    },
  );
  await meddle(
    `update quota.reconciliations set totals = jsonb_set(totals, '{totals,billed}', '"1.00"')`,
    `update quota.reconciliations r set totals = (select jsonb_build_object('kinds', a.after -> 'kinds', 'totals', a.after -> 'totals')
       from quota.audit_log a where a.action = 'reconciliation.run' order by a.id desc limit 1)`,
    async () => expect(await findings()).toMatchObject({ months: [{ kind: 'total', billed: '1' }] }),
  );
});

test('a closed month that says something else than the history', async () => {
  const reason = ['--reason', 'settled with the provider', '--yes'];
  await desk.json(0, 'reconcile', 'close', ...of, '--force', ...reason);
  expect(await findings()).toEqual({});
  await meddle(
    `update quota.reconciliations set closed_by = 'somebody else', totals = jsonb_set(totals, '{totals,logged}', '"0"')`,
    `update quota.reconciliations r set closed_by = a.actor, totals = jsonb_build_object('kinds', a.after -> 'kinds', 'totals', a.after -> 'totals')
       from quota.audit_log a where a.action = 'reconciliation.close'`,
    async () => {
      const { months, closings } = await findings();
      expect(months).toMatchObject([{ closed: true, kind: 'total', logged: '0' }]);
      expect(closings).toMatchObject([
        { month: '2026-10', closedBy: 'somebody else', logged: '0', kindsAgree: true },
      ]);
    },
  );
});
