import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

interface Answer {
  allowed?: boolean;
  recorded?: boolean;
  plan?: string;
  used: string;
  limit: string;
  remaining: string;
}

/** What an app asks or tells at an instant. */
const ask = async (at: string, sql: string): Promise<Answer> => {
  const [row] = await desk.queryAt<Record<string, string>>(at, sql);
  return row as unknown as Answer;
};
const check = (at: string, user: string, service = 'voice') =>
  ask(
    at,
    `select allowed, plan, used::float8 as used, "limit"::float8 as limit, remaining::float8 as remaining
    from quota.check('${user}', '${service}')`,
  );
const record = (at: string, user: string, service: string, key: string, quantity: number, more = '') =>
  ask(
    at,
    `select recorded, used::float8 as used, "limit"::float8 as limit, remaining::float8 as remaining
    from quota.record('${user}', '${service}', '${key}', ${quantity}${more})`,
  );
const job = (at: string) => desk.at(at).run('jobs', 'reset-anniversaries', '--no-sync');
const setPlan = (at: string, user: string, plan: string) =>
  desk.at(at).json('user', 'set-plan', user, plan, '--reason', 'test', '--yes');
const moveTo = (at: string, user: string, timezone: string) =>
  desk.at(at).json('user', 'edit', user, '--timezone', timezone, '--reason', 'moved', '--yes');
async function addUser(externalId: string, createdAt: string, timezone = 'UTC', plan = 'voice-free') {
  const id = await desk.addUser({ externalId, createdAt, timezone });
  await desk.queryAt(
    createdAt,
    `insert into quota.subscriptions (user_id, service, plan) select $1, p.service, p.key from quota.plans p where p.key = $2`,
    [id, plan],
  );
}

test('seconds that do not pass while they are used begin when they are recorded', async () => {
  await addUser('tr', '2026-10-15T09:00:00Z', 'UTC', 'transcription-free');
  expect(await record('2026-11-15T00:10:01Z', 'tr', 'transcription', 'k1', 1200)).toMatchObject({
    used: 1200,
    remaining: 600,
  });
  expect(await record('2026-11-15T00:10:02Z', 'tr', 'transcription', 'k2', 1200)).toMatchObject({
    used: 2400,
    remaining: 0,
  });
  expect(await check('2026-11-15T00:11:00Z', 'tr', 'transcription')).toMatchObject({
    allowed: false,
    used: 2400,
  });
  // A call does begin that long ago.
  await addUser('vo', '2026-10-15T09:00:00Z');
  expect(await record('2026-11-15T00:02:00Z', 'vo', 'voice', 'v1', 300)).toMatchObject({ used: 0 });
  expect(await record('2026-11-15T00:12:00Z', 'vo', 'voice', 'v2', 300)).toMatchObject({ used: 300 });
});

test('a period that was opened ahead has the terms that hold when it begins', async () => {
  await addUser('up', '2026-10-15T09:00:00Z', 'UTC', 'transcription-free');
  await record(
    '2026-11-14T23:57:00Z',
    'up',
    'transcription',
    'd1',
    30,
    `, p_started_at => '2026-11-15T00:00:10Z'`,
  );
  await setPlan('2026-11-14T23:58:00Z', 'up', 'transcription-enterprise');
  await job('2026-11-15T02:00:00Z');
  expect(await check('2026-11-16T10:00:00Z', 'up', 'transcription')).toMatchObject({
    plan: 'transcription-enterprise',
    limit: 120000,
    used: 30,
  });
  await addUser('down', '2026-10-15T09:00:00Z', 'UTC', 'transcription-pro');
  await record(
    '2026-11-14T23:57:00Z',
    'down',
    'transcription',
    'd2',
    30,
    `, p_started_at => '2026-11-15T00:00:10Z'`,
  );
  await desk
    .at('2026-11-14T23:58:00Z')
    .json(
      ...[
        'user',
        'set-plan',
        'down',
        'transcription-free',
        '--limit',
        'transcription_seconds=10m',
        '--reason',
        'x',
        '--yes',
      ],
    );
  expect(await check('2026-11-16T10:00:00Z', 'down', 'transcription')).toMatchObject({
    limit: 600,
    used: 30,
  });
});

test('a period whose first call comes late has the terms that held then', async () => {
  await addUser('late', '2026-10-15T09:00:00Z', 'UTC', 'transcription-pro');
  await job('2026-11-15T02:00:00Z');
  await setPlan('2026-11-20T10:00:00Z', 'late', 'transcription-free');
  await setPlan('2027-01-20T10:00:00Z', 'late', 'transcription-starter');
  const file = desk.write(
    'late.csv',
    `provider,provider_call_id,user_external_id,service,started_at,duration_seconds
w,l1,late,transcription,2026-10-20T10:00:00Z,5000
w,l2,late,transcription,2026-12-20T10:00:00Z,50
`,
  );
  await desk.at('2027-01-21T00:00:00Z').json('import', 'call-logs', file, '--yes');
  const rows = await desk.query(
    `select to_char(period_start, 'YYYY-MM-DD') as start, limit_quantity::float8 as limit, used::float8 as used
     from quota.usage_quotas q join quota.users u on u.id = q.user_id
     where u.external_id = 'late' and used > 0 order by period_start`,
  );
  expect(rows).toEqual([
    { start: '2026-10-15', limit: 30000, used: 5000 },
    { start: '2026-12-15', limit: 1800, used: 50 },
  ]);
});

test('what a manual reset took off stays off, however time is cut anew', async () => {
  await addUser('reset', '2026-10-15T09:00:00Z');
  await record('2026-10-20T10:00:00Z', 'reset', 'voice', 'm1', 600);
  await desk
    .at('2026-10-21T00:00:00Z')
    .json('user', 'reset', 'reset', '--reason', 'goodwill', '--no-sync', '--yes');
  await record('2026-10-21T10:00:00Z', 'reset', 'voice', 'm2', 100);
  await moveTo('2026-10-22T10:00:00Z', 'reset', 'Europe/Berlin');
  expect(await check('2026-10-22T11:00:00Z', 'reset')).toMatchObject({
    allowed: true,
    used: 100,
    remaining: 500,
  });
  await moveTo('2026-10-23T10:00:00Z', 'reset', 'America/New_York');
  expect(await check('2026-10-23T11:00:00Z', 'reset')).toMatchObject({ used: 100, remaining: 500 });
  await moveTo('2026-10-24T10:00:00Z', 'reset', 'UTC');
  expect(await check('2026-10-24T11:00:00Z', 'reset')).toMatchObject({ used: 100, remaining: 500 });
  expect(await desk.differences()).toEqual([]);
});

test('a call from before a manual reset that is told after it belongs to what was reset', async () => {
  await addUser('told', '2026-10-15T09:00:00Z');
  await record('2026-10-20T10:00:00Z', 'told', 'voice', 't1', 200);
  await desk
    .at('2026-10-21T00:00:00Z')
    .json('user', 'reset', 'told', '--reason', 'goodwill', '--no-sync', '--yes');
  expect(
    await record(
      '2026-10-22T00:00:00Z',
      'told',
      'voice',
      't2',
      300,
      `, p_started_at => '2026-10-20T23:00:00Z'`,
    ),
  ).toMatchObject({ recorded: true, used: 0, remaining: 600 });
  expect(await record('2026-10-22T01:00:00Z', 'told', 'voice', 't3', 50)).toMatchObject({ used: 50 });
  expect(await desk.differences()).toEqual([]);
});

test('a zone that moves the boundary gives no second allowance, in either direction', async () => {
  // Local midnight of the 12th in Los Angeles is 08:00Z; of the 13th in Auckland, where the signup was, 11:00Z.
  await addUser('later', '2026-10-12T12:00:00Z', 'America/Los_Angeles');
  await record(
    '2026-11-12T08:30:00Z',
    'later',
    'voice',
    'n1',
    600,
    `, p_started_at => '2026-11-12T08:05:00Z'`,
  );
  await moveTo('2026-11-12T09:00:00Z', 'later', 'Pacific/Auckland');
  await job('2026-11-12T11:30:00Z');
  expect(await check('2026-11-12T12:00:00Z', 'later')).toMatchObject({ allowed: false, used: 600 });

  await addUser('back', '2026-10-12T12:00:00Z', 'Pacific/Auckland');
  await record(
    '2026-11-12T11:30:00Z',
    'back',
    'voice',
    'n2',
    500,
    `, p_started_at => '2026-11-12T11:05:00Z'`,
  );
  await moveTo('2026-11-12T12:00:00Z', 'back', 'America/Los_Angeles');
  expect(await check('2026-11-12T13:00:00Z', 'back')).toMatchObject({ used: 500, remaining: 100 });

  await addUser('early', '2026-10-12T12:00:00Z', 'Asia/Tokyo'); // Signup on the 12th at 21:00: midnight is 15:00Z.
  await record(
    '2026-11-11T16:00:00Z',
    'early',
    'voice',
    'n3',
    400,
    `, p_started_at => '2026-11-11T15:30:00Z'`,
  );
  await moveTo('2026-11-12T09:00:00Z', 'early', 'America/Los_Angeles');
  expect(await check('2026-11-12T09:30:00Z', 'early')).toMatchObject({ used: 400, remaining: 200 });
  expect(await desk.differences()).toEqual([]);
});

test('who moves to and fro carries along what was used since, and nothing twice', async () => {
  await addUser('twice', '2026-10-12T12:00:00Z', 'America/Los_Angeles');
  const call = (at: string, key: string, seconds: number, startedAt: string) =>
    record(at, 'twice', 'voice', key, seconds, `, p_started_at => '${startedAt}'`);
  await call('2026-11-12T08:30:00Z', 'to', 300, '2026-11-12T08:05:00Z');
  await moveTo('2026-11-12T09:00:00Z', 'twice', 'Pacific/Auckland');
  await call('2026-11-12T09:30:00Z', 'fro', 200, '2026-11-12T09:20:00Z');
  await moveTo('2026-11-12T10:00:00Z', 'twice', 'America/Los_Angeles');
  await moveTo('2026-11-12T10:30:00Z', 'twice', 'Pacific/Auckland');
  await job('2026-11-12T11:30:00Z');
  expect(await check('2026-11-12T12:00:00Z', 'twice')).toMatchObject({ used: 500, remaining: 100 });
  expect(await desk.differences()).toEqual([]);
});

test('calls of the future are refused, by line in a file', async () => {
  await addUser('future', '2026-10-15T09:00:00Z');
  await expect(
    record('2026-10-20T10:00:00Z', 'future', 'voice', 'f1', 60, `, p_started_at => '2026-10-21T10:00:00Z'`),
  ).rejects.toMatchObject({ code: 'QT004' });
  const file = desk.write(
    'future.csv',
    `provider,provider_call_id,user_external_id,service,started_at,duration_seconds
w,g1,future,voice,2026-10-19T10:00:00Z,60
w,g2,future,voice,2199-10-20T10:00:00Z,60
`,
  );
  const failed = await desk.at('2026-10-20T10:00:00Z').run('import', 'call-logs', file, '--yes');
  expect([failed.code, failed.stderr]).toEqual([65, expect.stringMatching(/line 3.*started_at/s)]);
  expect(await check('2026-10-20T11:00:00Z', 'future')).toMatchObject({ used: 0 });
});
