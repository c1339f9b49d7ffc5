create or replace function quota.grant_ledger(p_user uuid, p_meter text, p_at timestamptz default quota.now())
returns table (id bigint, ends_at timestamptz, given numeric, given_running numeric, left_over numeric)
language plpgsql stable
as $$
declare
  grants quota.grants[];
  ends timestamptz[];
  given_before numeric[];
  given_now numeric[];
  part record;
  taken numeric;
  share numeric;
begin
  select array_agg(g order by least(g.expires_at, g.revoked_at), g.id),
    array_agg(least(g.expires_at, g.revoked_at) order by least(g.expires_at, g.revoked_at), g.id)
  into grants, ends
  from quota.grants g where g.user_id = p_user and g.meter = p_meter and g.created_at <= p_at;
  if grants is null then
    return;
  end if;
  given_before := array_fill(0::numeric, array[cardinality(grants)]);
  given_now := given_before;

  for part in select s.quota, s.segment from quota.overuse_segments(p_user, p_meter, p_at) s loop
    taken := 0;
    for i in 1 .. cardinality(grants) loop
      continue when given_before[i] >= (grants[i]).quantity or ends[i] <= lower(part.segment)
        or (grants[i]).created_at >= (part.quota).period_end;
      -- Until it ended it covers what the earlier ones did not.
      share := greatest(least((grants[i]).quantity - given_before[i] - given_now[i], quota.used_beyond(
        part.quota, lower(part.segment), least(upper(part.segment), ends[i])) - taken), 0);
      taken := taken + share;
      if upper(part.segment) > p_at then
        given_now[i] := given_now[i] + share;
      else
        given_before[i] := given_before[i] + share;
      end if;
    end loop;
  end loop;

  return query
  select (grants[i]).id, ends[i], given_before[i], given_now[i],
    case when ends[i] <= p_at then 0 else (grants[i]).quantity - given_before[i] - given_now[i] end
  from generate_subscripts(grants, 1) i;
end $$;
comment on function quota.grant_ledger(uuid, text, timestamptz) is
  'What each grant of a user''s meter gave, from the facts alone: the usage beyond the limits of ended '
  'periods (given) and of the running one (given_running), the earliest to end first; left_over is what it '
  'still has.';
