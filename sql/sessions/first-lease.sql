create or replace function quota.first_lease(p_cap numeric, p_grace interval) returns interval
language sql immutable
as $$
  select make_interval(secs => coalesce(p_cap, 86400)::float8) + coalesce(p_grace, '5 minutes')
$$;
comment on function quota.first_lease(numeric, interval) is
  'How long a session whose seconds pass in real time is taken to be alive from its start on, before it '
  'gives a sign of life: as long as what it may use, null: a day, and a grace. Inlined.';
