create or replace function quota.add_up_day(p_day date) returns void
language sql
as $$
  delete from quota.analytics_totals t where t.day = p_day;
  insert into quota.analytics_totals
    (day, service, plan, model, calls, errors, seconds, messages, premium_messages, cost, tokens, bytes)
  select a.day, a.service, a.plan, a.model, sum(a.calls), sum(a.errors), sum(a.seconds),
    sum(a.messages), sum(a.premium_messages), sum(a.cost), sum(a.tokens), sum(a.bytes)
  from quota.usage_analytics a
  where a.day = p_day
  group by a.day, a.service, a.plan, a.model
$$;
comment on function quota.add_up_day(date) is
  'Adds the rolled-up rows of a day up anew. The caller holds the day.';

create or replace function quota.add_up_missing() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(null);
  perform quota.add_up_day(m.day)
  from (
    select d.day from quota.analytics_days d
    where d.rolled_at is not null
      and not exists (select from quota.analytics_totals t where t.day = d.day)
      and exists (select from quota.usage_analytics a where a.day = d.day)
    order by d.day
    for update of d
  ) m;
end $$;
comment on function quota.add_up_missing() is
  'Adds up rolled-up days that are not: who comes from another shard, or goes there, takes rows of them '
  'along.';
