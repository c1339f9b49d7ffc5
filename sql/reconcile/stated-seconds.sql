create or replace function quota.stated_seconds(duration_seconds numeric, status text) returns numeric
language sql immutable parallel safe
as $$ select coalesce(duration_seconds, case when status is distinct from 'untimed' then 0 end) $$;
comment on function quota.stated_seconds(numeric, text) is
  'The seconds of a call line; null where its export has no column that could tell them.';
