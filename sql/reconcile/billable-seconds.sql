create or replace function quota.billable_seconds(seconds numeric, c quota.rate_cards) returns numeric
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
comment on function quota.billable_seconds(numeric, quota.rate_cards) is
  'What a card charges for a call of so many seconds.';
