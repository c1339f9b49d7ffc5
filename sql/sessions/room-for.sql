create or replace function quota.room_for(p_user uuid, p_service text, p_model text) returns numeric
language sql stable
as $$
  select min(a.room)
  from quota.subscription_or_default(p_user, p_service) s
  cross join lateral quota.allowance_of(p_user, s.plan, s.anchor_local, s.timezone, p_model, null) a
  where a.counts
$$;
comment on function quota.room_for(uuid, text, text) is
  'What a call of a model may use, in the unit of its service; null: no limit.';
