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
