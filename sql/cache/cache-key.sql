create or replace function quota.cache_key(external_id text, meter text, period_start timestamptz)
returns text
language sql immutable parallel safe
as $$
  select 'quota:usage:' || external_id || ':' || meter || ':'
    || case when isfinite(period_start)
      then extract(epoch from period_start)::bigint::text else 'lifetime' end
$$;
comment on function quota.cache_key(text, text, timestamptz) is
  'The name of a counter in the cache: the user''s external id, the meter, and the start of the period in '
  'seconds since 1970 (lifetime: the word).';
