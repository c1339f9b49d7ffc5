create or replace function quota.subscribed_to(p_meters text[], out users uuid[], out services text[])
language sql stable
as $$
  select array_agg(s.user_id), array_agg(s.service)
  from (
    select distinct s.user_id, s.service from quota.subscriptions s
    join quota.meters m on m.service = s.service where m.key = any (p_meters)) s
$$;
comment on function quota.subscribed_to(text[]) is
  'The (user, service) pairs whose service has one of these meters; null: there are none.';
