create or replace function quota.expected_costs(reconciliation uuid)
returns table (
  name text, unit text, note text, price numeric, logs bigint, logged_seconds numeric, expected numeric,
  lines bigint, billed_seconds numeric, by_bill_durations numeric, billed numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
-- A month has few different times once they are rounded, which the planner cannot know: it would sort whole
-- lines.
set work_mem = '128MB' set jit = off set enable_sort = off
as $$
declare
  r quota.reconciliations;
  exports integer[];
  beside bigint[];
  currency text;
  c quota.rate_cards;
begin
  perform quota.refuse_other_users(null);
  select * into r from quota.reconciliations where id = reconciliation;
  exports := array(
    select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  -- Billed before, of another month, or not to be charged by time: few as a rule.
  beside := array(
    select quota.line_key(i.export_id, i.line) from quota.reconciliation_items i
    where i.reconciliation_id = r.id
      and i.kind in ('outside_month', 'duplicate_line', 'not_connected', 'unsettled', 'fee')
      and i.export_id is not null);
  -- Prices in one currency say nothing of a bill in another.
  select min(e.currency) into currency from quota.billing_exports e where e.id = any (exports);
  for c in
    select k.* from quota.rate_cards k
    where k.provider = r.provider and (k.unit !~ '^[A-Z]{3}$' or k.unit = coalesce(currency, k.unit))
    order by k.name
  loop
    -- A query for each card, planned for its values: what it does not ask for costs nothing. Calls of equal
    -- time cost the same, so a price is worked out and rounded once for each time, not for each of a million
    -- calls.
    return query
    select c.name, c.unit, c.note, c.price, g.logs, g.seconds, g.expected, b.lines, b.seconds,
      b.by_bill_durations, b.billed
    from (
      select coalesce(sum(t.calls), 0)::bigint as logs, sum(t.calls * t.seconds) as seconds,
        coalesce(sum(t.calls * round(t.seconds * c.price / 60, 6)), 0) as expected
      from (
        select quota.billable_seconds(o.duration_seconds, c) as seconds, count(*) as calls
        from quota.charged_logs(r, exports, beside, c) o where o.duration_seconds is not null group by 1) t
    ) g
    cross join (
      select coalesce(sum(t.calls), 0)::bigint as lines, sum(t.calls * t.seconds) as seconds,
        sum(t.calls * round(t.seconds * c.price / 60, 6)) as by_bill_durations, sum(t.billed) as billed
      from (
        select quota.billable_seconds(l.duration_seconds, c) as seconds, count(*) as calls,
          sum(case
            when c.compares = 'cost' then l.cost
            when c.compares = 'quantity' then l.quantity
            when c.compares like 'breakdown.%'
              then (l.raw #>> array['costBreakdown', split_part(c.compares, '.', 2)])::numeric
          end) as billed
        from quota.charged_lines(r, exports, beside, c) l group by 1) t
    ) b;
  end loop;
end $$;
comment on function quota.expected_costs(uuid) is
  'Per rate card: what the logs of the month should have cost, what the bill''s own durations should have, '
  'and what was billed; the seconds are those that the card charges for, the price is per minute.';
