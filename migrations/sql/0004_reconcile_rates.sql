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
language sql immutable
as $$
  select greatest(c.minimum_seconds, case c.rounding
    when 'up' then ceil(seconds / c.increment_seconds) * c.increment_seconds
    when 'nearest' then round(seconds / c.increment_seconds) * c.increment_seconds
    else seconds
  end)
$$;
comment on function quota.billable_seconds(numeric, quota.rate_cards) is 'What a card charges for a call of so many seconds.';

create function quota.expected_costs(reconciliation uuid)
returns table (
  name text, unit text, note text, logs bigint, expected numeric, lines bigint, by_bill_durations numeric, billed numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  with r as (
    select r.*, r.month::timestamp at time zone 'UTC' as month_start, (r.month + interval '1 month') at time zone 'UTC' as month_end
    from quota.reconciliations r where r.id = reconciliation
  ), cards as (
    select c.*, c::quota.rate_cards as card from quota.rate_cards c join r on r.provider = c.provider
  ), charged as (
    -- Lines of calls by their items, which leave out what was billed before or is of another month; sums of days as they are.
    select l.duration_seconds, l.cost, l.quantity, l.model, case when n.needed then l.raw::jsonb end as raw, i.log_id
    from r
    cross join (select exists (select 1 from cards where line_has is not null or compares like 'breakdown.%') as needed) n
    join quota.reconciliation_items i on i.reconciliation_id = r.id
      and i.kind not in ('outside_month', 'duplicate_line', 'not_connected', 'unsettled', 'fee') and i.export_id is not null
    join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
    union all
    select l.duration_seconds, l.cost, l.quantity, l.model, null, null
    from r
    join quota.reconciliation_exports x on x.reconciliation_id = r.id
    join quota.billing_exports e on e.id = x.export_id and e.calls < e.lines
    join quota.billing_lines l on l.export_id = e.id and l.kind = 'aggregate'
      and l.day >= r.month and l.day < r.month + interval '1 month'
  ), by_bill as (
    select c.name, count(*) as lines,
      sum(round(quota.billable_seconds(b.duration_seconds, c.card) * c.price / 60, 6)) as by_bill_durations,
      sum(case
        when c.compares = 'cost' then b.cost
        when c.compares = 'quantity' then b.quantity
        when c.compares like 'breakdown.%' then (b.raw #>> array['costBreakdown', split_part(c.compares, '.', 2)])::numeric
      end) as billed
    from cards c
    join charged b on (c.models is null or quota.model_family(b.model) = any (c.models)) and (c.line_has is null or b.raw @> c.line_has)
    group by c.name
  ), own_calls as (
    select c.name, g.duration_seconds
    from r
    join quota.call_logs g on g.provider = r.provider and g.started_at >= r.month_start and g.started_at < r.month_end
      and g.duration_seconds is not null
    join cards c on c.line_has is null and (c.models is null or quota.model_family(g.model) = any (c.models))
    union all
    -- What only the line says is known of calls that have one.
    select c.name, g.duration_seconds
    from charged b
    join cards c on b.raw @> c.line_has and (c.models is null or quota.model_family(b.model) = any (c.models))
    join quota.call_logs g on g.id = b.log_id and g.duration_seconds is not null
  ), by_log as (
    select o.name, count(*) as logs, sum(round(quota.billable_seconds(o.duration_seconds, c.card) * c.price / 60, 6)) as expected
    from own_calls o join cards c using (name)
    group by o.name
  )
  select c.name, c.unit, c.note, coalesce(g.logs, 0), coalesce(g.expected, 0), coalesce(b.lines, 0), b.by_bill_durations, b.billed
  from cards c left join by_bill b using (name) left join by_log g using (name)
  order by c.name
$$;
comment on function quota.expected_costs(uuid) is
  'Per rate card: what the logs of the month should have cost, what the bill''s own durations should have, and what was billed.';
