create or replace function quota.pair_by_time(
  r quota.reconciliations, month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
declare
  width numeric := greatest(r.match_seconds, 1);
  -- Sums of an instant and an interval are no constants, and would be formed for every log.
  around_start timestamptz := month_start - make_interval(secs => r.match_seconds::float8);
  around_end timestamptz := month_end + make_interval(secs => r.match_seconds::float8);
  paired bigint;
begin
  drop table if exists pg_temp.candidate_pairs, pg_temp.time_pairs;
  create temp table time_pairs (export_id integer, line integer, log_id bigint) on commit drop;
  -- Joined by assistant and slice of time, its own and both neighbours: never all calls of an assistant with
  -- all.
  create temp table candidate_pairs on commit drop as
  with lines as (
    select o.*, floor(extract(epoch from o.started_at) / width) + beside as slice
    from pg_temp.open_lines o, generate_series(-1, 1) beside
    where o.kind is null and not o.follows and o.log_id is null and o.started_at is not null
      and o.assistant_id is not null
  ), logs as (
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0) as seconds,
      g.cost,
      floor(extract(epoch from g.started_at) / width) as slice
    from quota.call_logs g
    where exists (select 1 from lines) and g.id = any (array(
      select c.log_id from pg_temp.computed_rows c where c.export_id is null and c.log_id is not null))
    union all
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0), g.cost,
      floor(extract(epoch from g.started_at) / width)
    from quota.logs_beside(r, month_start, month_end, around_start, around_end) g
    where exists (select 1 from lines)
  )
  select u.export_id, u.line, g.id as log_id,
    coalesce(abs(u.stated_seconds - g.seconds), 0) as seconds_apart,
    abs(extract(epoch from u.started_at - g.started_at)) as start_apart,
    u.started_at as line_started_at, u.cost as line_cost, u.external_id, g.started_at as log_started_at,
    g.cost as log_cost
  from lines u join logs g on g.assistant_id = u.assistant_id and g.slice = u.slice
  where abs(extract(epoch from u.started_at - g.started_at)) <= r.match_seconds
    and (g.provider_call_id is null or u.external_id is null);

  -- Nearest first, one-to-one: pairs that are each other's best are final, what they leave behind is ranked
  -- anew.
  loop
    drop table if exists pg_temp.best_pairs;
    create temp table best_pairs on commit drop as
    select b.export_id, b.line, b.log_id
    from (
      select c.export_id, c.line, c.log_id,
        row_number() over (partition by c.export_id, c.line
          order by c.seconds_apart, c.start_apart, c.log_started_at, c.log_cost, c.log_id) as of_line,
        row_number() over (partition by c.log_id
          order by c.seconds_apart, c.start_apart, c.line_started_at, c.line_cost, c.external_id, c.export_id,
            c.line) as of_log
      from pg_temp.candidate_pairs c
    ) b
    where b.of_line = 1 and b.of_log = 1;
    insert into pg_temp.time_pairs select * from pg_temp.best_pairs;
    get diagnostics paired = row_count;
    exit when paired = 0;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.log_id = c.log_id;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.export_id = c.export_id
      and b.line = c.line;
  end loop;
  update pg_temp.open_lines o set log_id = p.log_id
  from pg_temp.time_pairs p where p.export_id = o.export_id and p.line = o.line;
end $$;
comment on function quota.pair_by_time(quota.reconciliations, timestamptz, timestamptz) is
  'Gives open_lines without a log those logs that carry no id (older app versions stored none): same '
  'assistant, start within the tolerance, nearest duration.';
