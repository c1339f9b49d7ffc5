import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });

/** Each product with what its own code writes in a minute, its "+1" included. */
const products: Record<string, { writes: string[] }> = {
  'avatar-lifetime': {
    writes: [
      `insert into avatar_usage_records (user_id, avatar_session_id, session_started_at, status)
       select id, 'live-' || id, '2026-11-20 11:50', 'active' from users`,
      `with ended as (update avatar_usage_records set session_ended_at = session_started_at + interval '31 seconds',
         duration_seconds = 31, status = 'completed' where status = 'active' returning user_id)
       insert into usage_quotas as q (user_id, used_seconds, session_count) select user_id, 31, 1 from ended
       on conflict (user_id) do update set used_seconds = q.used_seconds + 31, used_minutes = (q.used_seconds + 31) / 60,
         session_count = q.session_count + 1`,
    ],
  },
  'avatar-monthly': {
    writes: [
      `insert into avatar_usage_records (user_id, avatar_session_id, session_started_at, session_ended_at, duration_seconds, status)
       select id, 'live-' || id, '2026-11-20 11:50', '2026-11-20 11:51', 60, 'completed' from users`,
    ],
  },
  'cantonese-scribe': {
    writes: [
      `insert into users (id, email, timezone, plan_type, created_at)
       values (gen_random_uuid(), 'new@example.com', 'Asia/Hong_Kong', 'pro', '2026-11-20 11:00+00')`,
      `insert into usage_tracking (user_id, usage_type, duration_seconds, created_at)
       select id, 'transcription', 90, '2026-11-20 11:59+00' from users`,
      `update users set plan_type = 'enterprise' where plan_type = 'pro'`,
    ],
  },
  chat: {
    writes: [
      `insert into message_logs (user_id, model, created_at) values ('stranger', 'claude-3-opus', '2026-11-20 11:59+00'),
         ('user_1', 'gpt-4o', '2026-11-20 11:59+00')`,
      `insert into user_usage values ('stranger', '2026-11', 1, 1)`,
      `update user_usage set total_messages = total_messages + 1 where user_id = 'user_1' and month = '2026-11'`,
    ],
  },
  'voice-matrix': {
    writes: [
      `insert into call_logs (user_id, vapi_call_id, status, started_at) select id, 'live-' || id, 'in-progress', '2026-11-20 11:50+00' from profiles`,
      `update call_logs set status = 'ended', ended_at = started_at + interval '44 seconds', duration_seconds = 44 where status = 'in-progress'`,
    ],
  },
};

test.each(Object.entries(products))('%s: from its preset to quota and back', async (product, { writes }) => {
  await desk.queryAt(now, productTables(product, 20));
  expect(await desk.json('adopt', 'check', product)).toMatchObject({ product, isAttached: false });
  await desk.json('adopt', 'attach', product, '--yes');
  await desk.json('adopt', 'backfill', product, '--yes', '--batch-size', '50');
  expect(await desk.json('adopt', 'verify', product)).toMatchObject({
    differing: 0,
    waiting: 0,
    unfinished: [],
  });
  for (const statement of writes) {
    await desk.queryAt(now, statement);
  }
  const { compared, ...verified } = await desk.json('adopt', 'verify', product);
  expect(verified).toMatchObject({ differing: 0, waiting: 0 });
  expect(compared).toBeGreaterThan(10);
  expect(await desk.query(`select from quota.alert_deliveries where status = 'pending'`)).toEqual([]);
  await desk.json('adopt', 'authority', product, 'quota', '--yes');
  await desk.json('jobs', 'enforce-limits', '--no-sync');
  await desk.json('adopt', 'authority', product, 'app', '--yes');
  await desk.json('adopt', 'detach', product, '--yes');
  expect(await desk.differences()).toEqual([]);
});

test('every preset can be printed, and is the one that is attached by its name', async () => {
  const names: { preset: string }[] = await desk.json('adopt', 'preset');
  expect(names.map(({ preset }) => preset)).toEqual(Object.keys(products));
  for (const { preset } of names) {
    const { mapping } = await desk.json('adopt', 'preset', preset);
    expect(mapping).toContain(`product: ${preset}\n`);
  }
});
