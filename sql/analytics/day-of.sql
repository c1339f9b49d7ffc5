create or replace function quota.day_of(at timestamptz) returns date
language sql immutable parallel safe
as $$ select (at at time zone 'UTC')::date $$;
comment on function quota.day_of(timestamptz) is 'The day of analytics: UTC.';
