create type quota.span_cover as (
  has_quotas boolean, uncovered quota.usage_span[], partly quota.usage_span[]);
comment on type quota.span_cover is
  'Of spans: whether any quota lies within them; those where none is open; those that one open quota does '
  'not cover alone.';

create or replace function quota.spans_covered(spans quota.usage_span[]) returns quota.span_cover
language sql stable
-- Looked up, also where the table is still so small that reading it all would do.
set enable_seqscan = off
as $$
  select (coalesce(bool_or(c.quotas > 0), false), array_agg(s) filter (where c.open = 0),
    array_agg(s) filter (where c.open > 0 and not c.is_covered))::quota.span_cover
  from unnest(spans) s
  cross join lateral (
    select count(*) as quotas, count(*) filter (where not q.superseded) as open,
      coalesce(bool_or(not q.superseded and quota.contains(q, s.first) and quota.contains(q, s.last)),
        false) as is_covered
    from quota.usage_quotas q
    where q.user_id = s.user_id and q.meter = s.meter and q.period_start <= s.last and q.period_end > s.first
  ) c
$$;
comment on function quota.spans_covered(quota.usage_span[]) is
  'Which of the spans have to be looked at for periods that are not open.';
