-- What calls should have cost by the provider's rules: a bill can list every call and still charge the wrong rate.

create table quota.rate_cards (
  provider text not null,
  name text not null,
  price numeric not null check (price >= 0),
  unit text not null default 'USD',
  increment_seconds numeric not null default 1 check (increment_seconds > 0),
  rounding text not null default 'up' check (rounding in ('up', 'nearest', 'none')),
  minimum_seconds numeric not null default 0 check (minimum_seconds >= 0),
  models text[],
  line_has jsonb,
  compares text not null default 'cost' check (compares ~ '^(cost|quantity|nothing|breakdown\.[A-Za-z]+)$'),
  note text,
  primary key (provider, name)
);
comment on table quota.rate_cards is 'How a provider charges for time. Several cards of a provider are several questions put to its bill.';
comment on column quota.rate_cards.price is 'Per minute, in the unit.';
comment on column quota.rate_cards.increment_seconds is 'Time is rounded to whole multiples of it, per call.';
comment on column quota.rate_cards.models is 'Only calls of these models, without release dates; null: all.';
comment on column quota.rate_cards.line_has is 'Only lines whose raw has these members; null: all.';
comment on column quota.rate_cards.compares is 'With what of a line: its cost, its quantity, a part of its cost breakdown, or nothing, where the bill states no amount.';

insert into quota.rate_cards (provider, name, price, unit, increment_seconds, rounding, minimum_seconds, models, line_has, compares, note) values
  ('vapi', 'platform fee', 0.05, 'USD', 1, 'nearest', 0, null, null, 'breakdown.vapi', 'per minute, prorated to the second'),
  ('heygen', 'streaming', 0.2, 'credit', 1, 'up', 30, null, null, 'nothing', '30 seconds at least, then by the second; the list of sessions states no amounts'),
  ('liveavatar', 'full', 2, 'credit', 60, 'up', 0, null, '{"mode": "FULL"}', 'quantity', 'a minute is taken when it begins'),
  ('liveavatar', 'lite', 1, 'credit', 60, 'up', 0, null, '{"mode": "LITE"}', 'quantity', 'a minute is taken when it begins'),
  ('openai', 'whisper by the second', 0.006, 'USD', 1, 'nearest', 0, '{whisper-1}', null, 'cost', 'one of two readings of the price list'),
  ('openai', 'whisper by the minute', 0.006, 'USD', 60, 'up', 0, '{whisper-1}', null, 'cost', 'the other reading');

create function quota.billable_seconds(seconds numeric, c quota.rate_cards) returns numeric
language sql immutable parallel safe
as $$
  select greatest(c.minimum_seconds, case
    -- Whole seconds, the rule of most cards, need no division: it is most of the work.
    when c.rounding = 'up' and c.increment_seconds = 1 then ceil(seconds)
    when c.rounding = 'nearest' and c.increment_seconds = 1 then round(seconds)
    when c.rounding = 'up' then ceil(seconds / c.increment_seconds) * c.increment_seconds
    when c.rounding = 'nearest' then round(seconds / c.increment_seconds) * c.increment_seconds
    else seconds
  end)
$$;
comment on function quota.billable_seconds(numeric, quota.rate_cards) is 'What a card charges for a call of so many seconds.';

create function quota.line_key(export_id integer, line integer) returns bigint
language sql immutable parallel safe
as $$ select (export_id::bigint << 32) | line $$;
comment on function quota.line_key(integer, integer) is 'A line as one number, which is looked up faster than two.';

create function quota.charged_lines(r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards) returns setof quota.billing_lines
language sql stable parallel safe
as $$
  select l.*
  from quota.billing_lines l
  where l.export_id = any (exports)
    and (l.kind = 'call' or (l.kind = 'aggregate' and l.day >= r.month and l.day < r.month + interval '1 month'))
    and (c.models is null or quota.model_family(l.model) = any (c.models)) and (c.line_has is null or l.raw::jsonb @> c.line_has)
    and quota.line_key(l.export_id, l.line) <> all (beside)
$$;
comment on function quota.charged_lines(quota.reconciliations, integer[], bigint[], quota.rate_cards) is
  'The lines of a month that a card speaks of: those of its exports, without some beside it; sums of days as they are.';

create function quota.charged_logs(r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards) returns setof quota.call_logs
language sql stable parallel safe
as $$
  select g.*
  from quota.call_logs g
  where c.line_has is null and g.provider = r.provider and (c.models is null or quota.model_family(g.model) = any (c.models))
    and g.started_at >= r.month::timestamp at time zone 'UTC' and g.started_at < (r.month + interval '1 month') at time zone 'UTC'
  union all
  -- What only the line says is known of calls that have one.
  select g.*
  from quota.charged_lines(r, exports, beside, c) l
  join quota.reconciliation_items i on i.reconciliation_id = r.id and i.export_id = l.export_id and i.line = l.line
  join quota.call_logs g on g.id = i.log_id
  where c.line_has is not null
$$;
comment on function quota.charged_logs(quota.reconciliations, integer[], bigint[], quota.rate_cards) is
  'The logs of a month that a card speaks of.';

create function quota.expected_costs(reconciliation uuid)
returns table (
  name text, unit text, note text, logs bigint, expected numeric, lines bigint, by_bill_durations numeric, billed numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
-- A month has few different times once they are rounded, which the planner cannot know: it would sort whole lines.
set work_mem = '128MB' set jit = off set enable_sort = off
as $$
declare
  r quota.reconciliations;
  exports integer[];
  beside bigint[];
  c quota.rate_cards;
begin
  select * into r from quota.reconciliations where id = reconciliation;
  exports := array(select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  -- Billed before, of another month, or not to be charged by time: few as a rule.
  beside := array(
    select quota.line_key(i.export_id, i.line) from quota.reconciliation_items i
    where i.reconciliation_id = r.id and i.kind in ('outside_month', 'duplicate_line', 'not_connected', 'unsettled', 'fee')
      and i.export_id is not null);
  for c in select k.* from quota.rate_cards k where k.provider = r.provider order by k.name loop
    -- A query for each card, planned for its values: what it does not ask for costs nothing. Calls of equal time cost
    -- the same, so a price is worked out and rounded once for each time, not for each of a million calls.
    return query
    select c.name, c.unit, c.note, g.logs, g.expected, b.lines, b.by_bill_durations, b.billed
    from (
      select coalesce(sum(t.calls), 0)::bigint as logs, coalesce(sum(t.calls * round(t.seconds * c.price / 60, 6)), 0) as expected
      from (
        select quota.billable_seconds(o.duration_seconds, c) as seconds, count(*) as calls
        from quota.charged_logs(r, exports, beside, c) o where o.duration_seconds is not null group by 1) t
    ) g
    cross join (
      select coalesce(sum(t.calls), 0)::bigint as lines, sum(t.calls * round(t.seconds * c.price / 60, 6)) as by_bill_durations, sum(t.billed) as billed
      from (
        select quota.billable_seconds(l.duration_seconds, c) as seconds, count(*) as calls,
          sum(case
            when c.compares = 'cost' then l.cost
            when c.compares = 'quantity' then l.quantity
            when c.compares like 'breakdown.%' then (l.raw #>> array['costBreakdown', split_part(c.compares, '.', 2)])::numeric
          end) as billed
        from quota.charged_lines(r, exports, beside, c) l group by 1) t
    ) b;
  end loop;
end $$;
comment on function quota.expected_costs(uuid) is
  'Per rate card: what the logs of the month should have cost, what the bill''s own durations should have, and what was billed.';
