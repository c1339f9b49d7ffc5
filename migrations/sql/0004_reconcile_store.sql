-- The answer is stored only where it differs from what is stored, so that running again changes nothing.

create function quota.store_items(reconciliation uuid) returns bigint
language plpgsql
as $$
declare
  changed bigint := 0;
begin
  if not exists (select 1 from quota.reconciliation_items i where i.reconciliation_id = reconciliation) then
    insert into quota.reconciliation_items
      (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
    select reconciliation, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
    from pg_temp.computed_items c;
    get diagnostics changed = row_count;
    return changed;
  end if;

  drop table if exists pg_temp.changed_items;
  create temp table changed_items on commit drop as
  select i.place, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
  from (
    select i.ctid as place, i.*, coalesce(i.export_id, 0) as e, coalesce(i.line, 0) as n, case when i.line is null then i.log_id end as g,
      coalesce(i.day, 'epoch') as d, coalesce(i.model, '') as m
    from quota.reconciliation_items i where i.reconciliation_id = reconciliation
  ) i
  full join (
    select c.*, coalesce(c.export_id, 0) as e, coalesce(c.line, 0) as n, case when c.line is null then c.log_id end as g,
      coalesce(c.day, 'epoch') as d, coalesce(c.model, '') as m
    from pg_temp.computed_items c
  ) c on c.e = i.e and c.n = i.n and coalesce(c.g, 0) = coalesce(i.g, 0) and c.d = i.d and c.m = i.m
  where (i.kind, i.log_id, i.log_month, i.billed, i.logged) is distinct from (c.kind, c.log_id, c.log_month, c.billed, c.logged);
  get diagnostics changed = row_count;

  delete from quota.reconciliation_items i using pg_temp.changed_items c where i.ctid = c.place;
  insert into quota.reconciliation_items
    (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
  select reconciliation, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
  from pg_temp.changed_items c where c.kind is not null;
  return changed;
end $$;
comment on function quota.store_items(uuid) is 'Brings reconciliation_items to computed_items; how many differed.';

create function quota.find_discrepancies() returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.differing_items, pg_temp.computed_discrepancies;
  create temp table differing_items on commit drop as
  select * from pg_temp.computed_items c where c.kind not in ('matched', 'not_connected', 'outside_month', 'fee');
  analyze pg_temp.differing_items;

  -- The subject names the call, not the place in a file: a newer export of the month keeps what was resolved.
  create temp table computed_discrepancies on commit drop as
  select x.*, case when x.occurrence > 1 then x.about || ' #' || x.occurrence else x.about end as subject
  from (
    select y.*, row_number() over (partition by y.kind, y.about order by y.billed, y.export_id, y.line, y.log_id) as occurrence
    from (
      select x.*, coalesce('call ' || x.external_id, 'line ' || x.export_id || ':' || x.line, 'log ' || x.log_id,
        concat_ws(' ', 'day', x.day, x.model)) as about
      from (
    select c.kind, c.export_id, c.line, c.log_id, c.day, c.model, coalesce(l.external_id, g.provider_call_id) as external_id,
      coalesce(g.user_id, a.user_id) as user_id, a.user_id as owner_id, coalesce(l.assistant_id, g.assistant_id) as assistant_id,
      coalesce(l.started_at, l.created_at, g.started_at, c.day::timestamp at time zone 'UTC') as started_at,
      coalesce(l.duration_seconds, d.billed_seconds) as billed_seconds, coalesce(g.duration_seconds, d.logged_seconds) as logged_seconds,
      d.billed_quantity, d.logged_quantity, c.billed, c.logged
    from pg_temp.differing_items c
    left join pg_temp.loose_lines l on l.export_id = c.export_id and l.line = c.line
    left join quota.call_logs g on g.id = c.log_id
    left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    left join pg_temp.computed_days d on d.day = c.day and coalesce(d.model, '') = coalesce(c.model, '') and c.export_id is null
      ) x
    ) y
  ) x;
  analyze pg_temp.computed_discrepancies;
end $$;
comment on function quota.find_discrepancies() is
  'Makes the temporary table computed_discrepancies: what of computed_items does not fit, with what is known about it.';

create function quota.store_discrepancies(reconciliation uuid) returns void
language plpgsql
as $$
begin
  -- What is no longer found is forgotten, unless somebody has worked on it.
  update quota.discrepancies d set is_current = false
  where d.reconciliation_id = reconciliation and d.is_current and d.resolution is not null
    and not exists (select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);
  delete from quota.discrepancies d
  where d.reconciliation_id = reconciliation and d.resolution is null
    and not exists (select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);

  -- A resolution was given to these amounts: with others, or found again after its correction, it is open again.
  update quota.discrepancies d
  set export_id = c.export_id, line = c.line, log_id = c.log_id, user_id = c.user_id, owner_id = c.owner_id,
    assistant_id = c.assistant_id, started_at = c.started_at, billed_seconds = c.billed_seconds, logged_seconds = c.logged_seconds,
    billed_quantity = c.billed_quantity, logged_quantity = c.logged_quantity, billed = c.billed, logged = c.logged, is_current = true,
    resolution = case when c.is_same then d.resolution end, resolved_at = case when c.is_same then d.resolved_at end,
    resolved_by = case when c.is_same then d.resolved_by end, reason = case when c.is_same then d.reason end
  from (
    select c.*, d.id, d.resolution is distinct from 'corrected'
      and (d.billed, d.logged, d.billed_seconds, d.logged_seconds, d.billed_quantity, d.logged_quantity)
        is not distinct from (c.billed, c.logged, c.billed_seconds, c.logged_seconds, c.billed_quantity, c.logged_quantity) as is_same
    from pg_temp.computed_discrepancies c
    join quota.discrepancies d on d.reconciliation_id = reconciliation and d.kind = c.kind and d.subject = c.subject
  ) c
  where d.id = c.id
    and (not c.is_same or not d.is_current
      or (d.export_id, d.line, d.log_id, d.user_id, d.owner_id, d.assistant_id, d.started_at)
        is distinct from (c.export_id, c.line, c.log_id, c.user_id, c.owner_id, c.assistant_id, c.started_at));

  insert into quota.discrepancies
    (reconciliation_id, kind, subject, export_id, line, log_id, day, model, external_id, user_id, owner_id, assistant_id, started_at,
     billed_seconds, logged_seconds, billed_quantity, logged_quantity, billed, logged)
  select reconciliation, c.kind, c.subject, c.export_id, c.line, c.log_id, c.day, c.model, c.external_id, c.user_id, c.owner_id,
    c.assistant_id, c.started_at, c.billed_seconds, c.logged_seconds, c.billed_quantity, c.logged_quantity, c.billed, c.logged
  from pg_temp.computed_discrepancies c
  where not exists (
    select 1 from quota.discrepancies d
    where d.reconciliation_id = reconciliation and d.kind = c.kind and d.subject = c.subject)
  -- In an order that does not depend on that of the file.
  order by c.kind, c.started_at, c.subject;
end $$;
comment on function quota.store_discrepancies(uuid) is 'Brings discrepancies to computed_discrepancies; resolutions stay.';

create function quota.compute_reconciliation(reconciliation uuid, is_trial boolean default false) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Joins of millions of rows, once a month: hashing them in memory halves the time, compiling them gains nothing. What
-- they leave over is few and looked up by index, where the default price of a page would read whole tables.
set work_mem = '128MB' set jit = off set random_page_cost = 1.1
as $$
declare
  r quota.reconciliations := quota.open_reconciliation(reconciliation);
  month_start timestamptz := r.month::timestamp at time zone 'UTC';
  month_end timestamptz := (r.month + interval '1 month') at time zone 'UTC';
  exports integer[];
  has_others boolean;
  is_stored_at_once boolean;
  changed bigint;
begin
  exports := array(select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  has_others := exists (select 1 from quota.billing_exports e where e.id = any (exports) and e.calls < e.lines);
  is_stored_at_once := not has_others and not exists (select 1 from quota.reconciliation_items i where i.reconciliation_id = r.id);
  -- Nobody else analyzes lines that were loaded a moment ago. Only columns that plans depend on: the others cost as much.
  analyze quota.billing_lines (export_id, line, kind, external_id, assistant_id);
  perform quota.open_answer(r, is_stored_at_once);
  perform quota.match_calls(r, exports, month_start, month_end, is_stored_at_once);
  if has_others then
    perform quota.add_fees(r, exports, month_start, month_end);
    perform quota.compare_days(r, exports, month_start, month_end);
  end if;
  if is_stored_at_once then
    changed := (select count(*) from pg_temp.computed_items);
  else
    changed := quota.store_items(r.id);
    if changed > 0 then
      analyze quota.reconciliation_items (reconciliation_id, export_id, line, log_id, kind);
    end if;
  end if;
  if not is_trial then
    perform quota.find_discrepancies();
    perform quota.store_discrepancies(r.id);
  end if;
  drop view pg_temp.computed_items;
  return changed;
end $$;
comment on function quota.compute_reconciliation(uuid, boolean) is
  'Holds the exports of a month against the logs and stores what differs from the stored answer; how many items did. QT007 if the month is closed. A trial, to be rolled back, stores no discrepancies.';

create function quota.open_reconciliation(reconciliation uuid) returns quota.reconciliations
language plpgsql
as $$
declare
  r quota.reconciliations;
begin
  select * into strict r from quota.reconciliations where id = reconciliation for no key update;
  perform quota.refuse_closed(reconciliation);
  return r;
end $$;
comment on function quota.open_reconciliation(uuid) is 'Locks a month that is to be changed. QT007 if it is closed.';
