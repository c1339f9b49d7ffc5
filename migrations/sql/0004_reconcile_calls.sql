-- Matching of call lines with call logs, by sets. The order of the kinds is that of the rules: outside_month,
-- not_connected, unsettled, duplicate_line, then by the pair found, then unlogged and unbilled.
-- Nothing depends on the order of lines, of logs or of files: ties go by content.

create function quota.line_at(l quota.billing_lines) returns timestamptz
language sql immutable
as $$ select coalesce(l.started_at, l.created_at) $$;
comment on function quota.line_at(quota.billing_lines) is 'The instant that decides which month a line belongs to.';

create function quota.line_kind(l quota.billing_lines, month_start timestamptz, month_end timestamptz) returns text
language sql immutable
as $$
  select case
    when coalesce(l.started_at, l.created_at) < month_start or coalesce(l.started_at, l.created_at) >= month_end
      then 'outside_month'
    when l.started_at is null and coalesce(l.cost, 0) = 0 and (l.status in ('ended', 'untimed') or l.ended_at is not null)
      then 'not_connected'
    when l.ended_at is null and l.duration_seconds is null and l.status is distinct from 'untimed'
      and (l.started_at is not null or l.status is distinct from 'ended') then 'unsettled'
  end
$$;
comment on function quota.line_kind(quota.billing_lines, timestamptz, timestamptz) is
  'The kind of a call line by itself; null: its repetitions and its log decide.';

create function quota.pair_kind(
  line_owner uuid, log_owner uuid, line_seconds numeric, log_seconds numeric, billed numeric, logged numeric,
  duration_tolerance numeric, cost_tolerance numeric)
returns text
language sql immutable
as $$
  select case
    -- Most pairs are equal, which is known without a subtraction.
    when line_owner = log_owner and line_seconds = log_seconds and billed = logged then 'matched'
    when line_owner <> log_owner then 'attribution_mismatch'
    when abs(line_seconds - coalesce(log_seconds, 0)) > duration_tolerance then 'duration_mismatch'
    when abs(billed - logged) > cost_tolerance then 'cost_mismatch'
    else 'matched'
  end
$$;
comment on function quota.pair_kind(uuid, uuid, numeric, numeric, numeric, numeric, numeric, numeric) is
  'How a line and its log compare. A cost that one side does not know (null) is not compared, nor the seconds of a line that states none.';

create function quota.stated_seconds(duration_seconds numeric, status text) returns numeric
language sql immutable
as $$ select coalesce(duration_seconds, case when status is distinct from 'untimed' then 0 end) $$;
comment on function quota.stated_seconds(numeric, text) is
  'The seconds of a call line; null where its export has no column that could tell them.';

create function quota.logs_told_elsewhere(r quota.reconciliations) returns setof bigint
language sql stable
as $$
  select i.log_id
  from quota.reconciliation_items i join quota.reconciliations o on o.id = i.reconciliation_id
  where i.log_month = r.month and i.kind <> 'outside_month' and o.provider = r.provider and o.id <> r.id
$$;
comment on function quota.logs_told_elsewhere(quota.reconciliations) is
  'Logs of the month whose lines, by the clock of the bill, belong to others: they are told there.';

create function quota.open_answer(r quota.reconciliations, is_stored_at_once boolean) returns void
language plpgsql
as $$
begin
  drop view if exists pg_temp.computed_items;
  drop table if exists pg_temp.computed_rows, pg_temp.computed_days;
  create temp table computed_days (
    day date, model text, billed numeric, logged numeric, billed_seconds numeric, logged_seconds numeric,
    billed_quantity numeric, logged_quantity numeric) on commit drop;
  if is_stored_at_once then
    execute format('create temp view computed_items as
      select i.ctid as place, i.* from quota.reconciliation_items i where i.reconciliation_id = %L', r.id);
    execute format('alter view pg_temp.computed_items alter column reconciliation_id set default %L', r.id);
  else
    create temp table computed_rows (like quota.reconciliation_items) on commit drop;
    alter table pg_temp.computed_rows drop column reconciliation_id;
    create temp view computed_items as select c.ctid as place, c.* from pg_temp.computed_rows c;
  end if;
end $$;
comment on function quota.open_answer(quota.reconciliations, boolean) is
  'Makes the temporary view computed_items, through which the answer is written: a temporary table, to be compared with what is stored, or where nothing is, the stored items of the month themselves: a million of them need not be written twice.';

create function quota.match_by_id(r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
declare
  -- Sums of an instant and an interval are not constants: in the query they would be formed for every log.
  around_start timestamptz := month_start - interval '1 day';
  around_end timestamptz := month_end + interval '1 day';
begin
  -- One join with the logs around the month; the few logs of other months are looked up afterwards.
  insert into pg_temp.computed_items (log_id, export_id, line, log_month, kind, billed, logged)
  select g.id, l.export_id, l.line,
    case when g.started_at < month_start or g.started_at >= month_end
      then date_trunc('month', g.started_at at time zone 'UTC')::date end,
    case when l.export_id is null then case g.status when 'active' then 'unsettled' else 'unbilled' end
      else coalesce(l.kind, case when g.id is null then 'unlogged' else quota.pair_kind(l.owner, g.user_id, l.duration_seconds,
        g.duration_seconds, l.cost, g.cost, r.duration_tolerance, r.cost_tolerance) end)
    end,
    coalesce(l.cost, 0), coalesce(g.cost, 0)
  from (
    -- Only what the comparison needs goes into the join: narrow rows are most of its speed. The offset keeps them so.
    select l.export_id, l.line, l.external_id, a.user_id as owner, quota.line_kind(l, month_start, month_end) as kind,
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
    or (g.started_at >= month_start and g.started_at < month_end and g.id not in (select quota.logs_told_elsewhere(r)));
end $$;
comment on function quota.match_by_id(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Writes computed_items: every call line and every log of the month, joined by id.';

create function quota.loose_items(r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.loose_items, pg_temp.loose_lines, pg_temp.open_lines;
  create temp table loose_items on commit drop as
  with repeated as (
    select c.log_id from pg_temp.computed_items c
    where c.export_id is not null and c.log_id is not null
    group by c.log_id having count(*) > 1
  )
  select c.place, c.log_id, c.export_id, c.line,
    c.export_id is not null
      and (c.log_id is null or c.kind = 'outside_month' or c.log_id in (select log_id from repeated)) as is_open
  from pg_temp.computed_items c
  where c.kind <> 'matched' or c.log_month is not null or c.log_id in (select log_id from repeated);
  -- They are few as a rule, and the planner has to know.
  analyze pg_temp.loose_items;

  create temp table loose_lines on commit drop as
  select l.export_id, l.line, l.external_id, l.assistant_id, quota.line_at(l) as at, l.created_at, l.started_at, l.ended_at,
    l.duration_seconds, quota.stated_seconds(l.duration_seconds, l.status) as stated_seconds, l.cost,
    quota.line_kind(l, month_start, month_end) as kind, i.place, i.log_id, i.is_open
  from pg_temp.loose_items i join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
  where l.export_id = any (exports);
  analyze pg_temp.loose_lines;

  create temp table open_lines on commit drop as
  select l.*, l.log_id as log_before, true as takes_log from pg_temp.loose_lines l where l.is_open;
  analyze pg_temp.open_lines;
end $$;
comment on function quota.loose_items(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Makes the temporary tables loose_items and loose_lines, all but what plainly matches: everything after the join by id looks at them alone. And open_lines, those that the join did not settle: they have no log around the month, share it, or belong to another month.';

create function quota.mark_repetitions(r quota.reconciliations) returns void
language plpgsql
as $$
declare
  earlier integer[];
begin
  -- A line of another month that an earlier export billed in its own month is billed again.
  select array_agg(distinct x.export_id) into earlier
  from quota.reconciliations other join quota.reconciliation_exports x on x.reconciliation_id = other.id
  where other.provider = r.provider and other.id <> r.id
    and other.month in (select date_trunc('month', o.at at time zone 'UTC') from pg_temp.open_lines o where o.kind = 'outside_month');
  if earlier is not null then
    update pg_temp.open_lines o set kind = 'duplicate_line', takes_log = false
    where o.kind = 'outside_month' and exists (
      select 1
      from quota.billing_lines l
      join quota.reconciliation_exports x on x.export_id = l.export_id
      join quota.reconciliations other on other.id = x.reconciliation_id
      where l.export_id = any (earlier) and l.export_id < o.export_id and l.external_id = o.external_id
        and other.provider = r.provider and other.id <> r.id
        and other.month = date_trunc('month', o.at at time zone 'UTC'));
  end if;

  -- One line of an id takes its log: a settled one before an unsettled one, the first of equals. Settled lines
  -- after the first are repetitions.
  update pg_temp.open_lines o
  set kind = coalesce(o.kind, 'duplicate_line'), takes_log = false
  from (
    select l.export_id, l.line, row_number() over (
      partition by l.external_id
      order by array_position(array['unsettled', 'not_connected', 'outside_month'], l.kind) nulls first,
        l.created_at, l.started_at, l.ended_at, l.duration_seconds, l.cost, l.export_id, l.line) as place
    from pg_temp.open_lines l where l.external_id is not null and l.takes_log
  ) ranked
  where ranked.place > 1 and o.export_id = ranked.export_id and o.line = ranked.line;

  update pg_temp.open_lines set log_id = null where not takes_log;
  update pg_temp.open_lines o set log_id = g.id
  from quota.call_logs g
  where o.takes_log and o.log_id is null and g.provider = r.provider and g.provider_call_id = o.external_id;
end $$;
comment on function quota.mark_repetitions(quota.reconciliations) is
  'Finds the repetitions among open_lines, which take no log, and the logs of the others in any month.';

create function quota.pair_by_time(r quota.reconciliations, month_start timestamptz, month_end timestamptz) returns void
language plpgsql
as $$
declare
  width numeric := greatest(r.match_seconds, 1);
  paired bigint;
begin
  drop table if exists pg_temp.candidate_pairs, pg_temp.time_pairs;
  create temp table time_pairs (export_id integer, line integer, log_id bigint) on commit drop;
  -- Joined by assistant and slice of time, its own and both neighbours: never all calls of an assistant with all.
  create temp table candidate_pairs on commit drop as
  with lines as (
    select o.*, floor(extract(epoch from o.started_at) / width) + beside as slice
    from pg_temp.open_lines o, generate_series(-1, 1) beside
    where o.kind is null and o.log_id is null and o.started_at is not null and o.assistant_id is not null
  ), logs as (
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0) as seconds, g.cost,
      floor(extract(epoch from g.started_at) / width) as slice
    from pg_temp.loose_items c join quota.call_logs g on g.id = c.log_id
    where c.export_id is null and exists (select 1 from lines)
    union all
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0), g.cost,
      floor(extract(epoch from g.started_at) / width)
    from quota.logs_beside(r, month_start, month_end) g
    where exists (select 1 from lines)
  )
  select u.export_id, u.line, g.id as log_id,
    coalesce(abs(u.stated_seconds - g.seconds), 0) as seconds_apart, abs(extract(epoch from u.started_at - g.started_at)) as start_apart,
    u.started_at as line_started_at, u.cost as line_cost, u.external_id, g.started_at as log_started_at, g.cost as log_cost
  from lines u join logs g on g.assistant_id = u.assistant_id and g.slice = u.slice
  where abs(extract(epoch from u.started_at - g.started_at)) <= r.match_seconds
    and (g.provider_call_id is null or u.external_id is null);

  -- Nearest first, one-to-one: pairs that are each other's best are final, what they leave behind is ranked anew.
  loop
    drop table if exists pg_temp.best_pairs;
    create temp table best_pairs on commit drop as
    select b.export_id, b.line, b.log_id
    from (
      select c.export_id, c.line, c.log_id,
        row_number() over (partition by c.export_id, c.line
          order by c.seconds_apart, c.start_apart, c.log_started_at, c.log_cost, c.log_id) as of_line,
        row_number() over (partition by c.log_id
          order by c.seconds_apart, c.start_apart, c.line_started_at, c.line_cost, c.external_id, c.export_id, c.line) as of_log
      from pg_temp.candidate_pairs c
    ) b
    where b.of_line = 1 and b.of_log = 1;
    insert into pg_temp.time_pairs select * from pg_temp.best_pairs;
    get diagnostics paired = row_count;
    exit when paired = 0;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.log_id = c.log_id;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.export_id = c.export_id and b.line = c.line;
  end loop;
  update pg_temp.open_lines o set log_id = p.log_id
  from pg_temp.time_pairs p where p.export_id = o.export_id and p.line = o.line;
end $$;
comment on function quota.pair_by_time(quota.reconciliations, timestamptz, timestamptz) is
  'Gives open_lines without a log those logs that carry no id (older app versions stored none): same assistant, start within the tolerance, nearest duration.';

create function quota.logs_beside(r quota.reconciliations, month_start timestamptz, month_end timestamptz) returns setof quota.call_logs
language sql stable
as $$
  select g.*
  from quota.call_logs g
  where g.provider = r.provider
    and ((g.started_at >= month_start - make_interval(secs => r.match_seconds::float8) and g.started_at < month_start)
      or (g.started_at >= month_end and g.started_at <= month_end + make_interval(secs => r.match_seconds::float8)))
    and not exists (
      select 1 from pg_temp.loose_items c where c.log_id = g.id)
    and not exists (
      select 1 from quota.reconciliation_items i
      where i.log_id = g.id and i.export_id is not null and i.reconciliation_id in (
        select o.id from quota.reconciliations o
        where o.provider = r.provider and o.month in (r.month - interval '1 month', r.month + interval '1 month')))
$$;
comment on function quota.logs_beside(quota.reconciliations, timestamptz, timestamptz) is
  'Logs just before and after the month that no line has, here or in the months beside.';

create function quota.settle_open_lines(r quota.reconciliations, month_start timestamptz, month_end timestamptz) returns void
language plpgsql
as $$
begin
  analyze pg_temp.open_lines;
  delete from pg_temp.computed_items c using pg_temp.open_lines o where o.place = c.place;
  delete from pg_temp.computed_items c using pg_temp.loose_items i
  where c.place = i.place and i.export_id is null and i.log_id in (select o.log_id from pg_temp.open_lines o);
  insert into pg_temp.computed_items (log_id, export_id, line, log_month, kind, billed, logged)
  select g.id, o.export_id, o.line,
    case when g.started_at < month_start or g.started_at >= month_end then date_trunc('month', g.started_at at time zone 'UTC')::date end,
    coalesce(o.kind, case when g.id is null then 'unlogged' else quota.pair_kind(a.user_id, g.user_id, o.stated_seconds,
      g.duration_seconds, o.cost, g.cost, r.duration_tolerance, r.cost_tolerance) end),
    coalesce(o.cost, 0), coalesce(g.cost, 0)
  from pg_temp.open_lines o
  left join quota.call_logs g on g.id = o.log_id
  left join quota.assistants a on a.provider_assistant_id = o.assistant_id;

  -- Logs that lost their line are logs without a line again.
  insert into pg_temp.computed_items (log_id, kind, billed, logged)
  select g.id, case g.status when 'active' then 'unsettled' else 'unbilled' end, 0, coalesce(g.cost, 0)
  from quota.call_logs g
  where g.id in (
      select o.log_before from pg_temp.open_lines o except select o.log_id from pg_temp.open_lines o)
    and g.started_at >= month_start and g.started_at < month_end
    and g.id not in (select quota.logs_told_elsewhere(r));
end $$;
comment on function quota.settle_open_lines(quota.reconciliations, timestamptz, timestamptz) is
  'Puts open_lines in the place of their rows in computed_items, with what was found out about them.';

create function quota.match_calls(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz, is_stored_at_once boolean)
returns void
language plpgsql
as $$
begin
  perform quota.match_by_id(r, exports, month_start, month_end);
  if is_stored_at_once then
    -- Without it a new month beside others seems to have one item, and the deletions that follow would loop over all.
    analyze quota.reconciliation_items (reconciliation_id, export_id, line, log_id, kind);
  end if;
  perform quota.loose_items(r, exports, month_start, month_end);
  perform quota.mark_repetitions(r);
  perform quota.pair_by_time(r, month_start, month_end);
  perform quota.settle_open_lines(r, month_start, month_end);
end $$;
comment on function quota.match_calls(quota.reconciliations, integer[], timestamptz, timestamptz, boolean) is
  'Writes computed_items: every call line of the exports and every log of the month, once, with its kind.';
