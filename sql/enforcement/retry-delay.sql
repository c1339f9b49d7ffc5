create or replace function quota.retry_delay(attempts integer, asked_seconds numeric) returns interval
language sql volatile
as $$
  -- Half of the pause is luck, so that many that failed together do not come back together.
  select make_interval(secs => greatest(
    least(3600, 30 * 2 ^ least(attempts - 1, 20)) * (0.5 + random() / 2), coalesce(asked_seconds, 0)::float8))
$$;
comment on function quota.retry_delay(integer, numeric) is
  'The pause before provider work is tried again: 30 s doubled with each attempt up to an hour, and never '
  'less than the provider asked for.';
