import { beforeAll, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perFile(new MonthDesk());
const file = `${process.cwd()}/fixtures/voice-2026-10/vapi-calls.jsonl`;
const month = ['--month', '2026-10'];

beforeAll(async () => {
  await desk.loadSample();
  await desk.json(3, 'reconcile', ...month, '--export', file);
});

describe('looking', () => {
  test('list and show tell where the month stands, and how rates compare', async () => {
    const [listed] = await desk.json(0, 'reconcile', 'list');
    expect(listed).toMatchObject({ provider: 'vapi', month: '2026-10', closedAt: null });
    expect(listed.open).toEqual({
      attribution_mismatch: 6,
      cost_mismatch: 15,
      duplicate_line: 10,
      duration_mismatch: 20,
      unbilled: 12,
      unlogged: 35,
      unsettled: 12,
    });
    const shown = await desk.json(0, 'reconcile', 'show', ...month);
    expect(shown.totals).toEqual(listed.totals);
    const [rate] = shown.rates;
    expect(rate).toMatchObject({ name: 'platform fee', unit: 'USD' });
    expect(Number(rate.rateDifference) + Number(rate.usageDifference)).toBeCloseTo(
      Number(rate.billed) - Number(rate.expected),
      6,
    );
    const text = await desk.run('reconcile', 'show', ...month);
    expect(text.stdout).toContain('110 open, 0 resolved');
  });

  test('the calls behind a kind come in pages, and as files', async () => {
    const first = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'unlogged', '--limit', '20');
    expect(first.entries).toHaveLength(20);
    const second = await desk.json(
      0,
      'reconcile',
      'show',
      ...month,
      '--kind',
      'unlogged',
      '--limit',
      '20',
      '--after',
      first.next,
    );
    expect(second.entries).toHaveLength(15);
    expect(second.next).toBeNull();
    const calls = [...first.entries, ...second.entries].map(({ externalId }) => externalId);
    expect(new Set(calls).size).toBe(35);
    const csv = await desk.run('reconcile', 'show', ...month, '--kind', 'unlogged', '--output', 'csv');
    expect(csv.stdout.trimEnd().split('\n')).toHaveLength(36);

    const matched = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'matched', '--limit', '3');
    const more = await desk.json(
      0,
      'reconcile',
      'show',
      ...month,
      '--kind',
      'matched',
      '--limit',
      '3',
      '--after',
      matched.next,
    );
    expect(new Set([...matched.entries, ...more.entries].map(({ line }) => line)).size).toBe(6);
    const all = await desk.run('reconcile', 'show', ...month, '--kind', 'matched', '--output', 'ndjson');
    expect(all.stdout.trimEnd().split('\n')).toHaveLength(6158);
  });

  test('of one user, by any name, and nothing for an unknown one', async () => {
    const { entries } = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'attribution_mismatch');
    const [{ user, owner }] = entries;
    expect(user).not.toBe(owner);
    const own = await desk.json(0, 'reconcile', 'show', ...month, '--user', owner, '--open');
    expect(own.entries.map(({ kind }: { kind: string }) => kind)).toContain('attribution_mismatch');
    await desk.json(4, 'reconcile', 'show', ...month, '--user', 'nobody-there');
    await desk.json(2, 'reconcile', 'show', ...month, '--kind', 'strange');
    await desk.json(4, 'reconcile', 'show', '--month', '2026-09');
  });
});

describe('resolving', () => {
  test('needs a reason and leave, and a dry run changes nothing', async () => {
    const before = await desk.snapshot();
    await desk.json(2, 'reconcile', 'resolve', ...month, '--kind', 'unbilled', '--as', 'accepted', '--yes');
    await desk.json(
      5,
      'reconcile',
      'resolve',
      ...month,
      '--kind',
      'unbilled',
      '--as',
      'accepted',
      '--reason',
      'x',
    );
    await desk.resolve(2, 'matched', 'accepted', 'x');
    await desk.resolve(2, 'unbilled', 'corrected', 'x');
    await desk.json(
      4,
      'reconcile',
      'resolve',
      '99999',
      ...month,
      '--as',
      'accepted',
      '--reason',
      'x',
      '--yes',
    );
    const plan = await desk.json(0, 'reconcile', 'backfill', ...month, '--dry-run');
    expect(plan).toMatchObject({ dryRun: true, auditId: null });
    expect(plan.logs.added + plan.left.unknownAssistant).toBe(35);
    expect(await desk.snapshot()).toEqual(before);
  });

  test('keeps who, when and why, across every new run', async () => {
    const reason = 'agreed by mail, ticket 4711';
    const done = await desk.resolve(0, 'cost_mismatch', 'accepted', reason);
    expect(done).toMatchObject({ resolved: 15, logs: { added: 0, changed: 0 } });
    await desk.json(3, 'reconcile', ...month, '--export', file);
    const { entries } = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'cost_mismatch');
    expect(entries).toHaveLength(15);
    for (const entry of entries) {
      expect(entry).toMatchObject({ resolution: 'accepted', reason, resolvedBy: 'tester', isCurrent: true });
    }
    const [audit] = await desk.query(
      `select quota.audit_reason(a) as reason, after from quota.audit_log a where id = $1`,
      [done.auditId],
    );
    expect(audit).toMatchObject({
      reason,
      after: { as: 'accepted', kinds: [{ kind: 'cost_mismatch', count: 15 }] },
    });
    const open = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'cost_mismatch', '--open');
    expect(open.entries).toEqual([]);
  });

  test('backfill logs billed calls, counts them against the quotas, and leaves those of unknown assistants', async () => {
    const [before] = await desk.query<{ logs: number; used: string }>(
      `select (select count(*)::int from quota.call_logs) as logs, (select sum(used)::text from quota.usage_quotas) as used`,
    );
    const done = await desk.json(
      0,
      'reconcile',
      'backfill',
      ...month,
      '--reason',
      'the webhook was down',
      '--yes',
    );
    const [after] = await desk.query<{ logs: number; used: string; added: string }>(
      `select (select count(*)::int from quota.call_logs) as logs, (select sum(used)::text from quota.usage_quotas) as used,
         (select sum(duration_seconds)::text from quota.call_logs where metadata ? 'backfilled') as added`,
    );
    expect(after?.logs).toBe((before?.logs ?? 0) + done.logs.added);
    expect(Number(after?.used)).toBeCloseTo(Number(before?.used) + Number(after?.added), 3);
    expect(
      await desk.query(
        'select * from quota.usage_from_facts(null) except select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas',
      ),
    ).toEqual([]);
    expect(done.after.unlogged?.count ?? 0).toBe(done.left.unknownAssistant);
    expect(done.after.matched.count).toBe(6158 + done.logs.added);
    const audits = await desk.query(`select user_id from quota.audit_log where action = 'call-log.backfill'`);
    expect(audits).toHaveLength(done.logs.added);
    const again = await desk.json(0, 'reconcile', 'backfill', ...month, '--reason', 'again', '--yes');
    expect(again.logs.added).toBe(0);
  });

  test('corrected brings durations, costs and users of logs in line with the bill', async () => {
    for (const [kind, count] of [
      ['duration_mismatch', 20],
      ['attribution_mismatch', 6],
    ] as const) {
      const done = await desk.resolve(0, kind, 'corrected', 'the bill is right');
      expect(done.logs).toEqual({ added: 0, changed: count });
      expect(done.after[kind]).toBeUndefined();
      const { entries } = await desk.json(0, 'reconcile', 'show', ...month, '--kind', kind);
      expect(entries).toHaveLength(count);
      expect(
        entries.every(
          (entry: { isCurrent: boolean; resolution: string }) =>
            !entry.isCurrent && entry.resolution === 'corrected',
        ),
      ).toBe(true);
    }
    expect(await desk.query(`select id from quota.audit_log where action = 'call-log.update'`)).toHaveLength(
      26,
    );
    expect(
      await desk.query(
        'select * from quota.usage_from_facts(null) except select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas',
      ),
    ).toEqual([]);
  });

  test('a decision is taken back with --as open, by id or by kind; the history keeps both', async () => {
    const ofKind = async (kind: string, ...more: string[]) =>
      (await desk.json(0, 'reconcile', 'show', ...month, '--kind', kind, '--limit', '100', ...more)).entries;
    await desk.resolve(0, 'duplicate_line', 'disputed', 'a mistake');
    const [first, ...others] = await ofKind('duplicate_line');
    const open = (...words: string[]) =>
      desk.run(
        'reconcile',
        'resolve',
        ...words,
        ...month,
        '--as',
        'open',
        '--reason',
        'was another call',
        '--yes',
      );
    expect(await open(first.id)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('opened again 1 discrepancy'),
    });
    const [again] = await ofKind('duplicate_line');
    expect(again).toMatchObject({ id: first.id, resolution: null, reason: null, resolvedBy: null });
    expect(await open(first.id)).toMatchObject({ code: 2, stderr: expect.stringContaining('open already') });
    expect((await open('--kind', 'duplicate_line')).stdout).toContain(
      `opened again ${others.length} discrepancies`,
    );
    expect((await open('--kind', 'duplicate_line')).stdout).toContain('Nothing to open again.');
    const { entries } = await desk.json(0, 'audit', 'log', '--action', 'discrepancy.resolve', '--limit', '3');
    expect(entries.map(({ after }: { after: { as: string } }) => after.as)).toEqual([
      'open',
      'open',
      'disputed',
    ]);
  });

  test('single ones by id; what is found again after its correction is open again', async () => {
    const { entries } = await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'unbilled');
    const ids = entries.slice(0, 2).map(({ id }: { id: string }) => id);
    const done = await desk.json(
      0,
      'reconcile',
      'resolve',
      ...ids,
      ...month,
      '--as',
      'disputed',
      '--reason',
      'asked VAPI',
      '--yes',
    );
    expect(done.resolved).toBe(2);
    const corrected = await desk.json(
      0,
      'reconcile',
      'show',
      ...month,
      '--kind',
      'duration_mismatch',
      '--limit',
      '1',
    );
    const [{ externalId, id }] = corrected.entries;
    await desk.query(
      'update quota.call_logs set duration_seconds = duration_seconds + 100 where provider_call_id = $1',
      [externalId],
    );
    await desk.json(3, 'reconcile', ...month);
    const [found] = (
      await desk.json(0, 'reconcile', 'show', ...month, '--kind', 'duration_mismatch', '--open')
    ).entries;
    expect(found).toMatchObject({ id, externalId, resolution: null, isCurrent: true });
  });
});

describe('closing', () => {
  test('is refused while anything is open', async () => {
    const { error } = await desk.json(5, 'reconcile', 'close', ...month, '--yes');
    expect(error.detail).toContain('duplicate_line 10');
    await desk.json(2, 'reconcile', 'close', ...month, '--yes', '--force');
  });

  test('by force, with a reason; then nothing changes the month', async () => {
    await desk.json(0, 'reconcile', 'close', ...month, '--force', '--reason', 'settled', '--dry-run');
    const closed = await desk.json(
      0,
      'reconcile',
      'close',
      ...month,
      '--force',
      '--reason',
      'settled',
      '--yes',
    );
    expect(closed).toMatchObject({ closedBy: 'tester', dryRun: false });
    const before = await desk.snapshot();

    const { error } = await desk.json(5, 'reconcile', ...month, '--export', file);
    expect(error).toMatchObject({ code: 'refused', message: '2026-10 of vapi is closed' });
    await desk.json(5, 'reconcile', ...month);
    await desk.json(5, 'reconcile', ...month, '--dry-run');
    await desk.json(5, 'reconcile', 'close', ...month, '--yes');
    await desk.resolve(5, 'unbilled', 'accepted', 'x');
    await desk.json(5, 'reconcile', 'backfill', ...month, '--reason', 'x', '--yes');
    for (const sql of [
      `update quota.reconciliation_items set billed = 0`,
      `delete from quota.reconciliation_items`,
      `insert into quota.reconciliation_items (reconciliation_id, kind, billed, logged) select id, 'matched', 1, 1 from quota.reconciliations`,
      `update quota.reconciliation_matches set billed_sum = 0`,
      `delete from quota.reconciliation_matches`,
      `update quota.discrepancies set resolution = 'accepted'`,
      `delete from quota.discrepancies`,
      `update quota.reconciliations set totals = '{}'`,
      `delete from quota.reconciliation_exports`,
      `select quota.compute_reconciliation(id) from quota.reconciliations`,
    ]) {
      await expect(desk.query(sql)).rejects.toMatchObject({ code: 'QT007' });
    }
    await expect(desk.query('delete from quota.billing_lines')).rejects.toMatchObject({ code: 'QT005' });
    await expect(desk.query('update quota.billing_lines set cost = 0')).rejects.toMatchObject({
      code: 'QT005',
    });
    expect(await desk.snapshot()).toEqual(before);
  });

  test('late calls change usage, not the closed month', async () => {
    const shown = await desk.json(0, 'reconcile', 'show', ...month);
    await desk.query(`insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds, cost)
      select id, 'voice', 'vapi', 'late', '2026-10-20', 60, 1 from quota.users limit 1`);
    await desk.json(5, 'reconcile', ...month);
    expect((await desk.json(0, 'reconcile', 'show', ...month)).kinds).toEqual(shown.kinds);
  });

  test('reopened, it goes on; the history keeps what it was closed with', async () => {
    await desk.json(2, 'reconcile', 'reopen', ...month, '--yes');
    const { auditId } = await desk.json(
      0,
      'reconcile',
      'reopen',
      ...month,
      '--reason',
      'a corrected bill',
      '--yes',
    );
    const [audit] = await desk.query(
      `select quota.audit_reason(a) as reason, before from quota.audit_log a where id = $1`,
      [auditId],
    );
    expect(audit).toMatchObject({
      reason: 'a corrected bill',
      before: { closedBy: 'tester' },
    });
    const answer = await desk.json(3, 'reconcile', ...month);
    expect(answer.kinds.unbilled.count).toBe(13);
    await desk.query(`update quota.call_logs set cost = 5 where provider_call_id = 'late'`);
    const { error } = await desk.json(5, 'reconcile', 'close', ...month, '--yes');
    expect(error.message).toContain('open discrepancies');
  });
});
