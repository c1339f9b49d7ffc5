import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-15T00:00:00Z' });

beforeAll(async () => {
  const ada = await desk.addUser({ externalId: 'ada', createdAt: '2025-01-01T00:00:00Z' });
  for (const at of ['2025-02-10T00:00:00Z', '2025-03-10T00:00:00Z', '2026-10-10T00:00:00Z']) {
    await desk.addCalls({ userId: ada, at, seconds: '540', asOf: at });
  }
  await desk.query(`update quota.call_logs set metadata = '{"transcript": "hello"}'`);
  await desk.json('jobs', 'reset-anniversaries');
  await desk.query(`insert into quota.reconciliations (provider, month, closed_at, closed_by) values
       ('test', '2025-02-01', '2025-04-01', 'finance'), ('test', '2025-03-01', null, null), ('test', '2026-10-01', null, null)`);
  await desk.query(`insert into quota.job_runs (job, status, started_at) values
       ('reset-months', 'completed', '2026-01-01'), ('reset-months', 'completed', '2026-02-01')`);
});

const purge = (...more: string[]) => desk.json('jobs', 'purge', ...more);

test('details of calls of closed months and periods, told alerts and old runs go; facts stay', async () => {
  await desk.query(
    `update quota.alert_deliveries set status = 'delivered' where period_start < '2025-03-01'`,
  );
  const facts = `select l.id, l.duration_seconds, l.cost from quota.call_logs l order by l.id`;
  const before = await desk.query(facts);
  const found = [
    { table: 'job_runs', rows: 1, keepDays: 90 },
    { table: 'usage_alerts', rows: 2, keepDays: 400 },
    { table: 'call_details', rows: 1, keepDays: 400 },
  ];
  expect(await purge('--dry-run')).toMatchObject({ due: 4, first: found });
  expect(await purge()).toMatchObject({ done: 4, job_runs: 1, usage_alerts: 2, call_details: 1 });
  expect(await desk.query(facts)).toEqual(before);
  const kept = await desk.query(
    `select started_at::date::text as day from quota.call_logs where metadata is not null order by 1`,
  );
  expect(kept).toEqual([{ day: '2025-03-10' }, { day: '2026-10-10' }]);
  const audits = await desk.query(
    `select subject, after from quota.audit_log where action = 'table.purged' order by id`,
  );
  expect(audits).toHaveLength(3);
  expect(await purge()).toMatchObject({ due: 0 });
});

test('nothing of an open month, however short the retention', async () => {
  expect(await purge('--keep', 'call_details=0', '--keep', 'usage_alerts=1d')).toMatchObject({
    due: 0,
  });
  await desk.query(`update quota.reconciliations set closed_at = now() where month >= '2025-03-01'`);
  // The month is closed; the period of October 2026 is not.
  expect(await purge('--keep', 'call_details=0')).toMatchObject({ due: 1, call_details: 1 });
});

test('a table that is never purged cannot be named', async () => {
  const { code, stderr } = await desk.run('jobs', 'purge', '--keep', 'audit_log=1');
  expect(code).toBe(2);
  expect(stderr).toContain('job_runs, usage_alerts, call_details');
});

test('where finance reconciles nothing, details go by the days of their service, and nothing else does', async () => {
  const drop = (...more: string[]) => purge('--keep', 'job_runs=400', ...more);
  const eve = await desk.addUser({ externalId: 'eve', createdAt: '2026-01-01T00:00:00Z' });
  for (const at of ['2026-07-10T00:00:00Z', '2026-08-10T00:00:00Z', '2026-10-02T00:00:00Z']) {
    await desk.addCalls({ userId: eve, at, service: 'chat', asOf: at });
    await desk.addCalls({ userId: eve, at, service: 'transcription', seconds: '60', asOf: at });
  }
  await desk.query(
    `update quota.call_logs set metadata = '{"text": "hi"}', error_message = 'late'
    where user_id = $1`,
    [eve],
  );
  const kept = () =>
    desk.query<{ service: string; day: string }>(
      `select service, started_at::date::text as day from quota.call_logs
       where user_id = $1 and metadata is not null and error_message is not null order by 1, 2`,
      [eve],
    );
  const everything = await kept();
  expect(await drop()).toMatchObject({ due: 0 });
  await desk.json('service', 'set', 'chat', '--keep-details', '1', '--reason', 'our privacy policy', '--yes');
  // The months have run out, and no job has closed their periods yet.
  expect(await drop('--dry-run')).toMatchObject({ due: 0 });
  await desk.json('jobs', 'reset-months');
  // Finance has begun to look at July.
  await desk.query(`insert into quota.reconciliations (provider, month) values ('test', '2026-07-01')`);
  const facts = `select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas
    order by 1, 2, 3`;
  const before = await desk.query(facts);
  expect(await drop('--dry-run')).toMatchObject({
    due: 1,
    first: [{ table: 'service_details', rows: 1, keepDays: null }],
  });
  expect(await drop()).toMatchObject({ done: 1, call_details: 0, service_details: 1 });
  expect(await kept()).toEqual(
    everything.filter(({ service, day }) => service !== 'chat' || day !== '2026-08-10'),
  );
  expect(await desk.query(facts)).toEqual(before);
  expect(await desk.differences()).toEqual([]);
  expect(await drop()).toMatchObject({ due: 0 });
  await desk.json('service', 'set', 'chat', '--keep-details', 'none', '--yes');
});
