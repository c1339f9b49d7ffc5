create or replace function quota.due_plans(anchor text) returns text[]
language sql stable
as $$
  select array(
    select distinct plan from quota.plan_limits where reset_anchor = anchor and reset_every is not null
    order by plan)
$$;
comment on function quota.due_plans(text) is
  'The plans that have a limit which resets on the signup''s anniversary or by the calendar.';
