-- Lines that are no calls: fees by themselves, and the sums of days, compared per day and model with the logs
-- that no call line has.

create or replace function quota.compare_days(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.billed_days, pg_temp.logged_days, pg_temp.model_names;
  create temp table billed_days on commit drop as
  select l.day, l.model, l.cost, l.duration_seconds as seconds,
    case when l.unit in ('request', 'requests') then l.quantity end as requests,
    -- FOCUS names meters where others name models; that one is a model it says, or the logs do.
    e.format = 'focus' and coalesce(l.charge::json ->> 'model', '') = '' as is_meter
  from quota.billing_lines l join quota.billing_exports e on e.id = l.export_id
  where l.export_id = any (exports) and l.kind = 'aggregate' and l.day >= month_start::date
    and l.day < month_end::date
    and (l.export_id, l.line) not in (select s.export_id, s.line from pg_temp.repeated_sums s);
  if not exists (select 1 from pg_temp.billed_days) then
    return;
  end if;
  create temp table logged_days on commit drop as
  select (g.started_at at time zone 'UTC')::date as day, g.model, sum(g.cost) as cost,
    sum(g.duration_seconds) as seconds,
    sum(coalesce(g.messages, 1)) as requests
  from pg_temp.computed_rows c join quota.call_logs g on g.id = c.log_id
  where c.export_id is null
  group by 1, 2;
  perform quota.name_models();

  -- A day that the bill states without a model, even in part, is compared as a whole.
  insert into pg_temp.computed_days
  with whole_days as (
    select distinct day from pg_temp.billed_days where model is null
  ), stated as (
    select count(cost) > 0 as cost, count(seconds) > 0 as seconds, count(requests) > 0 as requests
    from pg_temp.billed_days
  ), billed as (
    select b.day, case when w.day is null then n.name end as model, sum(b.cost) as cost,
      sum(b.seconds) as seconds, sum(b.requests) as requests
    from pg_temp.billed_days b
    left join whole_days w using (day)
    left join pg_temp.model_names n on n.model = b.model
    group by 1, 2
  ), logged as (
    select l.day, case when w.day is null then n.name end as model, sum(l.cost) as cost,
      sum(l.seconds) as seconds, sum(l.requests) as requests
    from pg_temp.logged_days l
    left join whole_days w using (day)
    left join pg_temp.model_names n on n.model = l.model
    group by 1, 2
  )
  select place.day, place.model,
    case when s.cost then coalesce(b.cost, 0) end as billed, coalesce(l.cost, 0) as logged,
    case when s.seconds then coalesce(b.seconds, 0) end as billed_seconds,
      coalesce(l.seconds, 0) as logged_seconds,
    case when s.requests then coalesce(b.requests, 0) end as billed_quantity,
      coalesce(l.requests, 0) as logged_quantity
  from (select *, coalesce(model, '') as key from billed) b
  full join (select *, coalesce(model, '') as key from logged) l on l.day = b.day and l.key = b.key
  cross join stated s
  cross join lateral (select coalesce(b.day, l.day) as day, coalesce(b.model, l.model) as model) place;

  delete from pg_temp.computed_rows where export_id is null;
  insert into pg_temp.computed_rows (day, model, kind, billed, logged)
  select d.day, d.model,
    -- In whatever the bill states; too much and too little alike.
    case
      when abs(d.billed - d.logged) > greatest(r.aggregate_amount, abs(d.billed) * r.aggregate_percent / 100)
        or abs(d.billed_seconds - d.logged_seconds) > d.billed_seconds * r.aggregate_percent / 100
        or abs(d.billed_quantity - d.logged_quantity) > d.billed_quantity * r.aggregate_percent / 100
        then 'aggregate_mismatch'
      else 'matched'
    end,
    coalesce(d.billed, 0), d.logged
  from pg_temp.computed_days d;
end $$;
comment on function quota.compare_days(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Where exports have sums of days: puts one item per day and model in the place of the logs that no call '
  'line has.';

create or replace function quota.name_models() returns void
language plpgsql
as $$
begin
  create temp table model_names on commit drop as
  with seen as (
    select distinct b.model, false as is_logged from pg_temp.billed_days b where b.model is not null
    union all
    select distinct l.model, true from pg_temp.logged_days l where l.model is not null
  ), keyed as (
    select s.model, s.is_logged, quota.same_model(s.model) as key from seen s
  )
  select distinct k.model, k.key, n.name, n.is_logged
  from keyed k
  join (
    select key, (array_agg(quota.model_family(model) order by is_logged desc, model))[1] as name,
      bool_or(is_logged) as is_logged
    from keyed group by 1
  ) n using (key);
  update pg_temp.billed_days b set model = null
  where b.is_meter and b.model is not null
    and b.model not in (select n.model from pg_temp.model_names n where n.is_logged);
end $$;
comment on function quota.name_models() is
  'Makes the temporary table model_names: what the models of bill and logs are called here, one name for '
  'what is the same; meters that are no model are taken from billed_days.';
