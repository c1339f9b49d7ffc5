create or replace function quota.in_shadow(p_service text) returns boolean
language sql stable
as $$
  select exists (
    select from quota.adopt_products p
    where p.authority = 'app' and p.detached_at is null and p_service = any (p.services))
$$;
comment on function quota.in_shadow(text) is
  'Whether an adopted product still decides about a service by itself: then it is counted, and nobody is '
  'limited or told of alerts.';
