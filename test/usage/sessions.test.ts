import { beforeEach, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const start = Date.parse('2026-11-10T12:00:00Z');
/** Seconds after noon, as an instant. */
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const minute = 60;
const hour = 3600;
const day = 86_400;

let number = 0;
/** A user of a test's own. */
let user: string;
beforeEach(() => {
  number += 1;
  user = `user ${number}`;
});

async function subscribe(plan: string, createdAt = '2026-10-20T09:00:00Z', timezone = 'UTC') {
  const id = await desk.addUser({ externalId: user, createdAt, timezone });
  await desk.queryAt(
    createdAt,
    `insert into quota.subscriptions (user_id, service, plan) select $1, service, key from quota.plans where key = $2`,
    [id, plan],
  );
}

type Row = Record<string, unknown>;
const ask = async (when: number | string, sql: string, values: unknown[] = []): Promise<Row> => {
  const [row] = await desk.queryAt<Row>(typeof when === 'number' ? at(when) : when, sql, values);
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([key, value]) => [
      key,
      typeof value === 'string' && /^-?\d+\.?\d*$/.test(value) ? Number(value) : value,
    ]),
  );
};
const begin = (when: number | string, service: string, key: string, more = '') =>
  ask(when, `select * from quota.start_session($1, $2, $3${more})`, [user, service, `${user} ${key}`]);
const touch = (when: number | string, key: string, seconds: number | null) =>
  ask(when, 'select * from quota.touch_session($1, $2, $3)', [user, `${user} ${key}`, seconds]);
const end = (when: number | string, key: string, seconds: number | null, more = '') =>
  ask(when, `select * from quota.end_session($1, $2, $3${more})`, [user, `${user} ${key}`, seconds]);
const record = (when: number | string, service: string, key: string, quantity: number, more = '') =>
  ask(when, `select * from quota.record($1, $2, $3, $4${more})`, [user, service, `${user} ${key}`, quantity]);
const check = (when: number | string, service: string, key: string | null = null) =>
  ask(when, 'select * from quota.check($1::text, $2, p_session => $3)', [
    user,
    service,
    key === null ? null : `${user} ${key}`,
  ]);
const reap = (when: number | string) =>
  desk.at(typeof when === 'number' ? at(when) : when).json('jobs', 'reap-stale', '--user', user);
const stored = (key: string) =>
  ask(
    0,
    `select status, duration_seconds as seconds, messages, cost, settled_by, error_message as error,
       to_char(started_at, 'YYYY-MM-DD HH24:MI') as started,
       (select count(*)::integer from quota.concurrent_processing c where c.call_log_id = l.id) as leases
     from quota.call_logs l where provider_call_id = $1`,
    [`${user} ${key}`],
  );

test('a tab that crashed costs what it had used, and the next session starts a minute and a half later', async () => {
  await subscribe('avatar-lifetime');
  expect(await begin(0, 'avatar', 'tab')).toMatchObject({ allowed: true, cap_seconds: 1200 });
  expect(await touch(30, 'tab', 30)).toMatchObject({
    running: true,
    progress: 30,
    remaining: 1170,
    cap_seconds: 1200,
    ends_at: new Date(at(1200)),
    expires_at: new Date(at(120)),
    action: null,
  });
  await touch(60, 'tab', 60);
  expect(await check(100, 'avatar')).toMatchObject({ allowed: false, action: 'switch_to_static' });
  // The lease is over: what it told counts, before it is settled and after.
  expect(await check(150, 'avatar')).toMatchObject({ allowed: true, remaining: 1140 });
  expect(await reap(150)).toMatchObject({ sessions: 1 });
  expect(await check(150, 'avatar')).toMatchObject({ allowed: true, used: 60, remaining: 1140 });
  expect(await stored('tab')).toMatchObject({
    status: 'error',
    seconds: 60,
    settled_by: 'heartbeat',
    leases: 0,
  });
  const history = await desk.queryAt(
    at(155),
    'select is_estimate, seconds::float8 from quota.usage_history($1)',
    [user],
  );
  expect(history).toEqual([{ is_estimate: true, seconds: 60 }]);
  expect(await begin(160, 'avatar', 'tab 2')).toMatchObject({ allowed: true, cap_seconds: 1140 });
  // The first tab's beacon arrives after all.
  expect(await end(10 * minute, 'tab', 75)).toMatchObject({ recorded: true, used: 75, is_estimate: false });
  expect(await stored('tab')).toMatchObject({
    status: 'completed',
    seconds: 75,
    settled_by: null,
    error: null,
  });
});

test('a client that never told a thing is charged what it held, until somebody knows better', async () => {
  await subscribe('avatar-lifetime');
  await begin(0, 'avatar', 'silent');
  expect(await check(24 * minute, 'avatar')).toMatchObject({ allowed: false });
  const answers = [await check(26 * minute, 'avatar'), await begin(26 * minute, 'avatar', 'again')];
  expect(answers).toMatchObject([
    { allowed: false, reason: 'quota_exceeded' },
    { allowed: false, reason: 'quota_exceeded' },
  ]);
  expect(await stored('silent')).toMatchObject({ seconds: 1200, settled_by: 'reservation', status: 'error' });
  expect(await end(hour, 'silent', 10)).toMatchObject({ recorded: true, used: 10, remaining: 1190 });
  expect(await begin(hour, 'avatar', 'now')).toMatchObject({ allowed: true, cap_seconds: 1190 });
});

test('a job that takes three times its estimate keeps its place and its true cost', async () => {
  await subscribe('transcription-free');
  await begin(0, 'transcription', 'job', ', p_estimate => 180');
  expect(await reap(10 * minute)).toMatchObject({ due: 0 });
  expect(await begin(10 * minute, 'transcription', 'other')).toMatchObject({ reason: 'too_many_concurrent' });
  expect(await touch(50 * minute, 'job', 400)).toMatchObject({
    running: true,
    progress: 400,
    action: null,
    expires_at: new Date(at(110 * minute)),
  });
  expect(await check(60 * minute, 'transcription')).toMatchObject({ remaining: 1400 });
  expect(await reap(100 * minute)).toMatchObject({ due: 0 });
  expect(await end(100 * minute, 'job', 540, ', p_cost => 0.09')).toMatchObject({
    recorded: true,
    used: 540,
    remaining: 1260,
  });
  expect(await stored('job')).toMatchObject({ seconds: 540, cost: 0.09, leases: 0 });
});

test('a job that nobody heard of again is an estimate of what it was to take', async () => {
  await subscribe('transcription-free');
  await begin(0, 'transcription', 'job', ', p_estimate => 1200');
  expect(await reap(59 * minute)).toMatchObject({ due: 0 });
  expect(await reap(61 * minute)).toMatchObject({ sessions: 1 });
  expect(await stored('job')).toMatchObject({ seconds: 1200, settled_by: 'reservation' });
  expect(await end(3 * hour, 'job', 900, ', p_cost => 0.09')).toMatchObject({ recorded: true, used: 900 });
});

test('a webhook before the end frees the reservation at once, whichever way it comes', async () => {
  await subscribe('voice-free');
  await begin(0, 'voice', 'by record', `, p_provider => 'vapi', p_estimate => 300`);
  expect(await record(240, 'voice', 'by record', 240, `, p_provider => 'vapi'`)).toMatchObject({
    recorded: true,
    used: 240,
    remaining: 360,
  });
  expect(await stored('by record')).toMatchObject({ status: 'completed', seconds: 240, leases: 0 });
  await begin(300, 'voice', 'by row', `, p_estimate => 300`);
  await desk.queryAt(
    at(400),
    `update quota.call_logs set status = 'completed', ended_at = started_at + interval '60 s' where provider_call_id = $1`,
    [`${user} by row`],
  );
  expect(await check(400, 'voice')).toMatchObject({ used: 300, remaining: 300 });
  await begin(500, 'voice', 'deleted', `, p_estimate => 300`);
  await desk.queryAt(at(510), 'delete from quota.call_logs where provider_call_id = $1', [`${user} deleted`]);
  expect(await check(510, 'voice')).toMatchObject({ used: 300, remaining: 300 });
  expect(await end(600, 'by record', 240)).toMatchObject({ recorded: false, differs: false });
  expect(await reap(2 * hour)).toMatchObject({ due: 0 });
});

test('the row of a status webhook is completed by whoever tells the end', async () => {
  await subscribe('voice-free');
  const webhook = (key: string) =>
    desk.queryAt(
      at(0),
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at)
       select id, 'voice', 'vapi', $2, 'active', quota.now() from quota.users where external_id = $1`,
      [user, `${user} ${key}`],
    );
  await webhook('a');
  expect(await begin(5, 'voice', 'a', `, p_provider => 'vapi', p_estimate => 100`)).toMatchObject({
    allowed: true,
    cap_seconds: 100,
  });
  expect(await record(70, 'voice', 'a', 65, `, p_provider => 'vapi'`)).toMatchObject({
    recorded: true,
    used: 65,
  });
  await webhook('b');
  expect(await reap(2 * day)).toMatchObject({ calls: 1 });
  expect(await stored('b')).toMatchObject({ status: 'error', seconds: null, settled_by: 'nobody' });
  expect(await end(2 * day, 'b', 35, `, p_provider => 'vapi'`)).toMatchObject({ recorded: true, used: 100 });
});

test('an end before its start is recorded where its service is told, and the start is then refused', async () => {
  await subscribe('avatar-lifetime');
  await expect(end(0, 'early', 90)).rejects.toMatchObject({
    code: 'QT003',
    hint: expect.stringContaining('p_service'),
  });
  expect(await end(100, 'early', 90, `, p_service => 'avatar'`)).toMatchObject({ recorded: true, used: 90 });
  await expect(begin(101, 'avatar', 'early')).rejects.toMatchObject({ code: 'QT003' });
  expect(await end(102, 'early', 90, `, p_service => 'avatar'`)).toMatchObject({
    recorded: false,
    differs: false,
  });
  // By a clock that is behind: nothing was used.
  await begin(200, 'avatar', 'behind');
  expect(await end(190, 'behind', null)).toMatchObject({ recorded: true, used: 90 });
});

test('of two ends that differ the first stays, and the second is told what it is', async () => {
  await subscribe('voice-free');
  await begin(0, 'voice', 'twice');
  expect(await end(60, 'twice', 55, ', p_cost => 0.1')).toMatchObject({ recorded: true, differs: false });
  const second = { recorded: false, stored_quantity: 55, stored_cost: 0.1, stored_status: 'completed' };
  expect(await end(70, 'twice', 55)).toMatchObject({ ...second, differs: false });
  expect(await end(70, 'twice', 55.0001, ', p_cost => 0.10')).toMatchObject({ ...second, differs: false });
  expect(await end(70, 'twice', 58)).toMatchObject({ ...second, differs: true, used: 55 });
  expect(await record(80, 'voice', 'twice', 55, ', p_cost => 0.2')).toMatchObject({
    ...second,
    differs: true,
  });
  await record(90, 'chat', 'message', 1);
  expect(await record(91, 'chat', 'message', 1)).toMatchObject({ recorded: false, differs: false });
  expect(await record(91, 'chat', 'message', 2)).toMatchObject({ recorded: false, differs: true });
  expect(await record(91, 'chat', 'message', 1, `, p_status => 'error'`)).toMatchObject({ differs: true });
});

test('an end a day late replaces the estimate, in the period of the start', async () => {
  await subscribe('voice-free', '2026-10-11T09:00:00Z');
  await begin('2026-11-10T23:55:00Z', 'voice', 'late');
  await reap('2026-11-11T01:00:00Z');
  await desk.at('2026-11-11T02:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync');
  expect(await check('2026-11-11T02:00:00Z', 'voice')).toMatchObject({ used: 0, remaining: 600 });
  expect(await end('2026-11-11T23:55:00Z', 'late', 240)).toMatchObject({ recorded: true, used: 0 });
  const periods = await desk.query(
    `select to_char(period_start, 'MM-DD') as start, used::float8, (used - used_at_close)::float8 as late
     from quota.usage_quotas q join quota.users u on u.id = q.user_id where external_id = $1 order by 1`,
    [user],
  );
  expect(periods).toEqual([
    { start: '10-11', used: 240, late: -360 },
    { start: '11-11', used: 0, late: null },
  ]);
});

test('a session that began before the boundary holds nothing of the fresh period', async () => {
  await subscribe('voice-free', '2026-10-11T09:00:00Z');
  await begin('2026-11-10T23:58:00Z', 'voice', 'over midnight');
  await desk.at('2026-11-11T00:01:00Z').run('jobs', 'reset-anniversaries', '--no-sync');
  expect(await check('2026-11-11T00:02:00Z', 'voice')).toMatchObject({ allowed: true, remaining: 600 });
  expect(await touch('2026-11-11T00:03:00Z', 'over midnight', 300)).toMatchObject({
    remaining: 300,
    cap_seconds: 600,
    action: null,
  });
  expect(await touch('2026-11-11T00:08:00Z', 'over midnight', 600)).toMatchObject({
    remaining: 0,
    action: 'limit_assistants',
  });
  expect(await check('2026-11-11T00:09:00Z', 'voice')).toMatchObject({ remaining: 600 });
});

test('without a limit nothing is reserved, and the end counts however long the lease is over', async () => {
  await desk.query(
    `insert into quota.plans (key, service, name) values ('voice-open', 'voice', 'Open') on conflict do nothing`,
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, reset_every) values ('voice-open', 'voice_seconds', '1 month')`,
  );
  await subscribe('voice-open');
  expect(await begin(0, 'voice', 'long')).toMatchObject({ allowed: true, cap_seconds: null });
  expect(await touch(60, 'long', 60)).toMatchObject({
    remaining: null,
    cap_seconds: null,
    ends_at: null,
    action: null,
  });
  await reap(hour);
  expect(await stored('long')).toMatchObject({ status: 'error', seconds: 60 });
  expect(await end(2 * hour, 'long', 5400)).toMatchObject({ recorded: true, used: 5400 });
});

test('the countdown of a session is its own, beside those of others', async () => {
  await subscribe('avatar-monthly');
  await begin(0, 'avatar', 'one', ', p_estimate => 600');
  await begin(0, 'avatar', 'two', ', p_estimate => 900');
  expect(await check(1, 'avatar')).toMatchObject({ allowed: true, remaining: 2100 });
  expect(await check(1, 'avatar', 'one')).toMatchObject({ allowed: true, remaining: 2700 });
  expect(await touch(60, 'one', 50)).toMatchObject({ remaining: 2650, cap_seconds: 600 });
  expect(await check(61, 'avatar', 'one')).toMatchObject({ remaining: 2650 });
  expect(await check(61, 'avatar')).toMatchObject({ remaining: 2100 });
  expect(await touch(600, 'one', 600)).toMatchObject({ cap_seconds: 600, action: 'switch_to_static' });
  expect(await check(601, 'avatar', 'unknown')).toMatchObject({ remaining: 2100 });
  expect(await end(610, 'two', 100)).toMatchObject({ used: 100, remaining: 2900 });
});

test('an allowance that is raised or taken while a session runs changes when it is to end', async () => {
  await subscribe('avatar-lifetime');
  await record(-day, 'avatar', 'before', 1140);
  expect(await begin(0, 'avatar', 'short')).toMatchObject({ cap_seconds: 60 });
  await desk.at(at(10)).json('user', 'grant', user, 'avatar_seconds', '100', '--reason', 'sorry', '--yes');
  expect(await touch(20, 'short', 20)).toMatchObject({ cap_seconds: 160, remaining: 140 });
  await record(30, 'avatar', 'beside', 100);
  expect(await touch(40, 'short', 40)).toMatchObject({ cap_seconds: 60, remaining: 20 });
});

test('a session that was given up and lives runs again', async () => {
  await subscribe('avatar-lifetime');
  await begin(0, 'avatar', 'asleep');
  await touch(30, 'asleep', 30);
  await reap(10 * minute);
  expect(await touch(11 * minute, 'asleep', 40)).toMatchObject({
    running: true,
    progress: 40,
    remaining: 1160,
  });
  expect(await check(11 * minute, 'avatar')).toMatchObject({ used: 0, allowed: false });
  expect(await touch(11 * minute + 1, 'asleep', 35)).toMatchObject({ progress: 40 });
  await reap(20 * minute);
  expect(await begin(21 * minute, 'avatar', 'asleep')).toMatchObject({ allowed: true, cap_seconds: 1200 });
  expect(await end(22 * minute, 'asleep', 90)).toMatchObject({ recorded: true, used: 90 });
  expect(await touch(23 * minute, 'asleep', 100)).toMatchObject({
    running: false,
    status: 'completed',
    progress: 90,
    remaining: 1110,
  });
});

test('a start that is told again says nothing of what was used: given up once more it costs what it held', async () => {
  await subscribe('avatar-lifetime');
  const held = { status: 'error', seconds: 1200, settled_by: 'reservation', leases: 0 };
  await begin(0, 'avatar', 'silent');
  // Its lease is over and nobody has settled it; then somebody has.
  expect(await begin(26 * minute, 'avatar', 'silent')).toMatchObject({
    allowed: true,
    cap_seconds: 1200,
    expires_at: new Date(at(51 * minute)),
  });
  expect(await check(40 * minute, 'avatar')).toMatchObject({ allowed: false, used: 0 });
  await reap(51 * minute);
  expect(await stored('silent')).toMatchObject(held);
  expect(await begin(52 * minute, 'avatar', 'silent', `, p_grace => '1 minute'`)).toMatchObject({
    allowed: true,
    cap_seconds: 1200,
    expires_at: new Date(at(73 * minute)),
  });
  await reap(73 * minute);
  expect(await stored('silent')).toMatchObject(held);
  // What it may not go on with leaves it as it was.
  await record(80 * minute, 'avatar', 'beside', 1200);
  expect(await begin(81 * minute, 'avatar', 'silent')).toMatchObject({
    allowed: false,
    reason: 'quota_exceeded',
    action: 'switch_to_static',
    expires_at: null,
  });
  expect(await stored('silent')).toMatchObject(held);
  expect(await end(82 * minute, 'silent', 5)).toMatchObject({ recorded: true, used: 1205 });
});

test('a session of a period that is over goes on with what it was taken to have used, or without a limit', async () => {
  await subscribe('voice-free', '2026-10-11T09:00:00Z');
  await begin('2026-11-10T23:00:00Z', 'voice', 'over');
  await reap('2026-11-11T01:00:00Z');
  expect(await begin('2026-11-11T01:10:00Z', 'voice', 'over')).toMatchObject({
    allowed: true,
    cap_seconds: 600,
  });
  expect(await touch('2026-11-11T01:11:00Z', 'over', 100)).toMatchObject({
    remaining: 500,
    cap_seconds: 600,
    action: null,
  });
  expect(await check('2026-11-11T01:12:00Z', 'voice')).toMatchObject({ remaining: 600 });
  await desk.query(
    `insert into quota.plans (key, service, name) values ('voice-endless', 'voice', 'Endless')`,
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, reset_every) values ('voice-endless', 'voice_seconds', '1 month')`,
  );
  user = `${user} without a limit`;
  await subscribe('voice-endless', '2026-10-11T09:00:00Z');
  await begin('2026-11-10T23:00:00Z', 'voice', 'long');
  expect(await touch('2026-11-11T01:00:00Z', 'long', 7200)).toMatchObject({
    remaining: null,
    cap_seconds: null,
    action: null,
  });
});

test('a plan says how long its sessions live after a sign of life', async () => {
  await desk.query(
    `insert into quota.plans (key, service, name, lease_seconds) values ('voice-slow', 'voice', 'Slow', 600)`,
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, limit_quantity) values ('voice-slow', 'voice_seconds', 6000)`,
  );
  await subscribe('voice-slow');
  expect(await begin(0, 'voice', 's', ', p_estimate => 120')).toMatchObject({
    expires_at: new Date(at(420)),
  });
  expect(await touch(10, 's', 10)).toMatchObject({ expires_at: new Date(at(610)) });
});

test('a message that was reserved and never reported counts', async () => {
  await subscribe('chat-free');
  await begin(0, 'chat', 'm', ', p_estimate => 1');
  expect(await reap(2 * hour)).toMatchObject({ sessions: 1 });
  expect(await check(2 * hour, 'chat')).toMatchObject({ used: 1 });
  expect(await stored('m')).toMatchObject({ status: 'completed', messages: 1, settled_by: 'reservation' });
  expect(await end(3 * hour, 'm', null, `, p_status => 'error'`)).toMatchObject({ recorded: true, used: 0 });
});

test('messages that are on their way are held once', async () => {
  await subscribe('chat-free');
  await desk.queryAt(
    at(0),
    `insert into quota.call_logs (user_id, service, started_at, messages) select id, 'chat', quota.now(), 97 from quota.users
     where external_id = $1`,
    [user],
  );
  expect(await begin(1, 'chat', 'm1', ', p_estimate => 1')).toMatchObject({ allowed: true });
  expect(await begin(1, 'chat', 'm2', ', p_estimate => 1')).toMatchObject({ allowed: true });
  expect(await check(1, 'chat')).toMatchObject({ allowed: true, remaining: 1 });
  expect(await begin(1, 'chat', 'm3', ', p_estimate => 1')).toMatchObject({ allowed: true });
  expect(await begin(1, 'chat', 'm4', ', p_estimate => 1')).toMatchObject({ allowed: false });
});

test('an end without a length leaves an estimate an estimate', async () => {
  await subscribe('avatar-lifetime');
  await begin(0, 'avatar', 'vague');
  await touch(30, 'vague', 30);
  await reap(hour);
  expect(await end(day, 'vague', null)).toMatchObject({ recorded: false, is_estimate: true, used: 30 });
  expect(await end(day, 'vague', 33)).toMatchObject({ recorded: true, is_estimate: false, used: 33 });
});

test.each([
  ['a negative grace', `, p_grace => '-1 second'`, 'QT003'],
  ['a grace of days', `, p_grace => '25 hours'`, 'QT003'],
  ['a negative estimate', ', p_estimate => -1', 'QT003'],
  ['a start to come', `, p_started_at => quota.now() + interval '6 minutes'`, 'QT004'],
  ['a start of weeks ago', `, p_started_at => quota.now() - interval '8 days'`, 'QT004'],
])('%s is refused', async (_, more, code) => {
  await subscribe('voice-free');
  await expect(begin(0, 'voice', 'bad', more)).rejects.toMatchObject({ code });
});

test('what cannot be told of a session is refused, and changes nothing', async () => {
  await subscribe('voice-free');
  await begin(0, 'voice', 's');
  for (const told of [
    () => touch(1, 's', -1),
    () => touch(1, 's', 604_801),
    () => touch(1, 'unknown', 1),
    () => end(1, 's', -1),
    () => end(1, 's', 604_801),
    () => end(1, 's', 1, `, p_status => 'active'`),
    () => end(1, 's', 1, ', p_messages => -1'),
  ]) {
    await expect(told()).rejects.toMatchObject({ code: 'QT003' });
  }
  await expect(
    record(1, 'voice', 'old', 1, `, p_started_at => '2000-01-01T00:00:00Z'`),
  ).rejects.toMatchObject({ code: 'QT004' });
  expect(await stored('s')).toMatchObject({ status: 'active', leases: 1 });
});

test('all of it follows from the facts', async () => {
  expect(await desk.differences()).toEqual([]);
});
