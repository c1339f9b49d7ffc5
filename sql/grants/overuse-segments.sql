create or replace function quota.overuse_segments(p_user uuid, p_meter text, p_at timestamptz)
returns table (quota quota.usage_quotas, segment tstzrange)
language sql stable
as $$
  -- Of periods that overlap, the one that holds now governs, then the earlier one, then what was given up
  -- last.
  with ranked as (
    select q, tstzrange(q.period_start, q.period_end, '[)') as period,
      row_number() over (order by q.superseded, case when q.superseded then q.closed_at end desc,
        q.period_start) as place
    from quota.usage_quotas q
    where q.user_id = p_user and q.meter = p_meter and q.period_start <= p_at
  )
  select r.q, s.segment
  from ranked r
  cross join lateral unnest(
    tstzmultirange(r.period) - coalesce(
      (select range_agg(better.period) from ranked better where better.place < r.place), '{}')) s(segment)
  where (r.q).used > (r.q).limit_quantity and lower(s.segment) <= p_at
  order by lower(s.segment)
$$;
comment on function quota.overuse_segments(uuid, text, timestamptz) is
  'The stretches of time, in order and without overlap, of the quotas that were used beyond their limit: '
  'each instant belongs to the period that governs it, so that nothing is covered twice however time was cut '
  'anew.';
