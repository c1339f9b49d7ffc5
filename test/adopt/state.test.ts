import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now, vapi: {} });

const wrong = async () =>
  (await desk.answer('doctor')).data.checks.filter(
    ({ count, level }: { count: number; level: string }) => count > 0 && level !== 'attention',
  );

/** A product with its users, attached and counted. */
async function adopt(product: string, mapping: string, users = 40): Promise<void> {
  await desk.queryAt(now, productTables(product, users));
  await desk.json('adopt', 'attach', desk.write('product.yaml', mapping), '--yes');
}
const preset = async (product: string) => (await desk.json('adopt', 'preset', product)).mapping as string;

test('whom the app has limited stays limited since then, is sent nothing, and comes back to the stored originals', async () => {
  const original = (await preset('voice-matrix')).replace(
    /# originals:\n# {3}(.*)\n# {3}(.*)\n/,
    'originals:\n  $1\n  $2\n',
  );
  expect(original).toContain('\noriginals:');
  await adopt('voice-matrix', original);
  const limited = {
    maxDurationSeconds: 10,
    firstMessage: 'You have reached your monthly limit of 10 minutes.',
  };
  const apps = () =>
    desk.query(`select a.vapi_assistant_id as id, a.name, p.limit_enforced_at as since from user_assistants a
      join profiles p on p.id = a.user_id order by 1`);
  const before = await apps();
  desk.vapi.putAssistants(
    before.map(({ id, name, since }) => ({
      id,
      name,
      ...(since === null
        ? { firstMessage: 'Hello' }
        : { ...limited, voicemailMessage: 'somebody has set it' }),
    })),
  );
  await desk.json('adopt', 'backfill', 'voice-matrix', '--yes');
  expect(await desk.query('select from quota.subscriptions where limit_enforced_at is not null')).toEqual([]);
  await desk.json('adopt', 'authority', 'voice-matrix', 'quota', '--yes');
  expect(await apps()).toEqual(before);
  expect(
    await desk.query(`select u.email from quota.subscriptions s join quota.users u on u.id = s.user_id
      join profiles p on p.id = u.id where s.limit_enforced_at is distinct from p.limit_enforced_at`),
  ).toEqual([]);
  expect(await desk.json('jobs', 'enforce-limits')).toMatchObject({ due: 0 });
  expect(desk.vapi.patches()).toEqual([]);
  expect(await desk.query(`select from quota.alert_deliveries where status <> 'past'`)).toEqual([]);
  expect(await wrong()).toEqual([]);

  // A month later everybody is free, with what the app had stored; what somebody set meanwhile stays.
  await desk.at('2026-12-20T12:00:00Z').json('jobs', 'reset-anniversaries');
  const ids = before.filter(({ since }) => since !== null).map(({ id, name }) => ({ id, name }));
  expect(ids.length).toBeGreaterThan(4);
  for (const { id, name } of ids) {
    expect(desk.vapi.assistant(id)).toMatchObject({
      maxDurationSeconds: 600,
      firstMessage: `Hello, this is ${name}`,
      voicemailMessage: 'somebody has set it',
    });
  }
  expect(new Set(desk.vapi.patches().map(({ assistantId }) => assistantId))).toEqual(
    new Set(ids.map(({ id }) => id)),
  );
  expect((await apps()).filter(({ since }) => since !== null)).toEqual([]);
});

test('an assistant whose original nobody has stored is told of when it is to be restored, and left alone', async () => {
  await adopt('voice-matrix', await preset('voice-matrix'), 10);
  const [{ id }] = (await desk.query(`select a.vapi_assistant_id as id from user_assistants a
    join profiles p on p.id = a.user_id where p.limit_enforced_at is not null limit 1`)) as [{ id: string }];
  desk.vapi.putAssistants([{ id, name: 'Bot', maxDurationSeconds: 10 }]);
  await desk.json('adopt', 'backfill', 'voice-matrix', '--yes');
  await desk.json('adopt', 'authority', 'voice-matrix', 'quota', '--yes');
  await desk.at('2026-12-20T12:00:00Z').answer('jobs', 'reset-anniversaries');
  expect(
    await desk.query(`select l.status, l.last_error from quota.assistant_limits l join quota.assistants a
    on a.id = l.assistant_id where a.provider_assistant_id = '${id}'`),
  ).toMatchObject([{ status: 'failed', last_error: expect.stringContaining('original') }]);
  expect(desk.vapi.assistant(id)).toMatchObject({ maxDurationSeconds: 10 });
});

test('custom limits of now and of months that are over are what they were', async () => {
  await adopt('avatar-monthly', await preset('avatar-monthly'), 60);
  expect(await desk.json('adopt', 'backfill', 'avatar-monthly', '--yes')).toMatchObject({
    carried: { limits: 7 },
  });
  const limits =
    await desk.query(`select right(u.external_id, 2) as who, to_char(q.period_start, 'YYYY-MM') as month,
      q.limit_quantity::int as "limit", q.cost_limit::int as cost
    from quota.usage_quotas q join quota.users u on u.id = q.user_id
    where q.limit_quantity <> 3600 or q.cost_limit <> 50 order by 1, 2`);
  expect(limits).toEqual([
    { who: '07', month: '2026-09', limit: 7200, cost: 50 },
    { who: '13', month: '2026-11', limit: 3600, cost: 75 },
    ...['17', '27', '37', '47', '57'].map((who) => ({ who, month: '2026-09', limit: 7200, cost: 50 })),
  ]);
  const verified = await desk.answer('adopt', 'verify', 'avatar-monthly');
  expect(verified).toMatchObject({ code: 0 });
  await desk.json('adopt', 'authority', 'avatar-monthly', 'quota', '--yes');
  expect(await wrong()).toEqual([]);
  // The next month has the limit that holds now, and nobody is told of the past.
  expect(await desk.query(`select from quota.alert_deliveries where status <> 'past'`)).toEqual([]);
});

test('running jobs count among those of their users, and alerts that were read are', async () => {
  await adopt('cantonese-scribe', await preset('cantonese-scribe'), 60);
  await desk.json('adopt', 'backfill', 'cantonese-scribe', '--yes');
  const id = (n: number) => `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`;
  const running = (n: number) =>
    desk.queryAt(now, 'select can_process, active from quota.check_concurrent_processing_limit($1, $2)', [
      id(n),
      'transcription',
    ]);
  expect(await running(3)).toEqual([{ can_process: false, active: 1 }]);
  expect(await running(13)).toEqual([{ can_process: true, active: 0 }]);
  // The app goes on: one begins, one is done, one is given up.
  await desk.queryAt(
    now,
    `insert into concurrent_processing (user_id, started_at) values ('${id(13)}', '2026-11-20 11:59+00')`,
  );
  await desk.queryAt(
    now,
    `update concurrent_processing set status = 'completed', completed_at = '2026-11-20 12:00+00' where user_id = '${id(3)}'`,
  );
  await desk.queryAt(
    now,
    `delete from concurrent_processing where user_id = '${id(23)}' and status = 'processing'`,
  );
  expect([await running(3), await running(13), await running(23)]).toEqual([
    [{ can_process: true, active: 0 }],
    [{ can_process: false, active: 1 }],
    [{ can_process: true, active: 0 }],
  ]);
  const read = await desk.query(`select u.external_id as id, a.acknowledged_at as at from quota.usage_alerts a
    join quota.users u on u.id = a.user_id where a.acknowledged_at is not null order by 1`);
  // Others had read of what they do not use as quota counts.
  expect(read).toEqual([{ id: id(55), at: new Date('2026-11-19T18:00:00Z') }]);
  expect(await desk.query(`select limit_quantity::int as "limit" from quota.limit_overrides`)).toEqual([
    { limit: 7200 },
    { limit: 7200 },
  ]);
  expect(await desk.json('adopt', 'verify', 'cantonese-scribe')).toMatchObject({ differing: 0, waiting: 0 });
  expect(await desk.query('select * from quota.adopt_dead')).toEqual([]);
});
