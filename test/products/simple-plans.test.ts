import { expect, test } from 'vitest';
import { useApp } from './app.ts';

const app = useApp('2026-11-10T12:00:00Z');

const plansOf = async (service: string) =>
  (
    await app.rows<{ plan: string }>(
      `select s.plan from quota.simple_plans s join quota.plans p on p.key = s.plan where p.service = $1 order by 1`,
      [service],
    )
  ).map(({ plan }) => plan);
const record = (user: string, service: string, key: string) =>
  app.rows<{ used: string; remaining: string }>('select used, remaining from quota.record($1, $2, $3, 30)', [
    user,
    service,
    key,
  ]);

test('a plan is simple as long as its service has one meter, which counts each call as it is', async () => {
  expect(await plansOf('chat')).toEqual([]);
  const before = await plansOf('voice');
  expect(before).toEqual(['voice-free']);

  await app.rows(
    `insert into quota.meters (key, service, unit, models) values ('grand_seconds', 'voice', 'second', '{opus}')`,
  );
  expect(await plansOf('voice')).toEqual([]);
  await app.rows(`delete from quota.meters where key = 'grand_seconds'`);
  expect(await plansOf('voice')).toEqual(before);

  await app.rows(`update quota.meters set rounding = 60 where key = 'voice_seconds'`);
  expect(await plansOf('voice')).toEqual([]);
  await app.rows(`update quota.meters set rounding = null where key = 'voice_seconds'`);
  expect(await plansOf('voice')).toEqual(before);

  await app.rows(`update quota.plans set max_concurrent = 0 where key = 'voice-free'`);
  expect(await plansOf('voice')).toEqual([]);
  await app.rows(
    `update quota.plans set max_concurrent = null, allowed_models = '{nova}', features = '{"sso": true}' where key = 'voice-free'`,
  );
  expect(
    await app.rows(`select allowed_models, features from quota.simple_plans where plan = 'voice-free'`),
  ).toEqual([{ allowed_models: ['nova'], features: { sso: true } }]);
  const [refused] = await app.rows(`select reason from quota.check('somebody-new', 'voice', 'other')`);
  expect(refused).toEqual({ reason: 'model_not_allowed' });
});

test('a meter that a service gets later counts the period from its start, as a count from the calls would', async () => {
  await app.rows(`select quota.ensure_user('anna')`);
  expect(await record('anna', 'transcription', 'first')).toMatchObject([{ used: '30.000' }]);
  await app.rows(
    `insert into quota.meters (key, service, unit) values ('pages', 'transcription', 'message')`,
  );
  await app.rows(
    `insert into quota.plan_limits (plan, meter, limit_quantity) values ('transcription-free', 'pages', 5)`,
  );
  await record('anna', 'transcription', 'second');
  expect(
    await app.rows(
      `select q.meter, q.used, q.calls from quota.usage_quotas q join quota.users u on u.id = q.user_id
       where u.external_id = 'anna' order by 1`,
    ),
  ).toMatchObject([
    { meter: 'pages', used: '2.000', calls: 2 },
    { meter: 'transcription_seconds', used: '60.000', calls: 2 },
  ]);
  expect(
    await app.rows(
      `select f.meter, f.used from quota.usage_from_facts() f
       join quota.usage_quotas q using (user_id, meter, period_start) where f.used <> q.used`,
    ),
  ).toEqual([]);
});
