create or replace function quota.grant_shares(p_user uuid, p_meter text, p_periods timestamptz[])
returns table (id bigint, expires_at timestamptz, share numeric)
language plpgsql stable
as $$
declare
  extra record;
  taken numeric := 0;
begin
  for extra in
    select g.id, g.expires_at, g.quantity - g.consumed as quantity, g.created_at from quota.grants g
    where g.user_id = p_user and g.meter = p_meter and g.consumed < g.quantity
      and (g.expires_at is null or g.expires_at > (select min(s) from unnest(p_periods) s))
    order by g.expires_at nulls last, g.id
  loop
    id := extra.id;
    expires_at := extra.expires_at;
    -- What was used beyond the limit until it expired, less what the earlier ones gave: the rest expired unused.
    select greatest(least(extra.quantity, sum(greatest(quota.used_before(q, extra.expires_at) - q.limit_quantity, 0)) - taken), 0)
    into share
    from quota.usage_quotas q
    where q.user_id = p_user and q.meter = p_meter and q.period_start = any (p_periods) and q.period_end > extra.created_at;
    share := coalesce(share, 0);
    taken := taken + share;
    return next;
  end loop;
end $$;
comment on function quota.grant_shares(uuid, text, timestamptz[]) is
  'What the periods of a user''s meter took of each grant that they could use, the earliest to expire first.';
