import type pg from 'pg';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

/** Somebody whose period of ten days ends within seconds, by the server's own clock. */
async function addUser(client: pg.Client): Promise<{ id: string; periodEnd: string }> {
  await client.query(
    `insert into quota.plans (key, service, name) values ('ten-days', 'voice', 'Ten days');
     insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor, boundary, on_exceeded)
     values ('ten-days', 'voice_seconds', 100, '10 days', 'signup', 'instant', 'limit_assistants');
     insert into quota.users (external_id, timezone, created_at)
     values ('eve', 'UTC', now() - interval '10 days' + interval '2 seconds');
     insert into quota.subscriptions (user_id, service, plan)
     select id, 'voice', 'ten-days' from quota.users where external_id = 'eve';
     select quota.record('eve', 'voice', 'an earlier call', 1)`,
  );
  const { rows } = await client.query<{ id: string; periodEnd: string }>(
    `select id, (created_at + interval '10 days')::text as "periodEnd" from quota.users where external_id = 'eve'`,
  );
  return rows[0] ?? { id: '', periodEnd: '' };
}

test('who used a period up in a transaction that outlived it is not limited in the next', async () => {
  await desk.session(async (client) => {
    const { id, periodEnd } = await addUser(client);
    await client.query('begin');
    await client.query('select pg_sleep_until($1)', [periodEnd]);
    const resets = await desk.query(`select (quota.reset_due('signup', 10, null)).reset`);
    await client.query(
      `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
       values ($1, 'voice', now() - interval '1 minute', 500)`,
      [id],
    );
    await client.query('commit');

    expect(resets).toEqual([{ reset: 1 }]);
    const { rows } = await client.query(
      `select s.limit_enforced_at, q.used::int, q.exhausted_at
       from quota.subscriptions s join quota.usage_quotas q on q.user_id = s.user_id
       where s.service = 'voice' order by q.period_start`,
    );
    expect(rows).toEqual([
      { limit_enforced_at: null, used: 501, exhausted_at: null },
      { limit_enforced_at: null, used: 0, exhausted_at: null },
    ]);
  });
});
