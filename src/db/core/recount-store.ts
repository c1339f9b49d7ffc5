import type pg from 'pg';

/**
 * Counts what was written while a rollback had taken the triggers away: first subscriptions, every quota from its
 * facts, and the days of analytics to be rolled up again. In the transaction that installs them anew, so that nothing
 * comes in between.
 */
export async function recountEverything(client: pg.ClientBase): Promise<void> {
  await client.query(`
    select quota.subscribe_to_defaults(array_agg(c.user_id), array_agg(c.service))
    from (
      select distinct c.user_id, c.service from quota.call_logs c join quota.users u on u.id = c.user_id
      where exists (select 1 from quota.meters m where m.service = c.service)
        and not exists (select 1 from quota.subscriptions s where s.user_id = c.user_id and s.service = c.service)
    ) c
    having count(*) > 0`);
  await client.query(
    `select quota.refresh_quotas(array_agg(distinct s.user_id), null, false) from quota.subscriptions s having count(*) > 0`,
  );
  await client.query(
    `insert into quota.analytics_changes (day)
     select distinct quota.day_of(c.started_at) from quota.call_logs c join quota.analytics_days d on d.day = quota.day_of(c.started_at)
     on conflict do nothing`,
  );
}

/**
 * How models are matched is written down with the meters: a version that matches otherwise writes it anew, and counts what
 * belongs to a meter only now.
 * @returns how many users have such calls
 */
export async function renewPatterns(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ users: number }>('select quota.renew_patterns() as users');
  return rows[0]?.users ?? 0;
}
