create or replace function quota.limited_state(p_user uuid) returns jsonb
language sql stable
as $$
  select p.limited_state
  from quota.subscriptions s join quota.plans p on p.key = s.plan
  where s.user_id = p_user and p.limited_state is not null
  order by s.limit_enforced_at is null, s.service
  limit 1
$$;
comment on function quota.limited_state(uuid) is
  'The limited state of the plan that limits a user, else of any plan that has one; null: the configured '
  'default.';
