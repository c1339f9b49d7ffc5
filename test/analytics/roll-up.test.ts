import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
let ada: string;

beforeAll(async () => {
  ada = await desk.addUser({ externalId: 'ada' });
  await desk.addCalls({
    userId: ada,
    at: '2026-10-01T10:00:00Z',
    seconds: '60',
    cost: '0.10',
    times: 3,
  });
  await desk.addCalls({ userId: ada, at: '2026-10-02T23:59:59Z', seconds: '30.5' });
  await desk.addCalls({
    userId: ada,
    at: '2026-10-03T00:00:00Z',
    service: 'chat',
    model: 'claude-3-opus',
    times: 2,
  });
});

const rollUp = (asOf: string, ...more: string[]) => desk.at(asOf).json('jobs', 'roll-up-analytics', ...more);

const rolled = () =>
  desk.query(`select day::text, service, plan, calls, seconds, messages, premium_messages as premium, cost
     from quota.usage_analytics order by day, service`);

test('days that are over are rolled up once, by UTC; today is left alone', async () => {
  expect(await rollUp('2026-10-03T12:00:00Z', '--dry-run')).toMatchObject({
    due: 2,
    first: [
      { day: '2026-10-01', rolledAt: null },
      { day: '2026-10-02', rolledAt: null },
    ],
  });
  expect(await rolled()).toEqual([]);
  expect(await rollUp('2026-10-03T12:00:00Z')).toMatchObject({ done: 2, rows: 2, left: 0 });
  expect(await rolled()).toEqual([
    {
      day: '2026-10-01',
      service: 'voice',
      plan: 'voice-free',
      calls: 3,
      seconds: '180.000',
      messages: '0',
      premium: '0',
      cost: '0.30',
    },
    {
      day: '2026-10-02',
      service: 'voice',
      plan: 'voice-free',
      calls: 1,
      seconds: '30.500',
      messages: '0',
      premium: '0',
      cost: '0',
    },
  ]);
  expect(await rollUp('2026-10-03T12:00:00Z')).toMatchObject({ due: 0, done: 0 });
});

/** What days come to, and what their rows do: what is only in one of them. */
const totalsThatDiffer = () =>
  desk.query(`with totals as (select * from quota.analytics_totals), sums as (
       select day, service, plan, sum(calls), sum(errors), sum(seconds), sum(messages),
         sum(premium_messages), sum(cost), sum(tokens), sum(bytes), model
       from quota.usage_analytics group by day, service, plan, model)
     select * from (select * from totals except select * from sums) t
     union all select * from (select * from sums except select * from totals) s`);

test('what a day comes to is kept beside its rows', async () => {
  expect(await totalsThatDiffer()).toEqual([]);
  expect(await desk.query('select day::text, calls from quota.analytics_totals order by day')).toEqual([
    { day: '2026-10-01', calls: '3' },
    { day: '2026-10-02', calls: '1' },
  ]);
});

test('an outage is caught up in one run, days without a call included', async () => {
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ done: 3, rows: 1 });
  expect((await rolled()).at(-1)).toMatchObject({ day: '2026-10-03', messages: '2', premium: '2' });
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ due: 0 });
});

test('late, corrected and moved calls bring their days up again, and only those', async () => {
  await desk.addCalls({
    userId: ada,
    at: '2026-10-05T08:00:00Z',
    seconds: '5',
    asOf: '2026-10-06T01:00:00Z',
  });
  await desk.query(`update quota.call_logs set started_at = '2026-10-02T12:00:00Z' where service = 'chat'`);
  expect(await rollUp('2026-10-06T00:00:00Z', '--dry-run')).toMatchObject({
    first: [{ day: '2026-10-02' }, { day: '2026-10-03' }, { day: '2026-10-05' }],
  });
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ done: 3, rows: 3 });
  expect(await rolled()).toMatchObject([
    { day: '2026-10-01' },
    { day: '2026-10-02', service: 'chat', calls: 2 },
    { day: '2026-10-02', service: 'voice' },
    { day: '2026-10-05', seconds: '5.000' },
  ]);
});

test('a change that no sum can see marks no day, and a day keeps the plan it had', async () => {
  await desk.query(`update quota.call_logs set metadata = '{"a": 1}', words_spoken = 3`);
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ due: 0 });
  await desk.query(`insert into quota.plans (key, service, name) values ('voice-big', 'voice', 'Big');
     insert into quota.plan_limits (plan, meter, limit_quantity, reset_every) values ('voice-big', 'voice_seconds', 6000, '1 month');
     update quota.subscriptions set plan = 'voice-big' where service = 'voice'`);
  await desk.query(`delete from quota.call_logs where started_at = '2026-10-05T08:00:00Z'`);
  await desk.query(`update quota.call_logs set cost = 1 where started_at = '2026-10-01T10:00:00Z'`);
  await rollUp('2026-10-06T00:00:00Z');
  expect(await rolled()).toMatchObject([
    { day: '2026-10-01', plan: 'voice-free', cost: '3' },
    { day: '2026-10-02' },
    { day: '2026-10-02' },
  ]);
});

test('days that lost what they come to are added up from their rows, by who asks and by the next run', async () => {
  const usage = () => desk.at('2026-10-06T12:00:00Z').json('usage', 'analytics', '--month', '2026-10');
  const before = await usage();
  expect(await totalsThatDiffer()).toEqual([]);
  await desk.query(`delete from quota.analytics_totals where day = '2026-10-02'`);
  expect(await usage()).toEqual(before);
  await rollUp('2026-10-06T00:00:00Z');
  expect(await totalsThatDiffer()).toEqual([]);
});

test('a report by model is that of the calls, of days that are rolled up, that are not, and that were before models were told apart', async () => {
  const calls = await desk.query(
    `select coalesce(model, '') as key, count(*)::float8 as calls, count(distinct user_id)::float8 as "activeUsers",
       sum(duration_seconds)::numeric(20,3)::text as seconds
     from quota.call_logs where started_at between '2026-10-01' and '2026-10-31' group by 1 order by 1`,
  );
  const byModel = async () => {
    const { rows } = await desk
      .at('2026-10-06T12:00:00Z')
      .json('usage', 'analytics', '--month', '2026-10', '--by', 'model');
    return rows
      .map(({ key, calls: of, activeUsers, seconds }: Record<string, unknown>) => ({
        key,
        calls: of,
        activeUsers,
        seconds,
      }))
      .toSorted((a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1));
  };
  const expected = calls.map((row) => ({
    ...row,
    seconds: (row as { seconds: string | null }).seconds ?? '0.000',
  }));
  expect(expected.length).toBeGreaterThan(1);
  expect(await byModel()).toEqual(expected);
  await desk.query(`update quota.usage_analytics set model = '';
    update quota.analytics_totals set model = ''; update quota.analytics_days set by_model = false`);
  expect(await byModel()).toEqual(expected);
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ left: 0 });
  expect(await desk.query('select from quota.analytics_days where not by_model')).toEqual([]);
  expect(await totalsThatDiffer()).toEqual([]);
  expect(await byModel()).toEqual(expected);
  expect(await rollUp('2026-10-06T00:00:00Z')).toMatchObject({ due: 0 });
});

test('a writer that has not committed when its day is claimed is waited for', async () => {
  await desk.session(async (writer) => {
    await writer.query('begin');
    await writer.query(
      `insert into quota.call_logs (user_id, service, started_at, duration_seconds) values ($1, 'voice', '2026-10-06T09:00:00Z', 7)`,
      [ada],
    );
    const run = rollUp('2026-10-07T00:00:00Z');
    await expect
      .poll(() =>
        desk.query(
          `select day::text from quota.analytics_days where horizon is not null and rolled_at is null`,
        ),
      )
      .toEqual([{ day: '2026-10-06' }]);
    expect((await rolled()).at(-1)).toMatchObject({ day: '2026-10-02' });
    await writer.query('commit');
    expect(await run).toMatchObject({ left: 0 });
    expect((await rolled()).at(-1)).toMatchObject({ day: '2026-10-06', seconds: '7.000' });
  });
});

test('a transaction that sits there without having changed a call holds up nobody', async () => {
  await desk.session(async (idle) => {
    await idle.query('begin');
    await idle.query('select pg_current_xact_id()');
    await idle.query('select count(*) from quota.call_logs');
    expect(await rollUp('2026-10-08T00:00:00Z')).toMatchObject({ due: 1, left: 0 });
    await idle.query('rollback');
  });
});

test('a writer under a clock of its own, after the claim, leaves a mark', async () => {
  await rollUp('2026-12-02T00:00:00Z');
  await desk.addCalls({ userId: ada, at: '2026-12-01T08:00:00Z', seconds: '9' });
  expect(await rollUp('2026-12-02T00:00:00Z')).toMatchObject({ due: 1, rows: 1 });
});

test('the sums of days are the sums of the facts', async () => {
  const [difference] = await desk.query<{
    same: boolean;
  }>(`select (select sum(seconds) from quota.usage_analytics) = (select sum(duration_seconds) from quota.call_logs)
       and (select sum(calls) from quota.usage_analytics) = (select count(*) from quota.call_logs) as same`);
  expect(difference?.same).toBe(true);
});

test('tokens and bytes of calls are in the day, and bring it up again when they change', async () => {
  const evening = desk.at('2026-11-21T00:00:00Z');
  const sums = () =>
    desk.query(
      `select service, tokens, bytes from quota.usage_analytics where day = '2026-11-20' order by service`,
    );
  await desk.query(
    `insert into quota.meters (key, service, unit) values ('heard_tokens', 'transcription', 'token')`,
  );
  await desk.addCalls({
    userId: ada,
    at: '2026-11-20T08:00:00Z',
    service: 'transcription',
    seconds: '5',
    times: 2,
  });
  await desk.query(
    `update quota.call_logs set file_size_bytes = 3000000000 where started_at = '2026-11-20T08:00:00Z'`,
  );
  await rollUp('2026-11-21T00:00:00Z');
  expect(await sums()).toEqual([{ service: 'transcription', tokens: '0', bytes: '6000000000' }]);
  await desk.query(
    `update quota.call_logs set file_size_bytes = 1000, quantities = '{"tokens": 900}' where started_at = '2026-11-20T08:00:00Z'`,
  );
  const day = ['usage', 'analytics', '--from', '2026-11-20', '--to', '2026-11-21'];
  const before = await evening.json(...day);
  expect(before).toMatchObject({ totals: { tokens: '1800', bytes: '2000' }, daysToRollUp: 1 });
  expect(await rollUp('2026-11-21T00:00:00Z')).toMatchObject({ done: 1 });
  expect(await sums()).toEqual([{ service: 'transcription', tokens: '1800', bytes: '2000' }]);
  expect(await evening.json(...day)).toEqual({ ...before, daysToRollUp: 0 });
  expect((await evening.json(...day, '--by', 'hour')).rows).toMatchObject([{ key: '08', tokens: '1800' }]);
  expect((await evening.run(...day)).stdout).toContain('2 calls, 0:00:10 h, 1800 tokens, 1.95 KB');
});
