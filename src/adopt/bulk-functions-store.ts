import { literal, quoted } from './expression.ts';
import { fieldTypes } from './mapping.ts';
import {
  countsExpression,
  fieldsOf,
  functionSettings,
  keyExpression,
  type PlacedSource,
} from './row-expression.ts';

/** Of call_logs, and where they come from: fields of a call with the names that they have there. */
const columns = Object.entries(fieldTypes.calls)
  .filter(([field]) => field !== 'user')
  .map(([field, type]) => ({ field, name: field === 'assistant' ? 'assistant_id' : field, type }));
const names = columns.map(({ name }) => name).join(', ');

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
  create table quota_adopt.work_${id} (position bigint, log_id bigint, key text, user_id uuid, is_plain boolean,
    ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')});
  begin
    ${source.makesUsers ? users : ''}
    insert into quota_adopt.work_${id}
    select row_number() over (), nextval('quota.call_logs_id_seq'), w.* from (
      select c.key, u.id as user_id, c.is_there and u.id is not null and u.erased_at is null
          and c.started_at <= (select quota.now()) + interval '1 day' and c.status in ('active', 'completed', 'error') and o.id is null,
        ${columns.map(({ name }) => `c.${name}`).join(', ')}
      from (
        select ${key} as key, ${counts} as is_there, ${fields.user} as user_name, row(${order}) as place,
          ${columns.map(({ field, name, type }) => `${fields[field]}::${type} as ${name}`).join(', ')}
        from ${table.relation} r where ${isWanted} offset 0
      ) c
      ${
        source.fields.user === undefined
          ? 'left join quota.assistants a on a.provider_assistant_id = c.assistant_id\n      left join quota.users u on u.id = a.user_id'
          : 'left join quota.users u on u.external_id = c.user_name'
      }
      left join quota.call_logs o on o.provider = c.provider and o.provider_call_id = c.provider_call_id
      order by u.id, c.place
    ) w;
  exception when lock_not_available or deadlock_detected or query_canceled then
    raise;
  when others then
    insert into quota_adopt.work_${id} (position, key, is_plain)
    select row_number() over (order by ${order}), ${key}, false from ${table.relation} r;
  end;
  create unique index on quota_adopt.work_${id} (position);
  analyze quota_adopt.work_${id};
end $fn$`;
}

/**
 * Counts the next calls that were laid out; `rest`: the keys of those that have to be looked at one by one. Nearly always
 * nobody else has made one of their links: then links and calls are two plain inserts, and only else is asked which.
 */
export const fillFunction = (id: number, { source }: PlacedSource): string => {
  const next = `quota_adopt.work_${id} o where o.position > p_after and o.position <= p_after + p_size`;
  const isTaken = 'o.is_plain and (o.user_id = any (erased)) is not true';
  const call = `o.log_id, o.user_id, ${columns.map(({ name }) => `o.${name}`).join(', ')}`;
  return `create or replace function quota_adopt.source_${id}_fill(p_after bigint, p_size integer, out rows integer, out rest text[])
language plpgsql ${functionSettings}
as $fn$
declare
  erased uuid[];
  taken integer;
  linked text[];
begin
  select count(*) into rows from ${next};
  erased := array(select u.id from quota.users u where u.erased_at is not null and u.id in (select o.user_id from ${next}));
  begin
    insert into quota.adopt_links (source, key, call_log_id) select ${id}, o.key, o.log_id from ${next} and ${isTaken};
    insert into quota.call_logs (id, user_id, ${names})
    overriding system value
    select ${call} from ${next} and ${isTaken}
    order by o.position;
    get diagnostics taken = row_count;
    if rows > taken then
      select array_agg(o.key) into rest from ${next} and (${isTaken}) is not true;
    end if;
  exception when unique_violation then
    with fresh as materialized (
      select o.* from ${next} and ${isTaken} order by o.position
    ), linked as (
      insert into quota.adopt_links (source, key, call_log_id) select ${id}, f.key, f.log_id from fresh f
      on conflict do nothing
      returning key
    ), counted as (
      insert into quota.call_logs (id, user_id, ${names})
      overriding system value
      select ${call} from fresh o
      -- Looked up in a table of them, however few the server takes them to be.
      where (o.key in (select k.key from linked k)) is true
    )
    select array_agg(k.key) into linked from linked k;
    select array_agg(o.key) into rest from ${next} and (o.key in (select k from unnest(linked) k)) is not true;
  end;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(array(select distinct o.user_id from ${next} and o.user_id is not null),
      ${literal(source.fields.service?.constant ?? '')});
  end if;
exception when lock_not_available or deadlock_detected or query_canceled then
  raise;
when others then
  -- One of them cannot be taken so: who it is shows one by one.
  select count(*), array_agg(o.key order by o.position) into rows, rest from ${next};
end $fn$`;
};
