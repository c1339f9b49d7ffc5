import type pg from 'pg';
import type { ImportComparison, ImportStore, InsertCounts } from './import-kind.ts';

/** Users and, where a line names plans, their subscriptions. */
export const userStore: ImportStore = {
  tables: ['quota.users', 'quota.subscriptions'],

  async markProblems(client) {
    await markErased(client);
    await settleTimeZones(client);
    await markIds(client);
    await markPlans(client);
  },

  async compare(client) {
    const { rows } = await client.query<Required<ImportComparison>>(`
      with compared as (
        select u.id is not null as exists,
          (r.email is not null and r.email is distinct from u.email)
            or (r.name is not null and r.name is distinct from u.name)
            or (r.timezone is not null and r.timezone <> u.timezone) as changeable,
          r.signup_at is not null and r.signup_at <> u.created_at or coalesce(p.other, 0) > 0 as unchangeable,
          coalesce(p.missing, 0) as missing
        from import_rows r
        left join quota.users u on u.external_id = r.external_id
        left join lateral (
          select count(*) filter (where s.plan <> p.key) as other, count(*) filter (where s.plan is null) as missing
          from unnest(string_to_array(r.plan, ';')) k(key)
          join quota.plans p on p.key = k.key
          left join quota.subscriptions s on s.user_id = u.id and s.service = p.service
        ) p on r.plan is not null
        where r.problem is null and r.repeated is not true
      )
      select count(*) filter (where exists)::integer as existing,
        count(*) filter (where exists and (changeable or unchangeable))::integer as differing,
        count(*) filter (where exists and unchangeable)::integer as unchangeable,
        coalesce(sum(missing), 0)::integer as subscriptions
      from compared`);
    return rows[0] ?? { existing: 0, differing: 0, unchangeable: 0, subscriptions: 0 };
  },

  async insert(client, onConflict): Promise<InsertCounts> {
    const { rowCount } = await client.query(`
      insert into quota.users (id, external_id, email, name, timezone, created_at)
      select coalesce(r.id, gen_random_uuid()), r.external_id, r.email, r.name, coalesce(r.timezone, 'UTC'), coalesce(r.signup_at, quota.now())
      from import_rows r
      where r.problem is null and r.repeated is not true
        and not exists (select from quota.users u where u.external_id = r.external_id)
      order by r.number
      ${onConflict === 'skip' ? 'on conflict do nothing' : ''}`);
    return { new: rowCount ?? 0, subscriptions: await insertSubscriptions(client) };
  },

  update: updateUsers,
};

/** Nothing is taken of somebody who was erased, by the id that took the place of the name. */
async function markErased(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'external_id', problem = format('the user "%s" was erased', u.external_id)
    from quota.users u
    where r.problem is null and u.external_id = r.external_id and u.erased_at is not null`);
}

/** Checks zones against those the server knows, and writes them as it does. */
async function settleTimeZones(client: pg.ClientBase): Promise<void> {
  // posix/ and right/ are the same zones again, the latter with leap seconds.
  await client.query(`
    update import_rows r
    set timezone = coalesce(z.name, r.timezone),
      problem_column = case when z.name is null then 'timezone' end,
      problem = case when z.name is null then format('"%s" is not a time zone', left(r.timezone, 60)) end
    from (select distinct timezone as given from import_rows where problem is null and timezone is not null) g
    left join (
      select name from pg_timezone_names
      where name !~ '^(posix|right)/' and name not in ('localtime', 'posixrules', 'Factory')
    ) z on lower(z.name) = lower(g.given)
    where r.timezone = g.given and r.problem is null and z.name is distinct from g.given`);
}

/** An id is given once, and stays. */
async function markIds(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'id', problem = case when u.id = r.id
      then format('"%s" is the id of another user, "%s"', r.id, left(u.external_id, 60))
      else format('the user has the id "%s" already, which stays', u.id) end
    from quota.users u
    where r.problem is null and r.id is not null
      and (u.id = r.id and u.external_id <> r.external_id or u.external_id = r.external_id and u.id <> r.id)`);
  await client.query(`
    update import_rows r
    set problem_column = 'id', problem = format('"%s" is the id of several users of the file', r.id)
    from (
      select id from import_rows where problem is null and id is not null
      group by id having count(distinct external_id) > 1) d
    where r.problem is null and r.id = d.id`);
}

async function markPlans(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'plan', problem = w.reason
    from (
      select g.given, format('there is no plan "%s"', left(min(k.key) filter (where p.key is null), 60)) as reason
      from (select distinct plan as given from import_rows where problem is null and plan is not null) g
      cross join unnest(string_to_array(g.given, ';')) k(key)
      left join quota.plans p on p.key = k.key
      group by g.given having bool_or(p.key is null)
      union all
      select g.given, format('%s are plans of one service', replace(g.given, ';', ' and '))
      from (select distinct plan as given from import_rows where problem is null and plan is not null) g
      cross join unnest(string_to_array(g.given, ';')) k(key)
      join quota.plans p on p.key = k.key
      group by g.given having count(*) > count(distinct p.service)
    ) w
    where r.plan = w.given and r.problem is null`);
}

/** The row trigger of subscriptions finds zone, anchor and next reset. */
async function insertSubscriptions(client: pg.ClientBase): Promise<number> {
  const { rowCount } = await client.query(`
    insert into quota.subscriptions (user_id, service, plan)
    select u.id, p.service, p.key
    from import_rows r
    join quota.users u on u.external_id = r.external_id
    cross join unnest(string_to_array(r.plan, ';')) k(key)
    join quota.plans p on p.key = k.key
    where r.problem is null and r.repeated is not true
      and not exists (select from quota.subscriptions s where s.user_id = u.id and s.service = p.service)
    order by u.id, p.service
    on conflict do nothing`);
  return rowCount ?? 0;
}

/** Email, name and zone. Subscriptions that are in the user's zone follow it; their anchor stays the signup. */
async function updateUsers(client: pg.ClientBase, reason: string): Promise<number> {
  await client.query(`
    create temp table import_changes on commit drop as
    select u.id, u.email, u.name, u.timezone, u.created_at,
      coalesce(r.email, u.email) as new_email, coalesce(r.name, u.name) as new_name,
      coalesce(r.timezone, u.timezone) as new_timezone
    from import_rows r join quota.users u on u.external_id = r.external_id
    where r.problem is null and r.repeated is not true
      and (coalesce(r.email, u.email), coalesce(r.name, u.name), coalesce(r.timezone, u.timezone))
        is distinct from (u.email, u.name, u.timezone)
    order by u.id for no key update of u`);
  await client.query(`
    update quota.users u set email = c.new_email, name = c.new_name from import_changes c where u.id = c.id`);
  await client.query(`
    select quota.change_zones(array_agg(c.id order by c.id), array_agg(c.new_timezone order by c.id))
    from import_changes c where c.new_timezone <> c.timezone having count(*) > 0`);
  const { rowCount } = await client.query(
    `with audited as (
      insert into quota.audit_log (action, user_id, reason, before, after)
      select 'user.update', id, $1, jsonb_build_object('timezone', timezone), jsonb_build_object('timezone', new_timezone)
      from import_changes order by id
      returning id, user_id
    )
    insert into quota.audit_personal (user_id, audit_id, before, after)
    select a.user_id, a.id, jsonb_build_object('email', c.email, 'name', c.name),
      jsonb_build_object('email', c.new_email, 'name', c.new_name)
    from audited a join import_changes c on c.id = a.user_id`,
    [reason],
  );
  return rowCount ?? 0;
}
