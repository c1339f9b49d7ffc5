import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSession } from '../hold.ts';
import { expectedKinds, makeMonth, vapiJson } from '../reconcile/made-month.ts';
import { MonthDesk } from '../reconcile/month-desk.ts';

const asOf = '2026-12-20T12:00:00Z';
const header = 'user_external_id,service,provider,provider_call_id,started_at,duration_seconds';
const made = makeMonth(7, '2026-10', { users: 12, calls: 130 });
const plain = new MonthDesk({ asOf });
const divided = new MonthDesk({ asOf });
const desks = [plain, divided];

/** What is asked of both, and must be answered alike. */
async function alike<T>(ask: (desk: MonthDesk) => Promise<T>): Promise<T> {
  const [one, other] = [await ask(plain), await ask(divided)];
  expect(other).toEqual(one);
  return one;
}

/** Everything that calls came to, by names that both databases have. */
const standing = (desk: MonthDesk) =>
  desk.query(`
    with called as (
      select id, case when erased_at is null then external_id else 'erased' end as name from quota.users)
    select 'call' as what, u.name, l.service, l.provider, l.provider_call_id, l.started_at::text, l.status,
      l.duration_seconds::text, l.cost::text, l.metadata::text, l.settled_by
    from quota.call_logs l join called u on u.id = l.user_id
    union all
    select 'quota', u.name, q.meter, q.used::text, q.adjusted::text, q.period_start::text, q.cost::text,
      q.calls::text, (q.exhausted_at is not null)::text, q.closed_at::text, null
    from quota.usage_quotas q join called u on u.id = q.user_id
    union all
    select 'alert', u.name, a.meter, a.threshold::text, null, a.period_start::text, null, null, null, null, null
    from quota.usage_alerts a join called u on u.id = a.user_id
    union all
    select 'item', i.kind, count(*)::text, sum(i.billed)::text, sum(i.logged)::text, null, null, null, null, null, null
    from quota.reconciled_items i group by i.kind
    order by 1, 2, 3, 4, 5, 6, 7, 8`);

beforeAll(async () => {
  for (const desk of desks) {
    await desk.open();
  }
  const dry = await divided.json('db', 'partition', '--from', '2026-01', '--dry-run');
  expect(dry).toMatchObject({ isPartitioned: false, border: '2026-01', auditId: null });
  const done = await divided.json('db', 'partition', '--from', '2026-01', '--reason', 'a test', '--yes');
  expect(done).toMatchObject({ dryRun: false, months: 15 });
});
afterAll(async () => {
  for (const desk of desks) {
    await desk.close();
  }
});

const count = async (sql: string) => Number((await divided.query<{ n: string }>(sql))[0]?.n);

test('a month of calls comes to the same, imported twice, reconciled, back-filled', async () => {
  const calls = Array.from({ length: 24 }, (_, n) => {
    const month = String(1 + (n % 12)).padStart(2, '0');
    return `user_7_${n % 12},voice,vapi,${n < 12 ? '' : `file-${n}`},2026-${month}-01T00:00:0${n % 10}Z,61.5`;
  });
  for (const desk of desks) {
    await desk.loadMonth(made);
  }
  const load =
    (update: string[] = []) =>
    async (desk: MonthDesk) => {
      const file = desk.write('calls.csv', [header, ...calls]);
      const report = await desk.json('import', 'call-logs', file, ...update);
      return { new: report.new, existing: report.existing, updated: report.updated };
    };
  expect(await alike(load())).toMatchObject({ new: 24, existing: 0 });
  expect(await alike(load())).toMatchObject({ new: 0, existing: 24 });
  // Into the month after, where it was another call's month.
  calls.splice(13, 1, 'user_7_1,voice,vapi,file-13,2026-03-02T00:00:00Z,30');
  const updated = await alike(load(['--update', '--reason', 'mended']));
  expect(updated).toMatchObject({ updated: 1 });
  const kinds = await alike(async (desk) => {
    const bill = desk.write('bill.jsonl', made.lines.map(vapiJson));
    return (await desk.json(3, 'reconcile', '--month', '2026-10', '--export', bill)).kinds;
  });
  expect(Object.keys(kinds).length).toBeGreaterThan(8);
  expect(kinds.matched.count).toBe(expectedKinds(made).matched?.count);
  await alike(async (desk) => {
    const { auditId: _id, ...done } = await desk.json(
      ...['reconcile', 'backfill', '--month', '2026-10', '--reason', 'never logged', '--yes'],
    );
    return JSON.stringify(done).replaceAll(/"(id|logId|discrepancyId|userId)":"[^"]*"/g, '');
  });
  await alike(standing);
  expect(await count('select count(distinct tableoid) as n from quota.call_logs')).toBeGreaterThan(1);
});

test('calls are recorded once, whatever month they are told of', async () => {
  await alike(async (desk) => {
    const told = (key: string, startedAt: string, seconds = 60) =>
      desk.queryAt(
        asOf,
        `select recorded, differs, used, remaining from quota.record('user_7_1', 'voice', $1, $3, 'vapi', p_started_at => $2)`,
        [key, startedAt, seconds],
      );
    return [
      await told('k1', '2026-12-03T10:00:00Z'),
      await told('k1', '2026-12-03T10:00:00Z'),
      await told('k1', '2026-11-03T10:00:00Z'),
      await told('k1', '2026-11-03T10:00:00Z', 30),
      await told('k2', '2026-11-30T23:59:59Z'),
    ];
  });
  const insert =
    (startedAt: string, besides = '') =>
    (desk: MonthDesk) =>
      desk
        .query(
          `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at)
         select id, 'voice', 'vapi', 'k1', $1 from quota.users where external_id = 'user_7_2' ${besides} returning 1 as made`,
          [startedAt],
        )
        .catch(({ code, constraint }) => ({ code, constraint: constraint.replace(/_\d{4}_\d{2}/, '') }));
  const refused = { code: '23505', constraint: 'call_logs_provider_call' };
  expect(await alike(insert('2026-12-04T10:00:00Z'))).toEqual(refused);
  expect(await alike(insert('2026-10-04T10:00:00Z'))).toEqual(refused);
  expect(await alike(insert('2026-12-04T10:00:00Z', 'on conflict do nothing'))).toEqual([]);
  // An index of one month knows nothing of another: said, not passed over.
  expect(await insert('2026-10-04T10:00:00Z', 'on conflict do nothing')(divided)).toEqual(refused);
});

test('sessions, corrections beyond the end of a month, new keys, deletions and erasure come to the same', async () => {
  await alike(async (desk) => {
    const at = (instant: string, call: string) => desk.queryAt(instant, call);
    await at(
      '2026-11-30T23:50:00Z',
      `select quota.start_session('user_7_3', 'voice', 's1', 'vapi', p_estimate => 300)`,
    );
    await at('2026-11-30T23:51:00Z', `select quota.touch_session('user_7_3', 's1', 50)`);
    await at('2026-12-01T00:01:00Z', `select quota.end_session('user_7_3', 's1', 600)`);
    await desk.query(`update quota.call_logs set started_at = started_at + interval '33 days',
      ended_at = ended_at + interval '33 days' where provider_call_id in ('k2', 's1')`);
    await desk.query(`update quota.call_logs set provider_call_id = 'k3' where provider_call_id = 'k2'`);
    await desk.query(`delete from quota.call_logs where provider_call_id = 'k1'`);
    await desk.json('user', 'erase', 'user_7_4', '--reason', 'asked to', '--yes');
    const recorded = await desk
      .queryAt(
        asOf,
        `select r.recorded from unnest(array['k1', 'k2', 'k3']) k,
         quota.record('user_7_1', 'voice', k, 10, 'vapi', p_started_at => '2026-12-05T10:00:00Z') r`,
      )
      .catch(({ code }) => code);
    return { recorded, differences: await desk.differences() };
  });
  await alike(standing);
  expect(await divided.differences()).toEqual([]);
  expect(
    await count(`select count(*) as n from quota.call_logs l full join quota.call_keys k on k.call_log_id = l.id
      and (k.provider = l.provider and k.key = l.provider_call_id or k.provider is null and k.key = l.import_key)
      where k.key is null and coalesce(l.provider_call_id, l.import_key) is not null or l.id is null`),
  ).toBe(0);
});

test('months are made ahead, with what came before them; a backup brings everything back', async () => {
  await divided.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
     select id, 'voice', 'vapi', 'early', '2027-05-03', 1 from quota.users where external_id = 'user_7_5'`,
  );
  const where = async () =>
    (
      await divided.query(
        `select tableoid::regclass::text as place from quota.call_logs where provider_call_id = 'early'`,
      )
    )[0];
  expect(await where()).toEqual({ place: 'quota.call_logs_rest' });
  expect(await divided.at('2027-04-01T00:00:00Z').json('jobs', 'purge')).toMatchObject({ months: 4 });
  expect(await where()).toEqual({ place: 'quota.call_logs_2027_05' });
  expect(await divided.json('jobs', 'purge')).toMatchObject({ months: 0 });
  const { folder } = await divided.json('db', 'backup', divided.path('saved'), '--method', 'copy');
  const before = await standing(divided);
  await divided.json('db', 'restore', folder, '--replace', '--reason', 'a test', '--yes');
  expect(await standing(divided)).toEqual(before);
  expect(await count('select count(*) as n from quota.call_keys')).toBeGreaterThan(100);
});

test('it is done once, and is what the doctor and an update expect', async () => {
  const again = await divided.run('db', 'partition', '--yes');
  expect(again.stdout).toBe('The calls are partitioned by month already.\n');
  await divided.json('db', 'migrate', '--reinstall');
  const { checks } = await divided.json('doctor', '--full');
  const wrong = checks.filter(
    ({ count, level }: { count: number; level: string }) => count > 0 && level !== 'attention',
  );
  expect(wrong).toEqual([]);
  // A partition shows its rows through quota.call_logs only.
  const [{ open } = {}] = await divided.query(
    `select count(*)::integer as open from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'quota.call_logs'::regclass and not c.relrowsecurity`,
  );
  expect(open).toBe(0);
});

test('as a shard it is like one that is not partitioned; it cannot be the database of finance', async () => {
  const of = ({ url }: MonthDesk, index: number) =>
    `  - { name: s${index}, number: ${index}, url: ${JSON.stringify(url)}, buckets: ${index * 512}-${index * 512 + 511} }`;
  const QUOTA_SHARDS = divided.write('shards.yaml', ['shards:', ...desks.map(of)]);
  const onShards = divided.with({ env: { QUOTA_SHARDS } });
  const listed = await onShards.json('shards', 'list');
  expect(listed.map(({ state }: { state: string }) => state)).toEqual(['ok', 'ok']);
  const init = ['shards', 'finance', '--init', '--login', 'reader', '--yes'];
  const refused = await onShards.json(5, ...init, '--database-url', divided.url);
  expect(refused.error.message).toMatch(/are partitioned by month/);
});

test('what needs the table as it is, and calls beyond the first month, stop it before anything is done', async () => {
  const refuse = async (code: number) =>
    (await plain.json(code, 'db', 'partition', '--from', '2026-11', '--yes')).error;
  expect((await refuse(5)).message).toMatch(/calls that begin in 2026-11 or later/);
  await plain.query('create view public.calls as select id from quota.call_logs');
  expect(await refuse(78)).toMatchObject({ detail: 'view public.calls' });
  await plain.query('drop view public.calls');
});

test('killed while it prepares, it is told of, taken back, and can be done again; no call is refused for longer', async () => {
  const words = ['db', 'partition', '--from', '2027-02', '--reason', 'a test', '--yes'];
  const left = async () =>
    (await plain.query<{ what: string }>('select what from quota.left_by_partition() l(what)')).map(
      ({ what }) => what,
    );
  const breakOff = async (hold: string, signal: NodeJS.Signals) => {
    const holder = await openSession(plain.url, hold);
    const run = plain.start(...words);
    await holder.waitedFor();
    expect(await left()).toEqual([]);
    run.kill(signal);
    const { code } = await run.result;
    await holder.endWaiting();
    await holder.end();
    return { code, left: await left() };
  };
  const early = () =>
    plain.query(
      `insert into quota.call_logs (user_id, service, started_at)
       select id, 'voice', '2027-02-01' from quota.users where external_id = 'user_7_5'`,
    );
  const keys = ['index quota.call_logs_partition_key', 'table quota.call_keys'];
  const writer = `update quota.call_logs set words_spoken = 1 where id = (select min(id) from quota.call_logs)`;
  const atTheEnd = 'lock table quota.audit_log in share mode';
  expect((await breakOff(writer, 'SIGKILL')).left).toEqual(keys.slice(0, 1));
  expect(await breakOff(atTheEnd, 'SIGTERM')).toEqual({ code: 143, left: keys });
  expect((await breakOff(atTheEnd, 'SIGKILL')).left).toEqual([
    expect.stringMatching(/^refuses calls that do not meet CHECK \(\(started_at < '2027-02-01/),
    ...keys,
  ]);
  await expect(early()).rejects.toMatchObject({ code: '23514' });
  const { checks } = await plain.json('doctor');
  expect(checks.find(({ check }: { check: string }) => check === 'partition')).toMatchObject({
    ...{ count: 3, suggestion: expect.stringMatching(/^quota jobs purge/) },
  });
  await plain.json('jobs', 'purge');
  expect(await left()).toEqual([]);
  await early();
  expect((await plain.json(5, ...words)).error.message).toMatch(/calls that begin in 2027-02 or later/);
  await plain.query(`delete from quota.call_logs where started_at = '2027-02-01'`);
  await plain.json(...words);
  expect(await left()).toEqual([]);
  expect(await plain.differences()).toEqual([]);
});
