create or replace function quota.granted_of(p_users uuid[], p_meters text[])
returns table (user_id uuid, meter text, granted numeric)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  clock timestamptz := quota.now();
  users uuid[] := '{}';
  meters text[] := '{}';
  changes numeric[] := '{}';
  whose integer := 0;
  spent numeric[];
  taken numeric;
  share numeric;
  part record;
begin
  for part in
    select * from quota.overuse_of_grants(p_users, p_meters, clock)
  loop
    if part.is_first then
      whose := whose + 1;
      users[whose] := part.user_id;
      meters[whose] := part.meter;
      changes[whose] := 0;
      spent := '{}';
    end if;
    if part.begins_segment then
      taken := 0;
    end if;
    share := greatest(
      least(part.quantity - coalesce(spent[part.place], 0), part.beyond - taken), 0);
    taken := taken + share;
    spent[part.place] := coalesce(spent[part.place], 0) + share;
    -- What has ended still covers what it did in the running period; what a living one gave before is gone.
    if part.is_running and part.has_ended then
      changes[whose] := changes[whose] + share;
    elsif not part.is_running and not part.has_ended then
      changes[whose] := changes[whose] - share;
    end if;
  end loop;

  return query
  select a.user_id, a.meter, coalesce(g.living, 0) + coalesce(c.change, 0)
  from unnest(p_users, p_meters) a(user_id, meter)
  left join (
    select g.user_id, g.meter, sum(g.quantity) as living from quota.grants g
    where g.user_id = any (p_users) and g.created_at <= clock
      and (least(g.expires_at, g.revoked_at) <= clock) is not true
    group by g.user_id, g.meter
  ) g on g.user_id = a.user_id and g.meter = a.meter
  left join unnest(users, meters, changes) c(user_id, meter, change)
    on c.user_id = a.user_id and c.meter = a.meter;
end $$;
comment on function quota.granted_of(uuid[], text[]) is
  'What quota.granted_now says of each of many (user, meter) pairs, with the facts of all read at once.';
