-- Matching of call lines with call logs, by sets. The order of the kinds is that of the rules: outside_month,
-- not_connected, unsettled, duplicate_line, then by the pair found, then unlogged and unbilled.
-- Nothing depends on the order of lines, of logs or of files.

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
    when l.started_at is null and coalesce(l.cost, 0) = 0 and (l.status = 'ended' or l.ended_at is not null)
      then 'not_connected'
    when l.ended_at is null and l.duration_seconds is null and (l.started_at is not null or l.status is distinct from 'ended')
      then 'unsettled'
  end
$$;
comment on function quota.line_kind(quota.billing_lines, timestamptz, timestamptz) is
  'The kind of a call line by itself; null: its repetitions and its log decide.';

create function quota.pair_kind(
  line_owner uuid, log_owner uuid, line_seconds numeric, log_seconds numeric, billed numeric, logged numeric,
  r quota.reconciliations)
returns text
language sql immutable
as $$
  select case
    when line_owner <> log_owner then 'attribution_mismatch'
    when abs(line_seconds - log_seconds) > r.duration_tolerance then 'duration_mismatch'
    when abs(billed - logged) > r.cost_tolerance then 'cost_mismatch'
    else 'matched'
  end
$$;
comment on function quota.pair_kind(uuid, uuid, numeric, numeric, numeric, numeric, quota.reconciliations) is
  'How a line and its log compare, by the tolerances of the reconciliation.';

create function quota.find_repetitions(r quota.reconciliations, month_start timestamptz, month_end timestamptz) returns void
language plpgsql
as $$
begin
  -- Only ids that come more than once are ranked: sorting the whole month would cost more than all the rest.
  create temp table repeated_lines on commit drop as
  with own as (
    select l.* from quota.billing_lines l
    where l.kind = 'call' and l.external_id is not null
      and l.export_id in (select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id)
  ), judged as (
    select o.export_id, o.line, o.external_id, e.sequence, quota.line_kind(o::quota.billing_lines, month_start, month_end) as kind
    from quota.billing_lines o
    join quota.billing_exports e on e.id = o.export_id
    where o.kind = 'call'
      and o.export_id in (select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id)
      and o.external_id in (select external_id from own group by external_id having count(*) > 1)
  )
  select j.export_id, j.line,
    case
      when j.kind is null and row_number() over (partition by j.external_id, j.kind order by j.sequence, j.line) > 1
        then 'duplicate_line'
      else j.kind
    end as kind,
    -- The one line of an id that its log belongs to: a settled one before an unsettled one, the first of equals.
    row_number() over (
      partition by j.external_id
      order by array_position(array['unsettled', 'not_connected', 'outside_month'], j.kind) nulls first, j.sequence, j.line
    ) = 1 as takes_log
  from judged j;

  -- A line of another month that an earlier export billed in its own month is billed again.
  insert into pg_temp.repeated_lines (export_id, line, kind, takes_log)
  select l.export_id, l.line, 'duplicate_line', false
  from quota.billing_lines l
  join quota.reconciliation_exports x on x.export_id = l.export_id and x.reconciliation_id = r.id
  join quota.billing_exports e on e.id = l.export_id
  where l.kind = 'call' and l.external_id is not null
    and (quota.line_at(l) < month_start or quota.line_at(l) >= month_end)
    and exists (
      select 1
      from quota.reconciliations other
      join quota.reconciliation_exports ox on ox.reconciliation_id = other.id
      join quota.billing_exports oe on oe.id = ox.export_id and oe.sequence < e.sequence
      join quota.billing_lines ol on ol.export_id = oe.id and ol.external_id = l.external_id
      where other.provider = r.provider and other.id <> r.id
        and other.month = date_trunc('month', quota.line_at(l) at time zone 'UTC')::date);
end $$;
comment on function quota.find_repetitions(quota.reconciliations, timestamptz, timestamptz) is
  'Makes the temporary table repeated_lines: lines whose id comes more than once, with their kind and which one takes the log.';

create function quota.pair_by_time(r quota.reconciliations) returns void
language plpgsql
as $$
declare
  paired integer;
begin
  -- Logs of older app versions carry no id (and some exports none): same assistant, start within the tolerance.
  create temp table candidate_pairs on commit drop as
  select u.export_id, u.line, g.id as log_id,
    abs(u.seconds - g.seconds) as seconds_apart, abs(extract(epoch from u.started_at - g.started_at)) as start_apart,
    u.external_id, u.started_at as line_started_at, g.started_at as log_started_at, g.cost as log_cost
  from pg_temp.open_lines u
  join pg_temp.open_logs g on g.assistant_id = u.assistant_id
    and g.started_at between u.started_at - make_interval(secs => r.match_seconds::float8)
      and u.started_at + make_interval(secs => r.match_seconds::float8)
    and (g.provider_call_id is null or u.external_id is null);
  create temp table time_pairs (export_id uuid, line integer, log_id bigint) on commit drop;

  -- Nearest first, one-to-one: pairs that are each other's best are final; what they leave behind is ranked anew.
  -- Ties go by content, so that the order of the inputs does not matter.
  loop
    with ranked as (
      select c.export_id, c.line, c.log_id,
        row_number() over (partition by c.export_id, c.line
          order by c.seconds_apart, c.start_apart, c.log_started_at, c.log_cost, c.log_id) as of_line,
        row_number() over (partition by c.log_id
          order by c.seconds_apart, c.start_apart, c.line_started_at, c.external_id, c.export_id, c.line) as of_log
      from pg_temp.candidate_pairs c
    )
    insert into pg_temp.time_pairs select export_id, line, log_id from ranked where of_line = 1 and of_log = 1;
    get diagnostics paired = row_count;
    exit when paired = 0;
    delete from pg_temp.candidate_pairs c using pg_temp.time_pairs p
    where c.log_id = p.log_id or (c.export_id = p.export_id and c.line = p.line);
  end loop;
end $$;
comment on function quota.pair_by_time(quota.reconciliations) is
  'Makes the temporary table time_pairs from open_lines and open_logs: one-to-one, the nearest duration first.';

create function quota.match_calls(reconciliation uuid) returns void
language plpgsql
as $$
declare
  r quota.reconciliations;
  month_start timestamptz;
  month_end timestamptz;
begin
  select * into strict r from quota.reconciliations where id = reconciliation;
  month_start := r.month::timestamp at time zone 'UTC';
  month_end := (r.month + interval '1 month') at time zone 'UTC';
  perform quota.find_repetitions(r, month_start, month_end);
  analyze pg_temp.repeated_lines;

  -- By id, first among the logs around the month (one hash join), below for the few others in any month.
  create temp table computed_items on commit drop as
  select l.export_id, l.line, g.id as log_id, coalesce(l.cost, 0) as billed, coalesce(g.cost, 0) as logged,
    case
      when x.line is not null and x.kind is not null then x.kind
      else coalesce(
        quota.line_kind(l, month_start, month_end),
        case when g.id is null then 'unlogged' else quota.pair_kind(
          a.user_id, g.user_id, coalesce(l.duration_seconds, 0), coalesce(g.duration_seconds, 0), coalesce(l.cost, 0),
          coalesce(g.cost, 0), r) end)
    end as kind
  from quota.billing_lines l
  left join pg_temp.repeated_lines x using (export_id, line)
  left join quota.call_logs g on g.provider = r.provider and g.provider_call_id = l.external_id
    and g.started_at >= month_start - interval '1 day' and g.started_at < month_end + interval '1 day'
    and coalesce(x.takes_log, true)
  left join quota.assistants a on a.provider_assistant_id = l.assistant_id
  where l.kind = 'call' and l.export_id in (
    select e.export_id from quota.reconciliation_exports e where e.reconciliation_id = reconciliation);

  create temp table open_lines on commit drop as
  select c.export_id, c.line, c.kind, l.external_id, l.assistant_id, l.started_at, coalesce(l.duration_seconds, 0) as seconds,
    a.user_id as owner, g.id as log_id, coalesce(x.takes_log, true) as takes_log
  from pg_temp.computed_items c
  join quota.billing_lines l using (export_id, line)
  left join pg_temp.repeated_lines x using (export_id, line)
  left join quota.assistants a on a.provider_assistant_id = l.assistant_id
  left join quota.call_logs g on g.provider = r.provider and g.provider_call_id = l.external_id and coalesce(x.takes_log, true)
  where c.log_id is null and c.kind <> 'duplicate_line';
  perform quota.apply_pairs(r, 'select export_id, line, log_id from pg_temp.open_lines where log_id is not null');

  delete from pg_temp.open_lines where log_id is not null or kind <> 'unlogged';
  create temp table open_logs on commit drop as
  select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0) as seconds, coalesce(g.cost, 0) as cost
  from quota.call_logs g
  where g.provider = r.provider and g.started_at >= month_start - make_interval(secs => r.match_seconds::float8)
    and g.started_at < month_end + make_interval(secs => r.match_seconds::float8)
    and not exists (select 1 from pg_temp.computed_items c where c.log_id = g.id);
  perform quota.pair_by_time(r);
  perform quota.apply_pairs(r, 'select export_id, line, log_id from pg_temp.time_pairs');

  insert into pg_temp.computed_items (log_id, billed, logged, kind)
  select g.id, 0, coalesce(g.cost, 0), case when g.status = 'active' then 'unsettled' else 'unbilled' end
  from quota.call_logs g
  where g.provider = r.provider and g.started_at >= month_start and g.started_at < month_end
    and not exists (select 1 from pg_temp.computed_items c where c.log_id = g.id)
    -- A log whose line belongs to another month, by the bill's clock, is told there.
    and not exists (
      select 1 from quota.reconciliation_items i join quota.reconciliations o on o.id = i.reconciliation_id
      where i.log_id = g.id and o.id <> r.id and o.provider = r.provider and i.export_id is not null and i.kind <> 'outside_month');
end $$;
comment on function quota.match_calls(uuid) is
  'Makes the temporary table computed_items: every call line of the reconciliation''s exports and every log of its month, once, with its kind.';

create function quota.apply_pairs(r quota.reconciliations, pairs_query text) returns void
language plpgsql
as $$
begin
  execute format($sql$
    update pg_temp.computed_items c
    set log_id = g.id, logged = coalesce(g.cost, 0),
      kind = case when c.kind = 'unlogged' then quota.pair_kind(
        a.user_id, g.user_id, coalesce(l.duration_seconds, 0), coalesce(g.duration_seconds, 0), coalesce(l.cost, 0),
        coalesce(g.cost, 0), $1) else c.kind end
    from (%s) p
    join quota.billing_lines l using (export_id, line)
    join quota.call_logs g on g.id = p.log_id
    left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    where c.export_id = p.export_id and c.line = p.line
  $sql$, pairs_query) using r;
end $$;
comment on function quota.apply_pairs(quota.reconciliations, text) is
  'Gives lines of computed_items the logs that a query pairs them with, and the kind that follows.';
