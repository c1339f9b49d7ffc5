import { literal, quoted } from './expression.ts';
import { fieldTypes } from './mapping.ts';
import {
  countsExpression,
  fieldsOf,
  functionSettings,
  keyExpression,
  type PlacedSource,
  rowExpression,
} from './row-expression.ts';

/** Of call_logs, and where they come from: fields of a call with the names that they have there. */
const columns = Object.keys(fieldTypes.calls)
  .filter((name) => name !== 'user')
  .map((name) => (name === 'assistant' ? 'assistant_id' : name));

/**
 * Lays out the calls that are there as they stand, user by user, so that a batch has all calls of some users. What is
 * written from here on comes by the triggers, and makes the link of its row first. Where the calls cannot be read all at
 * once, their keys are laid out, and they are read one by one.
 */
export function layOutFunction(id: number, placed: PlacedSource, timezone: string): string {
  const { source, table } = placed;
  const fields = fieldsOf(placed, timezone);
  const counts = countsExpression(source);
  const order = source.key.map((column) => `r.${quoted(column)}`).join(', ');
  const key = keyExpression(source);
  const isWanted = `${counts} or exists (select from quota.adopt_links l where l.source = ${id} and l.key = ${key})`;
  const users = `perform quota.add_adopted_users(array_agg(c.call))
  from (
    select jsonb_populate_record(null::quota.adopted_call, jsonb_build_object('is_there', true, 'user_name', ${fields.user},
      'started_at', min(${fields.started_at}))) as call
    from ${table.relation} r where ${counts} group by ${fields.user}
  ) c;`;
  return `create or replace function quota_adopt.source_${id}_lay_out() returns void
language plpgsql ${functionSettings}
as $fn$
begin
  drop table if exists quota_adopt.work_${id};
  begin
    ${source.makesUsers ? users : ''}
    create table quota_adopt.work_${id} as
    select row_number() over (order by u.id, c.place) as position, (c.call).key as key, u.id as user_id, c.call,
      (c.call).is_there and u.id is not null and u.erased_at is null and (c.call).started_at <= quota.now() + interval '1 day'
        and (c.call).status in ('active', 'completed', 'error') and o.id is null as is_plain
    from (
      select ${rowExpression(placed, timezone)} as call, row(${order}) as place from ${table.relation} r where ${isWanted} offset 0
    ) c
    ${
      source.fields.user === undefined
        ? 'left join quota.assistants a on a.provider_assistant_id = (c.call).assistant_id\n    left join quota.users u on u.id = a.user_id'
        : 'left join quota.users u on u.external_id = (c.call).user_name'
    }
    left join quota.call_logs o on o.provider = (c.call).provider and o.provider_call_id = (c.call).provider_call_id;
  exception when lock_not_available or deadlock_detected or query_canceled then
    raise;
  when others then
    create table quota_adopt.work_${id} as
    select row_number() over (order by ${order}) as position, ${key} as key, null::uuid as user_id,
      null::quota.adopted_call as call, false as is_plain
    from ${table.relation} r;
  end;
  create unique index on quota_adopt.work_${id} (position);
  analyze quota_adopt.work_${id};
end $fn$`;
}

/** Counts the next calls that were laid out; `rest`: the keys of those that have to be looked at one by one. */
export const fillFunction = (id: number, { source }: PlacedSource): string =>
  `create or replace function quota_adopt.source_${id}_fill(p_after bigint, p_size integer, out rows integer, out rest text[])
language plpgsql ${functionSettings}
as $fn$
declare
  users uuid[];
begin
  with w as materialized (
    select o.* from quota_adopt.work_${id} o where o.position > p_after and o.position <= p_after + p_size
  ), fresh as materialized (
    select o.key, o.user_id, o.call, nextval('quota.call_logs_id_seq') as id from w o
    where o.is_plain and (o.user_id in (
      select u.id from quota.users u where u.id = any (array(select p.user_id from w p)) and u.erased_at is null)) is true
    order by o.position
  ), linked as (
    insert into quota.adopt_links (source, key, call_log_id) select ${id}, f.key, f.id from fresh f
    on conflict do nothing
    returning key
  ), counted as (
    insert into quota.call_logs (id, user_id, ${columns.join(', ')})
    overriding system value
    select f.id, f.user_id, ${columns.map((name) => `(f.call).${name}`).join(', ')}
    from fresh f
    -- Looked up in a table of them, however few the server takes them to be.
    where (f.key in (select k.key from linked k)) is true
    returning user_id
  )
  select (select count(*) from w), array(select o.key from w o where (o.key in (select k.key from linked k)) is not true),
    array(select distinct c.user_id from counted c)
  into rows, rest, users;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(users, ${literal(source.fields.service?.constant ?? '')});
  end if;
exception when lock_not_available or deadlock_detected or query_canceled then
  raise;
when others then
  -- One of them cannot be taken so: who it is shows one by one.
  select count(*), array_agg(o.key order by o.position) into rows, rest
  from quota_adopt.work_${id} o where o.position > p_after and o.position <= p_after + p_size;
end $fn$`;
