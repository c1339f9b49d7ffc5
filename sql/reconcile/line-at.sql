create or replace function quota.line_at(l quota.billing_lines) returns timestamptz
language sql immutable parallel safe
as $$ select coalesce(l.started_at, l.created_at) $$;
comment on function quota.line_at(quota.billing_lines) is
  'The instant that decides which month a line belongs to.';
