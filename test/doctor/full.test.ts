import { expect, test } from 'vitest';
import type { Diagnosis } from '../../src/doctor/examine.ts';
import { useDeskPerTest } from '../desk/desk.ts';

const asOf = '2026-11-15T12:00:00Z';
let adaId: string;
let bobId: string;

const desk = useDeskPerTest({ asOf }, async (model) => {
  adaId = await model.addUser({ externalId: 'ada' });
  bobId = await model.addUser({ externalId: 'bob' });
  await model.addUser({ externalId: 'cy' });
  await model.addCalls({ userId: adaId, at: asOf, seconds: '306', cost: '0.25', times: 2 });
  await model.addCalls({ userId: bobId, at: '2026-11-10T10:00:00Z', seconds: '100', times: 3 });
});

async function diagnose(...args: string[]): Promise<Diagnosis & { code: number | null }> {
  const { code, data } = await desk.answer('doctor', ...args);
  return { code, ...data };
}
const unwell = ({ checks }: Diagnosis) =>
  checks.filter(({ level, count }) => level === 'difference' && count > 0).map(({ check }) => check);
/** Behind the triggers' back. */
const meddle = (sql: string) =>
  desk.query(`do $$ begin set local session_replication_role = replica; ${sql}; end $$`);

test('notes who was found right, changes nothing else, and sums nobody of them again', async () => {
  const facts = await desk.snapshot();
  expect(await diagnose()).toMatchObject({ code: 0, examined: 3, noted: false });
  expect(await desk.snapshot()).toEqual(facts);
  expect(await diagnose('--full')).toMatchObject({ code: 0, examined: null, noted: true });
  expect(await diagnose()).toMatchObject({ code: 0, examined: 0, noted: false });
  const noted = await desk.snapshot();
  const { stdout } = await desk.run('doctor');
  expect(stdout).toContain(
    'ok         usage             every quota is the sum of its calls and adjustments\n',
  );
  expect(stdout).toContain(
    '0 users examined anew; --full examines those, too, who are as it found them right',
  );
  expect(await desk.snapshot()).toEqual(noted);
  expect(await diagnose('--user', 'ada')).toMatchObject({ code: 0, examined: null });
});

test('sums those anew of whom something was written since, by whoever', async () => {
  await diagnose('--full');
  await desk.addCalls({ userId: adaId, at: asOf, seconds: '10' });
  expect(await diagnose()).toMatchObject({ code: 0, examined: 1 });
  expect(await diagnose('--full')).toMatchObject({ code: 0, examined: null });
  expect(await diagnose()).toMatchObject({ code: 0, examined: 0 });
});

const tampering: [what: string, sql: () => string, found: string][] = [
  ['a quota', () => `update quota.usage_quotas set used = used - 12 where user_id = '${adaId}'`, 'usage'],
  [
    'the cost of a call',
    () => `update quota.call_logs set cost = 9 where id = (select min(id) from quota.call_logs)`,
    'usage',
  ],
  [
    'a call that is gone',
    () => `delete from quota.call_logs where id = (select min(id) from quota.call_logs)`,
    'usage',
  ],
  [
    'the owner of a call',
    () => `update quota.call_logs set user_id = '${bobId}' where id = (select min(id) from quota.call_logs)`,
    'usage',
  ],
  [
    'a call and another in its place',
    () => `with gone as (delete from quota.call_logs where id = (select min(id) from quota.call_logs) returning *)
      insert into quota.call_logs (user_id, service, status, started_at, duration_seconds)
      select user_id, service, status, started_at, duration_seconds - 1 from gone`,
    'usage',
  ],
  [
    'an adjustment',
    () => `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason)
      select user_id, meter, period_start, 'manual', -5, 'by hand' from quota.usage_quotas
      where user_id = '${adaId}' and used > 0`,
    'usage',
  ],
  [
    'a grant',
    () => `insert into quota.grants (user_id, meter, quantity, reason, created_at)
      values ('${adaId}', 'voice_seconds', 60, 'by hand', '2026-11-14T00:00:00Z')`,
    'grants',
  ],
  [
    'an alert that is gone',
    () => 'delete from quota.alert_deliveries; delete from quota.usage_alerts',
    'alerts',
  ],
  ['a quota that is gone', () => `delete from quota.usage_quotas where user_id = '${adaId}'`, 'coverage'],
];

test.each(tampering)('tells %s, changed behind the triggers after the note', async (_what, sql, found) => {
  await diagnose('--full');
  await meddle(sql());
  const quick = await diagnose();
  expect(quick).toMatchObject({ code: 3 });
  expect(unwell(quick)).toContain(found);
  const full = await diagnose('--full');
  expect(full.checks.find(({ check }) => check === found)).toEqual(
    quick.checks.find(({ check }) => check === found),
  );
});

test('tells an adjustment that is gone', async () => {
  await desk.json(
    'user',
    'adjust',
    'ada',
    'voice_seconds',
    '-30',
    '--reason',
    'goodwill',
    '--yes',
    '--no-sync',
  );
  expect(await diagnose('--full')).toMatchObject({ code: 0 });
  await meddle('delete from quota.adjustments');
  expect(unwell(await diagnose())).toEqual(['usage']);
});

test('goes on telling what was wrong when it noted the others', async () => {
  await meddle(`update quota.usage_quotas set used = used + 1 where user_id = '${adaId}'`);
  expect(await diagnose('--full')).toMatchObject({ code: 3, noted: true });
  expect(await diagnose()).toMatchObject({ code: 3, examined: 1 });
  await desk.queryAt(asOf, `select quota.refresh_quotas(array['${adaId}'::uuid])`);
  expect(await diagnose()).toMatchObject({ code: 0, examined: 1 });
});

test('sums everybody anew where it counts by other terms, or where its notes are of another database', async () => {
  await diagnose('--full');
  await meddle(`update quota.meters set models = array['other'] where key = 'voice_seconds'`);
  expect(await diagnose()).toMatchObject({ code: 3, examined: 3 });
  await meddle(`update quota.meters set models = null where key = 'voice_seconds'`);
  expect(await diagnose()).toMatchObject({ code: 0, examined: 0 });
  // As a restored copy has them: the same rows, written by another transaction.
  await desk.query('update quota.examined_users set facts = facts');
  expect(await diagnose()).toMatchObject({ code: 0, examined: 3 });
});

test('sums everybody anew where the short numbers of transactions cannot tell what came after', async () => {
  await diagnose('--full');
  await desk.query(`
    with note as (select pg_current_xact_id() as noted)
    update quota.examined_users e set noted = n.noted,
      horizon = (e.horizon::text::bigint + 4294967296)::text::xid8 from note n`);
  expect(await diagnose()).toMatchObject({ examined: 3 });
});

test('notes nothing by a login that may only read, and says so', async () => {
  const login = `${desk.name}_reader`.slice(0, 60);
  await desk.query(`create role ${login} login in role quota_readonly`);
  try {
    const url = desk.url.replace(/^(\w+:\/\/)[^@/]*@/, `$1${login}@`);
    const reader = desk.with({ env: { DATABASE_URL: url }, asOf: null });
    const { code, stdout } = await reader.run('doctor', '--full');
    expect(code).toBe(0);
    expect(stdout).toContain('it could not be noted who is right');
    expect(await diagnose()).toMatchObject({ examined: 3 });
  } finally {
    await desk.query(`drop role ${login}`);
  }
});

test('is of everybody', async () => {
  expect(await desk.run('doctor', '--full', '--user', 'ada')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--full is of everybody'),
  });
});
