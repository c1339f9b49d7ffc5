import type pg from 'pg';

/** Marks staged lines whose `user_external_id` is nobody's. */
export async function markUnknownUsers(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'user_external_id', problem = format('there is no user "%s"', left(r.user_external_id, 60))
    where r.problem is null and r.user_external_id in (
      select d.external_id
      from (select distinct user_external_id as external_id from import_rows where problem is null) d
      where not exists (select from quota.users u where u.external_id = d.external_id))`);
}
