create or replace function quota.match_by_id(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
declare
  -- Sums of an instant and an interval are not constants: in the query they would be formed for every log.
  around_start timestamptz := month_start - interval '1 day';
  around_end timestamptz := month_end + interval '1 day';
  coarse integer[] := quota.coarse_exports(exports);
  told bigint[] := array(select quota.logs_told_elsewhere(r));
begin
  -- One join with the logs around the month; the few logs of other months are looked up afterwards.
  create temp table computed_plain on commit drop as
  select g.id as log_id, l.export_id, l.line,
    case when g.started_at < month_start or g.started_at >= month_end
      then date_trunc('month', g.started_at at time zone 'UTC')::date end as log_month,
    case when l.export_id is null then case g.status when 'active' then 'unsettled' else 'unbilled' end
      else coalesce(l.kind, case when g.id is null then 'unlogged' else quota.pair_kind(
        l.owner, g.user_id, l.duration_seconds, g.duration_seconds, l.cost, g.cost,
        quota.duration_tolerance(r, l.export_id = any (coarse)), r.cost_tolerance) end)
    end as kind,
    coalesce(l.cost, 0) as billed, coalesce(g.cost, 0) as logged
  from (
    -- Only what the comparison needs goes into the join: narrow rows are most of its speed. The offset keeps
    -- them so.
    select l.export_id, l.line, l.external_id, a.user_id as owner,
      quota.line_kind(l, month_start, month_end) as kind,
      quota.stated_seconds(l.duration_seconds, l.status) as duration_seconds, l.cost
    from quota.billing_lines l left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    where l.kind = 'call' and l.export_id = any (exports)
    offset 0
  ) l
  full join (
    select c.id, c.provider_call_id, c.user_id, c.status, c.started_at, c.duration_seconds, c.cost
    from quota.call_logs c
    where c.provider = r.provider and c.started_at >= around_start and c.started_at < around_end
  ) g on g.provider_call_id = l.external_id
  where l.export_id is not null
    or (g.started_at >= month_start and g.started_at < month_end and g.id <> all (told));
  perform quota.find_repeated_logs();

  -- Whatever is asked afterwards is asked about the few rows alone.
  with loose as (
    delete from pg_temp.computed_plain p
    where p.kind <> 'matched' or p.log_month is not null
      or p.log_id in (select d.log_id from pg_temp.repeated_logs d)
    returning p.*
  )
  insert into pg_temp.computed_rows (log_id, export_id, line, log_month, kind, billed, logged)
  select l.log_id, l.export_id, l.line, l.log_month, l.kind, l.billed, l.logged from loose l;
end $$;
comment on function quota.match_by_id(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Begins the answer: every call line and every log of the month, joined by id. What plainly matches is in '
  'computed_plain and stays there, the rest in computed_rows.';

create or replace function quota.find_repeated_logs() returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.repeated_logs;
  -- Nearly all have one line. Sixty-four logs are a bit each of one number: so the few numbers are found of
  -- which a log has more, and only those are counted one by one.
  create temp table repeated_logs on commit drop as
  with crowded as (
    select p.log_id >> 6 as block
    from pg_temp.computed_plain p where p.export_id is not null and p.log_id is not null
    group by 1 having count(*) > bit_count(bit_or(1::bigint << (p.log_id & 63)::integer)::bit(64))
  )
  select p.log_id
  from pg_temp.computed_plain p where p.export_id is not null and p.log_id >> 6 in (select block from crowded)
  group by 1 having count(*) > 1;
end $$;
comment on function quota.find_repeated_logs() is
  'Makes the temporary table repeated_logs: the logs that several lines have.';
