import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const folder = resolve('fixtures/voice-2026-10');
const desk = useDesk();

const importJson = (kind: string, file: string, ...options: string[]) =>
  desk.json('import', kind, file, ...options);

/** Records of a CSV file without quotes, read in the plainest way. */
function records(name: string): Record<string, string>[] {
  const text = readFileSync(join(folder, name), 'utf8');
  expect(text).not.toContain('"');
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, index) => [names[index], cell])));
}

/** The start of the month, counted from the day of signup in the user's zone, that contains an instant. */
function periodStart(signup: string, zone: string, instant: Temporal.Instant): string {
  const anchor = Temporal.Instant.from(signup).toZonedDateTimeISO(zone).toPlainDate();
  const boundary = (k: number) => anchor.add({ months: k }).toZonedDateTime(zone).toInstant();
  const local = instant.toZonedDateTimeISO(zone);
  let k = (local.year - anchor.year) * 12 + local.month - anchor.month + 1;
  while (Temporal.Instant.compare(boundary(k), instant) > 0) {
    k -= 1;
  }
  return boundary(k).toString();
}

function milliseconds(seconds: string): number {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return Number(whole) * 1000 + Number(fraction.padEnd(3, '0'));
}

/** What every user used in every period, in milliseconds, summed from the files alone. */
function expectedUsage(): Map<string, number> {
  const users = new Map(records('users.csv').map((user) => [user.external_id, user]));
  const usage = new Map<string, number>();
  for (const call of records('call_logs.csv')) {
    const { signup_at = '', timezone = '' } = users.get(call.user_external_id) ?? {};
    const start = periodStart(signup_at, timezone, Temporal.Instant.from(call.started_at ?? ''));
    const key = `${call.user_external_id} ${start}`;
    usage.set(key, (usage.get(key) ?? 0) + milliseconds(call.duration_seconds ?? ''));
  }
  return usage;
}

async function recordedUsage(): Promise<Map<string, number>> {
  const rows = await desk.query<{ external_id: string; period_start: Date; used: string }>(
    `select u.external_id, q.period_start, q.used from quota.usage_quotas q join quota.users u on u.id = q.user_id`,
  );
  return new Map(
    rows.map(({ external_id, period_start, used }) => [
      `${external_id} ${Temporal.Instant.fromEpochMilliseconds(period_start.getTime())}`,
      milliseconds(used),
    ]),
  );
}

const counts = () =>
  desk.query(`select (select count(*) from quota.users) as users, (select count(*) from quota.subscriptions) as subscriptions,
      (select count(*) from quota.assistants) as assistants, (select count(*) from quota.call_logs) as calls,
      (select count(*) from quota.audit_log) as audits, (select last_value from quota.call_logs_id_seq) as last_id`);

test('a dry run of an import leaves the database as it is', async () => {
  const before = await counts();
  const report = await importJson('users', join(folder, 'users.csv'), '--dry-run');
  expect(report).toMatchObject({ dryRun: true, lines: 400, new: 400, subscriptions: 400, auditId: null });
  expect(await counts()).toEqual(before);
});

test('a month is imported, and what each user used of each period is what the files sum to', async () => {
  expect(await importJson('users', join(folder, 'users.csv'))).toMatchObject({
    new: 400,
    subscriptions: 400,
  });
  expect(await importJson('assistants', join(folder, 'assistants.csv'))).toMatchObject({ new: 799 });
  const report = await importJson('call-logs', join(folder, 'call_logs.csv'));
  expect(report).toMatchObject({
    kind: 'call-logs',
    lines: 6215,
    new: 6215,
    existing: 0,
    rejected: 0,
    dryRun: false,
  });

  const expected = expectedUsage();
  expect(expected.size).toBeGreaterThan(400);
  expect(await recordedUsage()).toEqual(expected);
  expect(await desk.differences()).toEqual([]);
});

test('the import is in the audit log, with the file it came from', async () => {
  const [row] = await desk.query(`select * from quota.audit_log where action = 'call-logs.import'`);
  expect(row).toMatchObject({
    actor: 'tester',
    subject: join(folder, 'call_logs.csv'),
    after: { lines: 6215, new: 6215, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

test('the same files again add nothing, compressed or not', async () => {
  const before = await counts();
  const packed = desk.path('call_logs.csv.gz');
  writeFileSync(packed, gzipSync(readFileSync(join(folder, 'call_logs.csv'))));
  const plain = desk.path('call_logs.csv');
  copyFileSync(join(folder, 'call_logs.csv'), plain);
  for (const file of [plain, packed]) {
    expect(await importJson('call-logs', file)).toMatchObject({
      lines: 6215,
      new: 0,
      existing: 6215,
      differing: 0,
    });
  }
  expect(await importJson('users', join(folder, 'users.csv'))).toMatchObject({
    new: 0,
    existing: 400,
    subscriptions: 0,
  });
  expect(await importJson('assistants', join(folder, 'assistants.csv'))).toMatchObject({
    new: 0,
    existing: 799,
  });
  expect(await counts()).toEqual(before);
});

test('corrected calls are reported, and with --update their usage moves along', async () => {
  const users = new Map(records('users.csv').map((user) => [user.external_id, user]));
  const text = readFileSync(join(folder, 'call_logs.csv'), 'utf8');
  const lines = text.split('\n');
  const index = lines.findIndex((line, at) => at > 0 && !line.startsWith(','));
  const cells = (lines[index] ?? '').split(',');
  const [user = '', started = '', duration = ''] = [cells[2], cells[3], cells[5]];
  cells[5] = String((milliseconds(duration) + 60_000) / 1000);
  lines[index] = cells.join(',');
  const corrected = desk.path('corrected.csv');
  writeFileSync(corrected, lines.join('\n'));
  const expected = expectedUsage();
  const { signup_at = '', timezone = '' } = users.get(user) ?? {};
  const key = `${user} ${periodStart(signup_at, timezone, Temporal.Instant.from(started))}`;

  expect(await importJson('call-logs', corrected)).toMatchObject({
    new: 0,
    differing: 1,
    updated: 0,
    auditId: null,
  });
  expect(await recordedUsage()).toEqual(expected);
  const report = await importJson('call-logs', corrected, '--update', '--reason', 'late correction');
  expect(report).toMatchObject({ new: 0, differing: 1, updated: 1 });
  expect(await recordedUsage()).toEqual(expected.set(key, (expected.get(key) ?? 0) + 60_000));
  const [audit] = await desk.query(
    `select a.*, quota.audit_reason(a) as reason from quota.audit_log a where action = 'call-log.update'`,
  );
  expect(audit).toMatchObject({
    reason: 'late correction',
    subject: cells[0],
    before: { durationSeconds: (milliseconds(duration) / 1000).toFixed(3) },
    after: { durationSeconds: ((milliseconds(duration) + 60_000) / 1000).toFixed(3) },
  });
  expect(await importJson('call-logs', corrected, '--update')).toMatchObject({ differing: 0, updated: 0 });
});
