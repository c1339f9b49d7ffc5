create or replace function quota.part_key(
  charge text, started_at timestamptz, ended_at timestamptz, invoice_month date)
returns text
language sql stable
as $$
  select md5(concat_ws(' ', charge::jsonb - 'row', started_at, ended_at,
    nullif(invoice_month, date_trunc('month', started_at at time zone 'UTC')::date)))
$$;
comment on function quota.part_key(text, timestamptz, timestamptz, date) is
  'What tells a part of a call from its other parts: its dimensions and times, and the invoice that it is on '
  'where that is not the one of its month.';

create or replace function quota.part_keys(
  charge text, started_at timestamptz, ended_at timestamptz, invoice_month date)
returns text[]
language sql stable
as $$
  select case
    when charge is null then null
    when charge like '[%' then array(select jsonb_array_elements_text(charge::jsonb))
    else array[quota.part_key(charge, started_at, ended_at, invoice_month)]
  end
$$;
comment on function quota.part_keys(text, timestamptz, timestamptz, date) is
  'The keys of the parts of a call that a line states; null where its format has no parts. It is never '
  'inlined: given a whole line, one would be formed of each line of a bill before the few are found.';

create or replace function quota.mark_parts() returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.ranked_parts;
  create temp table ranked_parts on commit drop as
  select o.export_id, o.line, o.external_id, o.parts, row_number() over (
    partition by o.external_id
    order by o.started_at, o.ended_at, o.duration_seconds is null, o.cost, o.export_id, o.line) as place
  from pg_temp.open_lines o
  where o.parts is not null and o.takes_log and o.kind is null and o.external_id in (
    select external_id from pg_temp.open_lines group by 1 having count(*) > 1);
  analyze pg_temp.ranked_parts;
  update pg_temp.open_lines o set follows = true, takes_log = false
  from pg_temp.ranked_parts k
  where k.place > 1 and o.export_id = k.export_id and o.line = k.line and not exists (
    select 1 from pg_temp.ranked_parts e
    where e.external_id = k.external_id and e.place < k.place and e.parts && k.parts);
  update pg_temp.open_lines o set whole_cost = o.cost + f.cost
  from (select external_id, sum(cost) as cost from pg_temp.open_lines where follows group by 1) f
  where f.external_id = o.external_id and o.takes_log;
end $$;
comment on function quota.mark_parts() is
  'Marks those of open_lines that state further parts of a call which another file of the bill, or another '
  'invoice, begins: they are no repetitions.';
