-- A bill of sums that comes again - longer, newer, packed, or cut in another way - repeats what is there.
-- Which of two that state the same counts is decided by what they say, not by which came first.

create or replace function quota.mark_repeated_sums(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.repeated_sums, pg_temp.month_sums;
  create temp table repeated_sums (export_id integer, line integer) on commit drop;
  create temp table month_sums on commit drop as
  select l.export_id, l.line, e.format, l.cost, l.charge::jsonb - 'row' as charge,
    case when l.kind = 'fee' then 'fee' when l.cost is null then coalesce(l.unit, '')
      else 'cost' end as states,
    coalesce(l.day, (quota.line_at(l) at time zone 'UTC')::date, 'epoch') as day,
    row_number() over (
      partition by l.export_id, l.kind, l.day, l.charge, l.started_at, l.ended_at, l.cost, l.quantity,
      l.description, l.model
      order by l.line) as copy
  from quota.billing_lines l join quota.billing_exports e on e.id = l.export_id
  where l.export_id = any (exports) and l.charge is not null
    and ((l.kind = 'aggregate' and l.day >= month_start::date and l.day < month_end::date)
      or (l.kind = 'fee' and coalesce(quota.line_at(l), month_start) >= month_start
        and coalesce(quota.line_at(l), month_start) < month_end));
  -- Providers group by what they print, so that two rows that agree in all of it are one. A hand may write
  -- two.
  insert into pg_temp.repeated_sums select s.export_id, s.line from pg_temp.month_sums s where s.copy > 1
    and s.format <> 'csv';
  delete from pg_temp.month_sums s where s.copy > 1 and s.format <> 'csv';
  delete from pg_temp.month_sums s
  where s.states in (select states from pg_temp.month_sums group by 1 having count(distinct export_id) = 1);
  if exists (select 1 from pg_temp.month_sums) then
    perform quota.rank_sums(month_end);
    perform quota.take_sums();
  end if;
end $$;
comment on function quota.mark_repeated_sums(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Makes the temporary table repeated_sums: the sums and fees of the month that another line states, too.';

create or replace function quota.rank_sums(month_end timestamptz) returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.ranked_sums;
  -- First comes what reaches further into the month, then what comes to more, then what is cut finer.
  create temp table ranked_sums on commit drop as
  select s.states, s.export_id, coalesce(g.grain, '{}') as grain, row_number() over (
    partition by s.states
    order by greatest(s.last_day, least(e.covered_until, month_end) - interval '1 day') desc,
      round(s.cost, 2) desc nulls last,
      cardinality(coalesce(g.grain, '{}')) desc, s.lines desc, e.sha256, s.export_id) as place
  from (
    select states, export_id, max(day)::timestamp at time zone 'UTC' as last_day, sum(cost) as cost,
      count(*) as lines
    from pg_temp.month_sums group by 1, 2
  ) s
  join quota.billing_exports e on e.id = s.export_id
  left join (
    select m.states, m.export_id, array_agg(distinct k.key order by k.key) as grain
    from pg_temp.month_sums m cross join lateral jsonb_object_keys(m.charge) as k(key) group by 1, 2
  ) g on g.states = s.states and g.export_id = s.export_id;
  -- A dimension that a file has and a row leaves empty is a value like any other.
  update pg_temp.month_sums m set charge = quota.project_charge(m.charge, s.grain)
  from pg_temp.ranked_sums s where s.states = m.states and s.export_id = m.export_id;
  create index on pg_temp.month_sums (export_id, states, day);
  analyze pg_temp.month_sums;
end $$;
comment on function quota.rank_sums(timestamptz) is
  'Makes the temporary table ranked_sums: which exports count first, and their dimensions.';

create or replace function quota.project_charge(charge jsonb, dimensions text[]) returns jsonb
language sql immutable parallel safe
as $$ select coalesce(jsonb_object_agg(k.name, coalesce(charge ->> k.name, '')), '{}')
from unnest(dimensions) as k(name) $$;
comment on function quota.project_charge(jsonb, text[]) is 'What a sum states, in these dimensions alone.';

create or replace function quota.take_sums() returns void
language plpgsql
as $$
declare
  e record;
  t record;
begin
  for e in select * from pg_temp.ranked_sums where place > 1 order by states, place loop
    for t in select * from pg_temp.ranked_sums where states = e.states and place < e.place order by place loop
      perform quota.take_beside(e.states, e.export_id, t.export_id, e.grain = t.grain,
        array(select unnest(e.grain) intersect select unnest(t.grain) order by 1));
    end loop;
  end loop;
end $$;
comment on function quota.take_sums() is
  'Takes export after export: what states the same part of the same day as a line that is taken, in the '
  'dimensions that both have, is repeated.';

create or replace function quota.take_beside(
  stated text, export integer, taken integer, is_same_cut boolean, shared text[])
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.beside;
  create temp table beside on commit drop as
  select s.export_id, s.line, s.cost, s.day, case when is_same_cut then s.charge
    else quota.project_charge(s.charge, shared) end as part
  from pg_temp.month_sums s where s.export_id in (export, taken) and s.states = stated;
  with parts as (
    select b.day, b.part, sum(b.cost) filter (where b.export_id = export) as cost, sum(b.cost)
      filter (where b.export_id = taken) as taken_cost
    from pg_temp.beside b group by 1, 2 having count(distinct b.export_id) = 2
  ), repeated as (
    delete from pg_temp.month_sums s
    using pg_temp.beside b, parts p
    where s.export_id = b.export_id and s.line = b.line and p.day = b.day and p.part = b.part
      -- Of two that are cut in other ways, the one that states less of a day was saved earlier, or filtered.
      and b.export_id = case when not is_same_cut and p.cost > p.taken_cost + 0.01 then taken else export end
    returning s.export_id, s.line
  )
  insert into pg_temp.repeated_sums select r.export_id, r.line from repeated r;
end $$;
comment on function quota.take_beside(text, integer, integer, boolean, text[]) is
  'Takes the sums of an export beside those of one that is taken: what both state counts once.';
