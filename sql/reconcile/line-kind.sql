create or replace function quota.line_kind(
  l quota.billing_lines, month_start timestamptz, month_end timestamptz)
returns text
language sql immutable parallel safe
as $$
  select case
    when coalesce(l.started_at, l.created_at) < month_start
      or coalesce(l.started_at, l.created_at) >= month_end
      then 'outside_month'
    when l.started_at is null and coalesce(l.cost, 0) = 0
      and (l.status in ('ended', 'untimed') or l.ended_at is not null)
      then 'not_connected'
    when l.ended_at is null and l.duration_seconds is null and l.status is distinct from 'untimed'
      and (l.started_at is not null or l.status is distinct from 'ended') then 'unsettled'
    -- Of a file that has the same row of a call twice.
    when l.status = 'repeated' then 'duplicate_line'
  end
$$;
comment on function quota.line_kind(quota.billing_lines, timestamptz, timestamptz) is
  'The kind of a call line by itself; null: its repetitions and its log decide.';
