create or replace function quota.compute_reconciliation(reconciliation uuid, is_trial boolean default false)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Joins of millions of rows, once a month: hashing them in memory halves the time, compiling them gains
-- nothing. What they leave over is few and looked up by index, where the default price of a page would read
-- whole tables, of which all was in memory a moment ago. A plan needs to know that keys differ and kinds do
-- not: 3,000 rows tell that, and reading 30,000 takes a tenth of the run.
set work_mem = '128MB' set jit = off set random_page_cost = 0.2 set seq_page_cost = 0.2
set default_statistics_target = 10
-- Joining in several processes takes a sixth off, and shared memory by the hundred megabytes, which
-- containers seldom have: it would fail there.
set max_parallel_workers_per_gather = 0
as $$
declare
  r quota.reconciliations := quota.open_reconciliation(reconciliation);
  month_start timestamptz := r.month::timestamp at time zone 'UTC';
  month_end timestamptz := (r.month + interval '1 month') at time zone 'UTC';
  exports integer[];
  has_others boolean;
  changed bigint;
begin
  exports := array(
    select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  has_others := exists (
    select 1 from quota.billing_exports e where e.id = any (exports) and e.calls < e.lines);
  -- Nobody else analyzes lines that were loaded a moment ago. Only columns that plans depend on: the others
  -- cost as much.
  analyze quota.billing_lines (export_id, line, kind, external_id, assistant_id);
  perform quota.open_answer();
  perform quota.match_calls(r, exports, month_start, month_end);
  if has_others then
    perform quota.mark_repeated_sums(r, exports, month_start, month_end);
    perform quota.add_fees(r, exports, month_start, month_end);
    perform quota.mark_given_back(exports);
    perform quota.compare_days(r, exports, month_start, month_end);
  end if;
  changed := quota.store_items(r.id);
  if changed > 0 then
    analyze quota.reconciliation_items (reconciliation_id, export_id, line, log_id, kind);
    analyze quota.reconciliation_matches (reconciliation_id, export_id);
  end if;
  if not is_trial then
    perform quota.find_discrepancies();
    perform quota.store_discrepancies(r.id);
    if changed > 0 then
      -- Who asks next what they come from would hash all lines in place of these few.
      analyze quota.discrepancies (reconciliation_id, export_id, line, log_id, kind);
    end if;
  end if;
  return changed;
end $$;
comment on function quota.compute_reconciliation(uuid, boolean) is
  'Holds the exports of a month against the logs and stores what differs from the stored answer; how many '
  'items did. QT007 if the month is closed. A trial, to be rolled back, stores no discrepancies.';
