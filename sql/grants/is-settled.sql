create or replace function quota.is_settled(g quota.grants, at timestamptz) returns boolean
language sql immutable
as $$ select coalesce(at >= g.settled_at and g.settled_at >= least(g.expires_at, g.revoked_at), false) $$;
comment on function quota.is_settled(quota.grants, timestamptz) is
  'Whether the running quota was brought in line since a grant ended: then nothing counts the grant any '
  'more. What a clock that was ahead settled is not, until then.';
