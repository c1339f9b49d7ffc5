import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const signup = '2026-10-12T09:00:00Z';
const users = ['amy', 'ben', 'old', 'zoe'];

/** What a server whose time zone data was changed has: names that were good when they were stored. */
async function forgetZone(externalId: string, timezone: string): Promise<void> {
  await desk.query(`alter table quota.users disable trigger user`);
  await desk.query(`alter table quota.subscriptions disable trigger user`);
  await desk.query(`update quota.users set timezone = $2 where external_id = $1`, [externalId, timezone]);
  await desk.query(
    `update quota.subscriptions s set timezone = $2 from quota.users u where u.id = s.user_id and u.external_id = $1`,
    [externalId, timezone],
  );
  await desk.query(`alter table quota.users enable trigger user`);
  await desk.query(`alter table quota.subscriptions enable trigger user`);
}

beforeAll(async () => {
  for (const externalId of users) {
    const id = await desk.addUser({ externalId, createdAt: signup, timezone: 'America/Los_Angeles' });
    await desk.queryAt(
      signup,
      `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
      [id],
    );
    await desk.addCalls({ userId: id, at: '2026-10-20T10:00:00Z', seconds: '300' });
  }
  await forgetZone('old', 'America/Buenos_Ayres');
});

test('a reset of all resets all others, names the one that it could not, and says what mends it', async () => {
  const run = await desk.at('2026-11-13T12:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync', '--json');
  expect(run.code).toBe(75);
  expect(JSON.parse(run.stdout)).toMatchObject({ reset: 3 });
  expect(run.stderr).toContain('old');
  expect(run.stderr).toContain('America/Buenos_Ayres');
  expect(run.stderr).toContain('quota user edit old --timezone');
  expect((await desk.at('2026-11-13T12:10:00Z').run('jobs', 'reset-anniversaries', '--no-sync')).code).toBe(
    75,
  );

  const doctor = JSON.parse((await desk.at('2026-11-13T12:10:00Z').run('doctor', '--json')).stdout);
  expect(doctor.checks.find(({ check }: { check: string }) => check === 'zones')).toMatchObject({
    count: 1,
    findings: [{ externalId: 'old', timezone: 'America/Buenos_Ayres' }],
  });
});

test('lists, imports and apps of everybody else go on', async () => {
  const now = desk.at('2026-11-13T13:00:00Z');
  const { users: listed } = await now.json('user', 'list');
  expect(listed.map(({ externalId }: { externalId: string }) => externalId).sort()).toEqual(users);
  const file = desk.write(
    'calls.csv',
    `provider,provider_call_id,user_external_id,service,started_at,duration_seconds
w,u1,amy,voice,2026-11-13T12:30:00Z,60
w,u2,old,voice,2026-11-13T12:30:00Z,70
`,
  );
  expect(await now.json('import', 'call-logs', file, '--yes')).toMatchObject({ new: 2 });
  const [amy] = await desk.queryAt(
    '2026-11-13T13:00:00Z',
    `select used::float8 as used from quota.check('amy', 'voice')`,
  );
  expect(amy).toEqual({ used: 60 });
  const [recorded] = await desk.queryAt(
    '2026-11-13T13:00:00Z',
    `select recorded from quota.record('old', 'voice', 'u3', 10)`,
  );
  expect(recorded).toEqual({ recorded: true });
  const [old] = await desk.queryAt<{ reason: string; allowed: boolean; message: string }>(
    '2026-11-13T13:00:00Z',
    `select allowed, reason, message from quota.check('old', 'voice')`,
  );
  expect(old).toMatchObject({ allowed: false, reason: 'unknown_time_zone' });
  expect((await now.run('user', 'show', 'old')).code).toBe(0);
  expect((await now.run('user', 'reset', 'old', '--reason', 'x', '--no-sync', '--yes')).code).not.toBe(1);
  expect(
    (
      await now.run(
        'user',
        'set-plan',
        'old',
        'voice-free',
        '--limit',
        'voice_seconds=20m',
        '--reason',
        'x',
        '--yes',
      )
    ).code,
  ).toBe(0);
});

test('the ways out mend exactly that user, and what waited is counted', async () => {
  const now = desk.at('2026-11-13T14:00:00Z');
  await now.json(
    'user',
    'edit',
    'old',
    '--timezone',
    'America/Argentina/Buenos_Aires',
    '--reason',
    'renamed',
    '--yes',
  );
  expect((await now.run('jobs', 'reset-anniversaries', '--no-sync')).code).toBe(0);
  const [old] = await desk.queryAt(
    '2026-11-13T14:00:00Z',
    `select used::float8 as used from quota.check('old', 'voice')`,
  );
  expect(old).toEqual({ used: 80 });

  await forgetZone('ben', 'Europe/Atlantis');
  const file = desk.write('users.csv', 'external_id,timezone\nben,Europe/Lisbon\n');
  await now.json('import', 'users', file, '--update', '--reason', 'renamed', '--yes');
  expect((await desk.at('2026-12-13T14:00:00Z').run('jobs', 'reset-anniversaries', '--no-sync')).code).toBe(
    0,
  );
  expect(await desk.differences()).toEqual([]);
});

test('a zone that the plan says is mended by the plan, one of a subscription alone by an edit that says the zone of the user', async () => {
  const plan = (timezone: string) =>
    desk.write(
      'zoned.yaml',
      `{key: zoned, service: chat, timezone: ${timezone}, limits: {messages: {limit: 5, reset_every: 1 month, reset_anchor: calendar}}}`,
    );
  await desk.at(signup).json('plan', 'apply', plan('America/Cordoba'), '--yes');
  const ids = [];
  for (const [externalId, service, plans] of [
    ['pia', 'chat', 'zoned'],
    ['quinn', 'voice', 'voice-free'],
  ] as const) {
    const id = await desk.addUser({ externalId, createdAt: signup, timezone: 'Europe/Berlin' });
    await desk.queryAt(
      signup,
      `insert into quota.subscriptions (user_id, service, plan) values ($1, $2, $3)`,
      [id, service, plans],
    );
    ids.push(id);
  }
  await desk.query('alter table quota.subscriptions disable trigger user');
  await desk.query(`update quota.plans set timezone = 'America/Kordoba' where key = 'zoned'`);
  await desk.query(`update quota.subscriptions set timezone = 'America/Kordoba' where user_id = any ($1)`, [
    ids,
  ]);
  await desk.query('alter table quota.subscriptions enable trigger user');
  const later = desk.at('2027-01-20T14:00:00Z');
  const reset = (name: string) => later.run('jobs', name, '--no-sync');
  expect(await reset('reset-months')).toMatchObject({
    code: 75,
    stderr: expect.stringContaining('quota plan apply with another timezone of zoned mends it'),
  });
  await later.json('plan', 'apply', plan('America/Argentina/Cordoba'), '--yes');
  expect((await reset('reset-months')).code).toBe(0);
  expect((await reset('reset-anniversaries')).code).toBe(75);
  await later.json('user', 'edit', 'quinn', '--timezone', 'Europe/Berlin', '--reason', 'x', '--yes');
  expect((await reset('reset-anniversaries')).code).toBe(0);
  expect(
    await desk.query(
      `select timezone, anchor_local::text from quota.subscriptions where user_id = any ($1) order by plan`,
      [ids],
    ),
  ).toEqual([
    { timezone: 'Europe/Berlin', anchor_local: '2026-10-12 11:00:00' },
    { timezone: 'America/Argentina/Cordoba', anchor_local: '2026-10-12 06:00:00' },
  ]);
  expect(await desk.differences()).toEqual([]);
});

test.each(['UTC+3', 'Mars/Olympus', 'PST', 'EST5EDT,M3.2.0,M11.1.0', 'Europe/berlín', ''])(
  'the zone %j is refused where it enters, by a plain row, too',
  async (timezone) => {
    await expect(desk.addUser({ externalId: `zone-${timezone}`, timezone })).rejects.toMatchObject({
      code: '22023',
      hint: expect.stringContaining('Europe/Berlin'),
    });
    await expect(
      desk.query(`update quota.users set timezone = $1 where external_id = 'amy'`, [timezone]),
    ).rejects.toMatchObject({ code: '22023' });
    const edit = await desk
      .at(signup)
      .run('user', 'edit', 'amy', '--timezone', timezone, '--reason', 'x', '--yes');
    expect(edit.code).toBe(2);
  },
);
