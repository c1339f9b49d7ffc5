create or replace function quota.users_to_examine() returns setof uuid
language plpgsql stable
-- Whole tables are read, and joined by hash.
set enable_nestloop = off set work_mem = '128MB'
as $$
declare
  notes record;
  ids uuid[];
  ages integer[];
  times timestamptz[];
  chosen uuid[] := '{}';
  others bigint;
  counted bigint;
begin
  select count(*), sum(n.facts) as facts, max(n.age) as age, min(n.noted_at) as noted_at
  into notes from quota.valid_notes() n;
  if notes.count = 0 then
    return query select u.id from quota.users u;
    return;
  end if;
  -- By the oldest note first: most often that leaves few, or none.
  select array_agg(t.user_id) filter (where t.user_id is not null),
    array_agg(t.age) filter (where t.user_id is not null),
    array_agg(t.at) filter (where t.user_id is not null), coalesce(sum(t.facts), 0)
  into ids, ages, times, counted
  from (
    select t.user_id, min(t.age) as age, max(t.at) as at, sum(t.facts) as facts
    from quota.users_touched(notes.age, notes.noted_at) t group by t.user_id) t;
  if ids is not null then
    chosen := array(
      select n.user_id from unnest(ids, ages, times) t(user_id, age, at)
      join quota.valid_notes() n on n.user_id = t.user_id and (t.age <= n.age or t.at > n.noted_at));
  end if;
  if notes.count < (select count(*) from quota.users) then
    chosen := chosen || array(
      select u.id from quota.users u left join quota.valid_notes() n on n.user_id = u.id
      where n.user_id is null);
  end if;
  return query select unnest(chosen);

  -- What was taken away leaves nothing but a smaller number. All were counted together: that is quick.
  others := notes.facts;
  if chosen <> '{}' then
    others := (select sum(n.facts) from quota.valid_notes() n where n.user_id <> all (chosen));
    counted := counted - (select count(*) from quota.call_logs c where c.user_id = any (chosen))
      - (select count(*) from quota.usage_quotas q where q.user_id = any (chosen))
      - (select count(*) from quota.adjustments a where a.user_id = any (chosen))
      - (select count(*) from quota.grants g where g.user_id = any (chosen))
      - (select count(*) from quota.usage_alerts a where a.user_id = any (chosen));
  end if;
  if others <> counted then
    return query
    select n.user_id from quota.valid_notes() n join quota.facts_of_users() f using (user_id)
    where n.user_id <> all (chosen) and n.facts <> f.facts;
  end if;
end $$;
comment on function quota.users_to_examine() is
  'Whose quotas, grants or alerts may not follow from the facts: everybody of whom something was written or '
  'taken away, or began or ended by time alone, since quota.note_examined noted them as right; and whoever '
  'it never did.';
