create or replace function quota.wrong_quantity(p_service text, p_quantities jsonb)
returns table (name text, value text, fault text)
language sql stable
as $$
  select quota.shown(t.name), quota.shown(t.value::text), t.fault
  from (
    select q.key as name, q.value, case
        when k.name is null then 'unknown'
        when jsonb_typeof(q.value) <> 'number' then 'It is a number.'
        when q.value::numeric < 0 then 'It is none or more.'
        when q.value::numeric > case k.name when 'seconds' then 604800 when 'messages' then 2147483647
          else 999999999999999 end then 'That is more than one call can have.'
        when k.is_whole and q.value::numeric <> trunc(q.value::numeric) then 'It is a whole number.'
        -- As quota.refuse_impossible has it.
        when scale(q.value::numeric) > 40 then 'It has 40 digits after the point at most.'
      end as fault
    from jsonb_each(p_quantities) q
    left join (
      select m.unit || 's' as name, m.unit not in ('second', 'credit') as is_whole
      from quota.meters m where m.service = p_service
      union
      select 'seconds', false from quota.meters m where m.service = p_service and m.credit_seconds is not null
      union
      select m.key, m.unit <> 'credit' from quota.meters m
      where m.service = p_service and m.unit not in ('second', 'message')
    ) k on k.name = q.key
  ) t
  where t.fault is not null
  order by t.fault = 'unknown' desc, t.name limit 1
$$;
comment on function quota.wrong_quantity(text, jsonb) is
  'The first of the quantities of a call, an object, that cannot be, and why; fault "unknown": no meter of '
  'the service counts it. No row: all can.';

create or replace function quota.rounded_quantities(p_quantities jsonb) returns jsonb
language sql immutable parallel safe
as $$
  select case when p_quantities::text !~ '[.][0-9]{4}' then p_quantities else (
    select jsonb_object_agg(q.key, case when jsonb_typeof(q.value) = 'number'
      then to_jsonb(round(q.value::numeric, least(scale(q.value::numeric), 3))) else q.value end)
    from jsonb_each(p_quantities) q) end
$$;
comment on function quota.rounded_quantities(jsonb) is
  'Quantities of a call, an object, with the 3 digits after the point that are kept of each.';

create or replace function quota.told_quantities(p_service text, p_quantities jsonb) returns jsonb
language plpgsql stable
as $$
declare
  wrong record;
begin
  if p_quantities is null or p_quantities = '{}' then
    return null;
  elsif jsonb_typeof(p_quantities) <> 'object' then
    raise exception 'quantities are an object of numbers by unit or meter, like {"tokens": 1200}'
      using errcode = 'QT003';
  end if;
  select * into wrong from quota.wrong_quantity(p_service, p_quantities);
  if not found then
    return quota.rounded_quantities(p_quantities);
  elsif wrong.fault = 'unknown' then
    raise exception 'no meter of % counts "%"', quota.shown(p_service), wrong.name
      using errcode = 'QT003', hint = coalesce('Known are ' || (
        select string_agg(distinct m.unit || 's', ', ') from quota.meters m where m.service = p_service)
        || ', and the names of meters that count neither seconds nor messages.', 'There is no such service.');
  end if;
  raise exception 'the quantity "%" cannot be %', wrong.name, wrong.value
    using errcode = 'QT003', hint = wrong.fault;
end $$;
comment on function quota.told_quantities(text, jsonb) is
  'Quantities as an app tells them, by unit ("tokens") or meter, as they are kept; null: none. Raises QT003 '
  'on what no meter of the service counts and on values that cannot be.';
